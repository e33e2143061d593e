// A limit as it is configured: what is counted, and how.

import { isTimeZone } from './time-zone.ts';
import { WINDOW_NAMES, WINDOW_SECONDS, type WindowName } from './window.ts';

export const MAX_LIMIT = 2 ** 31;
/** A burst that takes longer to come back would hardly be one. */
export const MAX_REFILL_SECONDS = 31 * 86_400;

/** At most `limit` in each window. By default minutes slide, and hours, days and months are those of the calendar. */
export interface WindowLimit {
  readonly algorithm?: 'fixed' | 'sliding';
  readonly window: WindowName;
  readonly limit: number;
  /** IANA name of the zone whose days and months they are; UTC when absent. */
  readonly timeZone?: string;
  /** False: the limit holds, and no answer tells of it. */
  readonly expose?: boolean;
}

/** At most `burst` at once; they come back at the pace of `limit` a window. */
export interface BurstLimit {
  readonly algorithm: 'bucket';
  readonly burst: number;
  readonly window: 'minute' | 'hour';
  readonly limit: number;
  readonly expose?: boolean;
}

/** At most `limit` at the same time. */
export interface ConcurrencyLimit {
  readonly algorithm: 'concurrency';
  readonly limit: number;
  readonly expose?: boolean;
}

export type Limit = WindowLimit | BurstLimit | ConcurrencyLimit;

export function algorithmOf(limit: Limit): 'fixed' | 'sliding' | 'bucket' | 'concurrency' {
  return limit.algorithm ?? (limit.window === 'minute' ? 'sliding' : 'fixed');
}

/** What tells a limit from the others of its subject, in counters and headers. A limit that is changed goes on with its count. */
export function limitName(limit: Limit): WindowName | 'burst' | 'concurrency' {
  if (limit.algorithm === 'bucket') return 'burst';
  return limit.algorithm === 'concurrency' ? 'concurrency' : limit.window;
}

/** The most that it lets through: in a window, at once, at the same time. */
export function capacityOf(limit: Limit): number {
  return limit.algorithm === 'bucket' ? limit.burst : limit.limit;
}

/** What a request of this cost counts: at the same time it is always one. */
export function costOf(limit: Limit, cost: number): number {
  return limit.algorithm === 'concurrency' ? 1 : cost;
}

/** What is wrong with a limit, as a member and a reason; undefined when it can be counted. */
export function findLimitFault(limit: Limit): { readonly member: string; readonly message: string } | undefined {
  if (!isCount(limit.limit)) return { member: 'limit', message: `must be a whole number from 1 to ${MAX_LIMIT}` };
  if (limit.algorithm === 'concurrency') return undefined;
  if (!WINDOW_NAMES.includes(limit.window))
    return { member: 'window', message: `must be one of ${WINDOW_NAMES.join(', ')}` };
  if (limit.algorithm === 'bucket') return findBurstFault(limit);
  if (limit.algorithm === 'sliding' && limit.window === 'month')
    return { member: 'algorithm', message: 'must be fixed for a month: months differ in length' };
  if (limit.timeZone === undefined) return undefined;
  if (limit.window === 'minute' || limit.window === 'hour' || limit.algorithm === 'sliding')
    return { member: 'timeZone', message: 'is only for fixed windows of a day or a month' };
  return isTimeZone(limit.timeZone) ? undefined : { member: 'timeZone', message: 'is no time zone that is known here' };
}

function findBurstFault({ burst, window, limit }: BurstLimit) {
  if (!isCount(burst)) return { member: 'burst', message: `must be a whole number from 1 to ${MAX_LIMIT}` };
  if (window !== 'minute' && window !== 'hour') return { member: 'window', message: 'must be minute or hour' };
  if ((burst / limit) * WINDOW_SECONDS[window] > MAX_REFILL_SECONDS)
    return { member: 'burst', message: 'must come back within 31 days at the pace of the limit' };
  return undefined;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= MAX_LIMIT;
}
