// Sliding window by two weighted buckets: what counts is this window's requests, and of the last window's the part that the sliding
// window still covers, as if they had come evenly. `count` is this window's, `rest` the last one's.
//
//     used = count + ceil(rest × (length − elapsed) / length)
//
// Whole numbers in doubles: up to 2^31 × 3,600,000 the products are exact, which covers minutes and hours at every limit.

import { type Algorithm, takeBack, type Tally, type Terms } from './algorithm.ts';

const MINUTE_MS = 60_000;

export const slidingWindow: Algorithm = {
  turn(tally, terms, nowMs) {
    const { clock } = terms;
    const endMinute = clock.endMs / MINUTE_MS;
    if (tally.endMinute === endMinute) return false;
    if (tally.endMinute > endMinute) return takeBack(tally, terms, nowMs);
    tally.rest = tally.endMinute === clock.startMs / MINUTE_MS ? tally.count : 0;
    tally.count = 0;
    tally.endMinute = endMinute;
    return false;
  },

  room: (tally, terms, nowMs) => terms.limit - tally.count - weigh(tally.rest, terms, elapsed(tally, terms, nowMs)),

  count(tally, _terms, _nowMs, cost) {
    tally.count += cost;
  },

  giveBack(tally, { clock }, _nowMs, { cost, atMs }) {
    if (atMs >= clock.startMs) tally.count = Math.max(0, tally.count - cost);
    else if (atMs >= clock.startMs - lengthOf(clock)) tally.rest = Math.max(0, tally.rest - cost);
  },

  resetAtMs(tally, terms, nowMs, cost) {
    const endMs = tally.endMinute * MINUTE_MS;
    const since = elapsed(tally, terms, nowMs);
    const allowed = terms.limit - cost - tally.count;
    if (allowed >= weigh(tally.rest, terms, since)) return endMs;
    if (allowed >= 0) return endMs - lengthOf(terms.clock) + fallsTo(allowed, tally.rest, terms);
    // Only in the next window, when this one's count is the last one's. A cost above the limit never fits.
    return endMs + fallsTo(Math.max(0, terms.limit - cost), tally.count, terms);
  },
};

function lengthOf(clock: Terms['clock']): number {
  return clock.endMs - clock.startMs;
}

/** Since the begin of the tally's window; 0 when that is still to come. */
function elapsed(tally: Tally, { clock }: Terms, nowMs: number): number {
  return tally.endMinute * MINUTE_MS === clock.endMs ? nowMs - clock.startMs : 0;
}

function weigh(rest: number, { clock }: Terms, elapsedMs: number): number {
  const lengthMs = lengthOf(clock);
  return Math.ceil((rest * (lengthMs - elapsedMs)) / lengthMs);
}

/** After how many milliseconds of a window the weight of the last one's `rest` is down to `allowed`. */
function fallsTo(allowed: number, rest: number, terms: Terms): number {
  if (rest <= allowed) return 0;
  const lengthMs = lengthOf(terms.clock);
  let afterMs = Math.floor(lengthMs - (allowed * lengthMs) / rest);
  while (weigh(rest, terms, afterMs) > allowed) afterMs++;
  return afterMs;
}
