// One coarse timer for all connections, in place of one for each: whoever has a deadline is asked ten times a second.

const INTERVAL_MS = 100;

export interface Timed {
  /** Called at every sweep with the time, in monotonic milliseconds. */
  onSweep(tick: number): void;
}

export class Sweep {
  readonly #members = new Set<Timed>();
  readonly #monotonicMs: () => number;
  readonly #timer: NodeJS.Timeout;
  /** The time of the last sweep in whole milliseconds: good enough for deadlines of seconds, and free. */
  tick: number;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.tick = Math.floor(monotonicMs());
    this.#timer = setInterval(() => this.#sweep(), INTERVAL_MS).unref();
  }

  /** The tick at which so many milliseconds have surely passed; at most two intervals late. */
  deadline(inMs: number): number {
    return this.tick + inMs + INTERVAL_MS;
  }

  add(member: Timed): void {
    this.#members.add(member);
  }

  remove(member: Timed): void {
    this.#members.delete(member);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sweep(): void {
    this.tick = Math.floor(this.#monotonicMs());
    for (const member of this.#members) member.onSweep(this.tick);
  }
}
