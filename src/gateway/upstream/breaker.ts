// Keeps calls from a target that fails, so that neither it nor the callers waste their time. Pure: time comes in as monotonic
// milliseconds, and whoever owns it says when some has passed.
//
// closed: every call passes, and failures are counted. open: none does. half_open: a few trials do; the first failure opens it again, and
// as many successes as there may be trials close it.

export interface BreakerRules {
  /** So many failures in a row open it; Infinity for never. */
  readonly failureThreshold: number;
  /** And so does this part of the calls of a window; undefined for never. */
  readonly rate: FailureRate | undefined;
  /** How long it stays open. */
  readonly resetMs: number;
  /** Calls let through at once while it is half open. */
  readonly trials: number;
}

export interface FailureRate {
  readonly percent: number;
  /** With fewer calls in the window there is nothing to be said. */
  readonly minimumCalls: number;
  readonly windowMs: number;
}

export type BreakerState = 'closed' | 'open' | 'half_open';

export class Breaker {
  readonly rules: BreakerRules;
  state: BreakerState = 'closed';
  /** Counts the changes of state. A call tells under which it began: what began under another one says nothing about this one. */
  epoch = 0;
  trialsLeft = 0;
  #failuresInRow = 0;
  #successes = 0;
  #openUntilTick = 0;
  readonly #window: CallWindow | undefined;

  constructor(rules: BreakerRules) {
    this.rules = rules;
    this.#window = rules.rate === undefined ? undefined : new CallWindow(rules.rate);
  }

  get mayTake(): boolean {
    return this.state === 'closed' || (this.state === 'half_open' && this.trialsLeft > 0);
  }

  /** A call begins. */
  begin(): void {
    if (this.state === 'half_open') this.trialsLeft--;
  }

  onSuccess(epoch: number, tick: number): void {
    if (epoch !== this.epoch) return;
    if (this.state === 'half_open') {
      this.trialsLeft++;
      if (++this.#successes >= this.rules.trials) this.#become('closed');
      return;
    }
    this.#failuresInRow = 0;
    this.#window?.count(false, tick);
  }

  onFailure(epoch: number, tick: number): void {
    if (epoch !== this.epoch) return;
    this.#failuresInRow++;
    this.#window?.count(true, tick);
    const isOverdone = this.#failuresInRow >= this.rules.failureThreshold || this.#window?.isExceeded === true;
    if (this.state === 'half_open' || isOverdone) {
      this.#openUntilTick = tick + this.rules.resetMs;
      this.#become('open');
    }
  }

  /** A call ended that says nothing: its caller went away. */
  onNothing(epoch: number): void {
    if (epoch === this.epoch && this.state === 'half_open') this.trialsLeft++;
  }

  onTime(tick: number): void {
    if (this.state !== 'open' || tick < this.#openUntilTick) return;
    this.#become('half_open');
    this.trialsLeft = this.rules.trials;
  }

  /** How long until a call may be tried. */
  waitMs(tick: number): number {
    return this.state === 'open' ? Math.max(0, this.#openUntilTick - tick) : 0;
  }

  #become(state: BreakerState): void {
    this.state = state;
    this.epoch++;
    this.#failuresInRow = 0;
    this.#successes = 0;
    this.#window?.clear();
  }
}

const SLICES = 10;

/** The calls of the last while, in ten slices of time: a slice leaves the window whole. */
class CallWindow {
  readonly #rate: FailureRate;
  readonly #calls = new Uint32Array(SLICES);
  readonly #failures = new Uint32Array(SLICES);
  #callsInAll = 0;
  #failuresInAll = 0;
  #slice = 0;

  constructor(rate: FailureRate) {
    this.#rate = rate;
  }

  get isExceeded(): boolean {
    const { percent, minimumCalls } = this.#rate;
    return this.#callsInAll >= minimumCalls && this.#failuresInAll * 100 >= percent * this.#callsInAll;
  }

  count(isFailure: boolean, tick: number): void {
    this.#advance(Math.floor((tick * SLICES) / this.#rate.windowMs));
    const at = this.#slice % SLICES;
    this.#calls[at] = (this.#calls[at] ?? 0) + 1;
    this.#callsInAll++;
    if (!isFailure) return;
    this.#failures[at] = (this.#failures[at] ?? 0) + 1;
    this.#failuresInAll++;
  }

  clear(): void {
    this.#calls.fill(0);
    this.#failures.fill(0);
    this.#callsInAll = 0;
    this.#failuresInAll = 0;
  }

  #advance(slice: number): void {
    if (slice - this.#slice >= SLICES) this.clear();
    else {
      for (let passed = this.#slice + 1; passed <= slice; passed++) {
        const at = passed % SLICES;
        this.#callsInAll -= this.#calls[at] ?? 0;
        this.#failuresInAll -= this.#failures[at] ?? 0;
        this.#calls[at] = 0;
        this.#failures[at] = 0;
      }
    }
    this.#slice = slice;
  }
}
