// Verdicts, made the same way for every limiter; and what no call may ask.

import { costOf, findLimitFault, limitName, MAX_LIMIT } from '../lib/limit.ts';
import type { Check, Refused, Standing } from './limiter.ts';

/** How many checks one call may bring: six kinds of subject with four windows, a burst and a concurrency each, and room. */
const MAX_CHECKS = 64;

/** Throws for what no configuration can ask: a defect of the caller. */
export function assertChecks(checks: readonly Check[]): void {
  if (checks.length === 0 || checks.length > MAX_CHECKS)
    throw new RangeError(`${checks.length} checks in one call, not 1 to ${MAX_CHECKS}`);
  const seen = new Set<string>();
  for (const { subject, limit } of checks) {
    const fault = findLimitFault(limit);
    if (fault !== undefined)
      throw new RangeError(`a limit of ${subject} cannot be counted: ${fault.member} ${fault.message}`);
    const name = counterName(subject, limitName(limit));
    if (seen.has(name)) throw new RangeError(`${name} stands in one call twice`);
    seen.add(name);
  }
}

/** Throws for a cost that is none: a defect of the caller. */
export function assertCost(cost: number): void {
  if (!Number.isSafeInteger(cost) || cost < 1 || cost > MAX_LIMIT)
    throw new RangeError(`a cost of ${cost} cannot be counted`);
}

/** What a counter is called in every store. */
export function counterName(subject: string, name: string): string {
  return `${subject}:${name}`;
}

/** A refusal: none of the standings was counted, and those with less than `cost` left are the reason. */
export function toRefusal(standings: readonly Standing[], cost: number, atMs: number): Refused {
  let refusedBy: Standing | undefined;
  for (const standing of standings) {
    if (standing.remaining >= costOf(standing.check.limit, cost)) continue;
    if (refusedBy === undefined || standing.resetAtMs > refusedBy.resetAtMs) refusedBy = standing;
  }
  if (refusedBy === undefined) throw new Error('a refusal that no check gave');
  return { outcome: 'refused', atMs, standings, refusedBy };
}
