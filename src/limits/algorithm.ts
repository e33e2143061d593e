// What all algorithms have in common: a counter is three whole numbers, and an algorithm says what they mean at a moment. Pure.
// The script for Redis (take-script.ts) says the same in Lua; limiter.conformance.ts holds both to one definition.

import type { WindowClock } from '../lib/window.ts';

/** A counter as an algorithm reads and writes it: scratch space, filled anew for each decision. */
export interface Tally {
  /** Whole, from 0 to 2^32 - 1, like `rest`. */
  count: number;
  /** The end of the window, in minutes since the epoch. */
  endMinute: number;
  rest: number;
}

/** A limit in the numbers that its algorithm works with. */
export interface Terms {
  /** The most that may be counted: in a window, at once, at the same time. */
  readonly limit: number;
  /** Turned to the moment by whoever asks. Of a bucket's windows only the length counts. */
  readonly clock: WindowClock;
  /** What a bucket regains in a window; 0 for the others. */
  readonly refill: number;
}

export interface Taken {
  readonly cost: number;
  readonly atMs: number;
}

export interface Algorithm {
  /**
   * Brings the tally to the moment: what was counted long ago falls away. To be called before all others. Tells whether it had to be
   * taken back from the future (see `takeBack`): that has to be kept, also when the call is refused.
   */
  turn(tally: Tally, terms: Terms, nowMs: number): boolean;
  /** How much more may be counted now; below zero when the limit was lowered meanwhile. */
  room(tally: Tally, terms: Terms, nowMs: number): number;
  count(tally: Tally, terms: Terms, nowMs: number, cost: number): void;
  /** Takes back what was counted at a moment, as far as it counts still. */
  giveBack(tally: Tally, terms: Terms, nowMs: number, taken: Taken): void;
  /**
   * When it resets. With room for `cost`: the end of the window. Without: the first millisecond that has room, if nobody else calls
   * meanwhile.
   */
  resetAtMs(tally: Tally, terms: Terms, nowMs: number, cost: number): number;
}

const MINUTE_MS = 60_000;

/**
 * The clocks of threads and nodes differ by a little, and a thread may sleep between reading its clock and counting. A counter whose
 * window begins within this time is counted on as it is.
 */
const SKEW_MS = 2000;

/**
 * For a counter that lies ahead of the moment. In the next window, which begins in an instant, it stays. Any other was counted on before
 * the clock was set back: it is taken into the present window with all that it has counted, so that nobody wins a window that way, nor
 * waits for one longer than it lasts. Tells whether it was.
 */
export function takeBack(tally: Tally, { clock }: Terms, nowMs: number): boolean {
  if (tally.endMinute * MINUTE_MS === clock.nextEndMs && clock.endMs - nowMs <= SKEW_MS) return false;
  tally.endMinute = clock.endMs / MINUTE_MS;
  return true;
}
