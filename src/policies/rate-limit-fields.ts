// The header fields that tell a caller where it stands:
//
// - `X-RateLimit-Limit`, `-Remaining`, `-Reset`: the tightest limit; the reset as ISO 8601 in UTC;
// - `RateLimit-Policy` and `RateLimit`: all limits, by draft-ietf-httpapi-ratelimit-headers-11 (May 2026), as structured fields (RFC 9651).
//
// They show the moment of the decision: while a long answer was waited for, more may have been used, and windows may have ended.

import type { Reply } from '../gateway/exchange.ts';
import { RATE_LIMIT } from '../gateway/wire/field-kind.ts';
import { WINDOW_SECONDS } from '../lib/window.ts';
import type { Check, Standing, Verdict } from '../limits/limiter.ts';

/** One limit that is told to the caller. */
export interface Quota {
  readonly kind: 'key' | 'endpoint';
  readonly check: Check;
}

/** The limits of a request, with what does not change from one request to the next. */
export interface QuotaSet {
  readonly checks: readonly Check[];
  /** For each check, how its item in the list `RateLimit` begins. */
  readonly itemStarts: readonly string[];
  /** For each check, what is said when it is the tightest: up to the number of requests that are left. */
  readonly limitStarts: readonly string[];
  /** The end of the line before, the whole of `RateLimit-Policy`, and the beginning of `RateLimit`. */
  readonly policyLine: string;
}

export function toQuotaSet(quotas: readonly Quota[]): QuotaSet {
  const names = quotas.map(({ kind, check }) => `"${kind}-${check.window}"`);
  return {
    checks: quotas.map(({ check }) => check),
    itemStarts: names.map((name, i) => `${i === 0 ? '' : ', '}${name};r=`),
    limitStarts: quotas.map(({ check }) => `x-ratelimit-limit: ${check.limit}\r\nx-ratelimit-remaining: `),
    policyLine: `\r\nratelimit-policy: ${quotas
      .map(({ check }, i) => `${names[i]};q=${check.limit};w=${WINDOW_SECONDS[check.window]}`)
      .join(', ')}\r\nratelimit: `,
  };
}

/** Whole seconds until the window ends, rounded up: who waits so long meets the next one. At least 1. */
export function secondsLeft({ resetAtMs }: Standing, atMs: number): number {
  return Math.max(1, Math.ceil((resetAtMs - atMs) / 1000));
}

export class RateLimitFields {
  // Most requests of a minute reset at the same moment, and to write a date costs as much as all the rest.
  #resetAtMs = Number.NaN;
  #resetLine = '';

  /** Puts the fields into a reply, in the place of any that the upstream sent. */
  write(reply: Reply, quotas: QuotaSet, verdict: Exclude<Verdict, { outcome: 'unavailable' }>): void {
    const { standings, atMs } = verdict;
    const index = verdict.outcome === 'refused' ? standings.indexOf(verdict.refusedBy) : findTightest(standings);
    const tightest = standings[index];
    if (tightest === undefined) return;
    reply.drops |= 1 << RATE_LIMIT; // Beside ours, they would contradict.
    let items = '';
    let i = 0;
    for (const standing of standings) {
      items += `${quotas.itemStarts[i++]}${standing.remaining};t=${secondsLeft(standing, atMs)}`;
    }
    const reset = this.#toResetLine(tightest.resetAtMs);
    reply.lines += `${quotas.limitStarts[index]}${tightest.remaining}${reset}${quotas.policyLine}${items}\r\n`;
  }

  #toResetLine(resetAtMs: number): string {
    if (resetAtMs !== this.#resetAtMs) {
      this.#resetAtMs = resetAtMs;
      this.#resetLine = `\r\nx-ratelimit-reset: ${new Date(resetAtMs).toISOString()}`;
    }
    return this.#resetLine;
  }
}

/** Which one has the fewest requests left; of several, the one that resets last. -1 of none. */
function findTightest(standings: readonly Standing[]): number {
  let tightest: Standing | undefined;
  let found = -1;
  for (let i = 0; i < standings.length; i++) {
    const standing = standings[i];
    if (standing === undefined) continue;
    if (
      tightest === undefined ||
      standing.remaining < tightest.remaining ||
      (standing.remaining === tightest.remaining && standing.resetAtMs > tightest.resetAtMs)
    ) {
      tightest = standing;
      found = i;
    }
  }
  return found;
}
