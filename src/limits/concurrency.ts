// Concurrency: at most so many at the same time. `count` is how many there are; each is given back when it is over.

import type { Algorithm } from './algorithm.ts';

const MINUTE_MS = 60_000;
/** How long a counter is kept without a newcomer: longer than any request lasts. */
const KEPT_MINUTES = 24 * 60;
/** Nobody knows when a place comes free. */
const TRY_AGAIN_MS = 1000;

export const concurrency: Algorithm = {
  turn(tally, _terms, nowMs) {
    const nowMinute = Math.floor(nowMs / MINUTE_MS);
    const keptFor = tally.endMinute - nowMinute;
    if (keptFor <= 0) tally.count = 0;
    // Now and then, so that a call need not write it each time.
    if (keptFor < KEPT_MINUTES - 60 || keptFor > KEPT_MINUTES) tally.endMinute = nowMinute + KEPT_MINUTES;
    return false;
  },

  room: (tally, terms) => terms.limit - tally.count,

  count(tally, _terms, _nowMs, cost) {
    tally.count += cost;
  },

  giveBack(tally, _terms, _nowMs, { cost }) {
    tally.count = Math.max(0, tally.count - cost);
  },

  resetAtMs: (_tally, _terms, nowMs) => nowMs + TRY_AGAIN_MS,
};
