// Fixed window: at most so many in each window of the calendar. `count` is what the window has counted.

import { type Algorithm, takeBack } from './algorithm.ts';

const MINUTE_MS = 60_000;

export const fixedWindow: Algorithm = {
  turn(tally, terms, nowMs) {
    const endMinute = terms.clock.endMs / MINUTE_MS;
    if (tally.endMinute === endMinute) return false;
    if (tally.endMinute > endMinute) return takeBack(tally, terms, nowMs);
    tally.count = 0;
    tally.endMinute = endMinute;
    return false;
  },

  room: (tally, terms) => terms.limit - tally.count,

  count(tally, _terms, _nowMs, cost) {
    tally.count += cost;
  },

  giveBack(tally, { clock }, _nowMs, { cost, atMs }) {
    if (atMs >= clock.startMs) tally.count = Math.max(0, tally.count - cost);
  },

  resetAtMs: (tally) => tally.endMinute * MINUTE_MS,
};
