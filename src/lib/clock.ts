// Time as an argument, so that tests can hold it still.

export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. May jump when the host is adjusted. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start, never going back. For durations. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
