// Token bucket: at most `limit` at once, and `refill` in each window of a long time. As GCRA (ITU-T I.371): what is kept is one moment,
// when the bucket will be full again. It is kept exactly: as milliseconds (`endMinute`, and the rest of the minute in `count`) and a
// fraction of one in units of 1/refill (`rest`), in which a token, window / refill, is a whole number.
//
// What is missing, in units of 1/refill milliseconds, is at most 2^31 × 3,600,000: exact in doubles.

import type { Algorithm, Tally, Terms } from './algorithm.ts';

const MINUTE_MS = 60_000;

export const tokenBucket: Algorithm = {
  turn(tally, terms, nowMs) {
    const units = missingUnits(tally, terms, nowMs);
    const most = terms.limit * token(terms);
    // A bucket that lacks more than it holds was counted on before the clock was set back, or was larger then: it is empty.
    setMissing(tally, terms, nowMs, Math.min(units, most));
    return units > most;
  },

  room: (tally, terms, nowMs) => terms.limit - Math.ceil(missingUnits(tally, terms, nowMs) / token(terms)),

  count(tally, terms, nowMs, cost) {
    setMissing(tally, terms, nowMs, missingUnits(tally, terms, nowMs) + cost * token(terms));
  },

  giveBack(tally, terms, nowMs, { cost }) {
    setMissing(tally, terms, nowMs, Math.max(0, missingUnits(tally, terms, nowMs) - cost * token(terms)));
  },

  resetAtMs(tally, terms, nowMs, cost) {
    const gone = missingUnits(tally, terms, nowMs);
    const allowed = Math.max(0, terms.limit - cost) * token(terms);
    return nowMs + Math.ceil((gone <= allowed ? gone : gone - allowed) / terms.refill);
  },
};

/** What one token is, in units of 1/refill milliseconds. */
function token({ clock }: Terms): number {
  return clock.endMs - clock.startMs;
}

function missingUnits(tally: Tally, { refill }: Terms, nowMs: number): number {
  const aheadMs = tally.endMinute * MINUTE_MS + tally.count - nowMs;
  return Math.max(0, aheadMs * refill + tally.rest);
}

function setMissing(tally: Tally, { refill }: Terms, nowMs: number, units: number): void {
  const aheadMs = Math.floor(units / refill);
  const fullAtMs = nowMs + aheadMs;
  tally.endMinute = Math.floor(fullAtMs / MINUTE_MS);
  tally.count = fullAtMs - tally.endMinute * MINUTE_MS;
  tally.rest = units - aheadMs * refill;
}
