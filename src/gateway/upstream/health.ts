// Whether a target is fit for requests. Pure: time comes in as monotonic milliseconds, and whoever owns it says when some has passed.
//
// Three things take a target out, each until it is made good by itself: no connection could be made, until one can; a run of errors, for
// a time; checks that fail, until they pass.

export interface HealthRules {
  /** So many errors in a row take the target out; Infinity for never. */
  readonly errorThreshold: number;
  /** For how long. */
  readonly ejectMs: number;
  /** Undefined: nobody looks. */
  readonly check: CheckRules | undefined;
}

export interface CheckRules {
  /** On the target, from its root. */
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** So many checks in a row bring a target back that was out. */
  readonly healthyThreshold: number;
  /** So many checks in a row that fail take it out. */
  readonly unhealthyThreshold: number;
}

/** Why a target is out. */
export type Ill = 'unreachable' | 'errors' | 'check';

const FIRST_PROBE_MS = 1000;
const LAST_PROBE_MS = 30_000;

export class Health {
  #rules: HealthRules = { errorThreshold: Infinity, ejectMs: 0, check: undefined };
  /** No connection could be made last. */
  isUnreachable = false;
  #probeTick = 0;
  #probes = 0;
  #errorsInRow = 0;
  #ejectedUntilTick = 0;
  #isEjected = false;
  #isFailingChecks = false;
  /** Checks in a row that speak against what it is held for. */
  #contradictions = 0;
  #checkTick = 0;
  #isBeingChecked = false;

  /** What was found by other rules stays, but for checks that are not made any more. */
  assume(rules: HealthRules): void {
    this.#rules = rules;
    if (rules.check === undefined) this.#isFailingChecks = false;
  }

  /** The first that is wrong; undefined when nothing is. */
  get ill(): Ill | undefined {
    if (this.isUnreachable) return 'unreachable';
    if (this.#isFailingChecks) return 'check';
    return this.#isEjected ? 'errors' : undefined;
  }

  get isUp(): boolean {
    return !this.isUnreachable && !this.#isEjected && !this.#isFailingChecks;
  }

  /** Something changes by itself, or has to be done, when time passes. */
  get needsTime(): boolean {
    return !this.isUp || this.#rules.check !== undefined;
  }

  onUnreachable(tick: number): void {
    if (this.isUnreachable) return;
    this.isUnreachable = true;
    this.#probes = 0;
    this.#probeTick = tick + FIRST_PROBE_MS;
  }

  onReached(): void {
    this.isUnreachable = false;
  }

  onSuccess(): void {
    this.#errorsInRow = 0;
  }

  onError(tick: number): void {
    if (++this.#errorsInRow < this.#rules.errorThreshold) return;
    this.#errorsInRow = 0;
    this.#isEjected = true;
    this.#ejectedUntilTick = tick + this.#rules.ejectMs;
  }

  onTime(tick: number): void {
    if (this.#isEjected && tick >= this.#ejectedUntilTick) this.#isEjected = false;
  }

  /** Whether a connection should be tried now; the next time is put off, twice as long with every time. */
  takeProbe(tick: number): boolean {
    if (!this.isUnreachable || tick < this.#probeTick) return false;
    this.#probes++;
    this.#probeTick = tick + Math.min(FIRST_PROBE_MS * 2 ** this.#probes, LAST_PROBE_MS);
    return true;
  }

  /** What to check now, if anything; `onCheck` tells what came of it. `random`, from 0 to 1, keeps those who look apart. */
  takeCheck(tick: number, random: number): CheckRules | undefined {
    const { check } = this.#rules;
    if (check === undefined || this.#isBeingChecked || tick < this.#checkTick) return undefined;
    this.#isBeingChecked = true;
    this.#checkTick = tick + check.intervalMs * (0.9 + random / 5);
    return check;
  }

  onCheck(hasPassed: boolean): void {
    this.#isBeingChecked = false;
    const { check } = this.#rules;
    if (check === undefined) return;
    this.#contradictions = hasPassed === this.#isFailingChecks ? this.#contradictions + 1 : 0;
    if (this.#contradictions < (hasPassed ? check.healthyThreshold : check.unhealthyThreshold)) return;
    this.#contradictions = 0;
    this.#isFailingChecks = !hasPassed;
  }
}
