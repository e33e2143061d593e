// Watches how far the months of callers are used: told at four fifths and at the end. The counters say so with every verdict, so there is
// nothing to ask for; whoever has no limit of a month costs one look at a field.

import type { QuotaNews } from '../gateway/ports.ts';
import type { Quota } from '../lib/quota.ts';
import type { Admitted, Refused } from '../limits/limiter.ts';

/** A month of a caller, among the quotas of a request. */
export interface WatchedMonth {
  readonly at: number;
  readonly subject: string;
  readonly quota: number;
  /** With so few left, four fifths are used. */
  readonly warnAt: number;
  /** The end of the month of which something was told, and what. */
  toldOfMs: number;
  told: QuotaNews['level'];
}

/** Undefined when there is none. */
export function findMonths(quotas: readonly Quota[]): WatchedMonth[] | undefined {
  const months = quotas.flatMap(({ kind, subject, limit }, at): WatchedMonth[] => {
    const isOfCaller = kind === 'client' || kind === 'key' || kind === 'tenant';
    if (!isOfCaller || limit.algorithm === 'concurrency' || limit.algorithm === 'bucket' || limit.window !== 'month')
      return [];
    const warnAt = Math.floor(limit.limit / 5);
    return [{ at, subject, quota: limit.limit, warnAt, toldOfMs: 0, told: 'warning' }];
  });
  return months.length === 0 ? undefined : months;
}

/** Tells of a month once for each level, as far as this list knows: others may tell of the same. */
export function watchMonths(
  months: readonly WatchedMonth[],
  verdict: Admitted | Refused,
  tell: (news: Omit<QuotaNews, 'tenantId'>) => void,
): void {
  for (const month of months) {
    const standing = verdict.standings[month.at];
    if (standing === undefined) continue;
    const { remaining, resetAtMs } = standing;
    const hasRefused = verdict.outcome === 'refused' && verdict.refusedBy === standing;
    if (remaining > month.warnAt && !hasRefused) continue;
    const level = remaining === 0 || hasRefused ? 'exceeded' : 'warning';
    if (month.toldOfMs === resetAtMs && (month.told === 'exceeded' || level === 'warning')) continue;
    month.toldOfMs = resetAtMs;
    month.told = level;
    const { subject, quota } = month;
    tell({ subject, quota, used: quota - remaining, resetsAtMs: resetAtMs, level });
  }
}
