// Time as an argument, so that tests can hold it still.

import { performance } from 'node:perf_hooks'; // The global of this name is looked up anew each time.

export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. May jump when the host is adjusted. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start, never going back. For durations. */
  monotonicMs(): number;
}

/** The time of the system. While it is held it is read once: a request asks for it many times within microseconds. */
export class SystemClock implements Clock {
  #isHeld = false;
  /** What was read since; NaN for not yet. */
  #nowMs = NaN;
  #monotonicMs = NaN;

  nowMs(): number {
    if (!this.#isHeld) return Date.now();
    if (Number.isNaN(this.#nowMs)) this.#nowMs = Date.now();
    return this.#nowMs;
  }

  monotonicMs(): number {
    if (!this.#isHeld) return performance.now();
    if (Number.isNaN(this.#monotonicMs)) this.#monotonicMs = performance.now();
    return this.#monotonicMs;
  }

  /** Stands still until `release`: for one event, which must not wait for time to pass. */
  hold(): void {
    this.#isHeld = true;
    this.#nowMs = NaN;
    this.#monotonicMs = NaN;
  }

  release(): void {
    this.#isHeld = false;
  }
}

export const systemClock = new SystemClock();
