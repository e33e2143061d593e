// Verdicts and standings, made the same way for every limiter.

import type { Check, Standing, Verdict } from './limiter.ts';

/** How many checks one call may bring: six kinds of subject with four windows and a burst each, and room. */
const MAX_CHECKS = 64;

/** Throws for what no caller may ask: a defect there, never something a request can cause. */
export function assertTake(checks: readonly Check[], cost: number): void {
  if (!Number.isSafeInteger(cost) || cost < 1) throw new RangeError(`a cost of ${cost} cannot be counted`);
  if (checks.length === 0 || checks.length > MAX_CHECKS) {
    throw new RangeError(`${checks.length} checks in one call, not 1 to ${MAX_CHECKS}`);
  }
}

export function toStanding(check: Check, used: number, resetAtMs: number): Standing {
  // A limit may have been lowered below what was used already.
  return { check, remaining: Math.max(0, check.limit - used), resetAtMs };
}

/** A refusal: none of the standings was counted, and those with less than `cost` left are the reason. */
export function toRefusal(standings: readonly Standing[], cost: number, atMs: number): Verdict {
  let refusedBy: Standing | undefined;
  for (const standing of standings) {
    if (standing.remaining >= cost) continue;
    if (refusedBy === undefined || standing.resetAtMs > refusedBy.resetAtMs) refusedBy = standing;
  }
  if (refusedBy === undefined) throw new Error('a refusal that no check gave');
  return { outcome: 'refused', atMs, standings, refusedBy };
}
