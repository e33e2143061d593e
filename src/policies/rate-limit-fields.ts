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
  /** The whole of `RateLimit-Policy`. */
  readonly policyField: string;
}

export function toQuotaSet(quotas: readonly Quota[]): QuotaSet {
  const names = quotas.map(({ kind, check }) => `"${kind}-${check.window}"`);
  return {
    checks: quotas.map(({ check }) => check),
    itemStarts: names.map((name, i) => `${i === 0 ? '' : ', '}${name};r=`),
    policyField: quotas
      .map(({ check }, i) => `${names[i]};q=${check.limit};w=${WINDOW_SECONDS[check.window]}`)
      .join(', '),
  };
}

/** Whole seconds until the window ends, rounded up: who waits so long meets the next one. At least 1. */
export function secondsLeft({ resetAtMs }: Standing, atMs: number): number {
  return Math.max(1, Math.ceil((resetAtMs - atMs) / 1000));
}

export class RateLimitFields {
  // Most requests of a minute reset at the same moment, and to write a date costs as much as all the rest.
  #resetAtMs = Number.NaN;
  #resetText = '';

  /** Puts the fields into a reply, in the place of any that the upstream sent. */
  write(reply: Reply, quotas: QuotaSet, verdict: Exclude<Verdict, { outcome: 'unavailable' }>): void {
    const tightest = verdict.outcome === 'refused' ? verdict.refusedBy : findTightest(verdict.standings);
    if (tightest === undefined) return;
    reply.drops |= 1 << RATE_LIMIT; // Beside ours, they would contradict.
    let items = '';
    let i = 0;
    for (const standing of verdict.standings) {
      items += `${quotas.itemStarts[i++]}${standing.remaining};t=${secondsLeft(standing, verdict.atMs)}`;
    }
    reply.headers.push(
      'x-ratelimit-limit',
      String(tightest.check.limit),
      'x-ratelimit-remaining',
      String(tightest.remaining),
      'x-ratelimit-reset',
      this.#toResetText(tightest.resetAtMs),
      'ratelimit-policy',
      quotas.policyField,
      'ratelimit',
      items,
    );
  }

  #toResetText(resetAtMs: number): string {
    if (resetAtMs !== this.#resetAtMs) {
      this.#resetAtMs = resetAtMs;
      this.#resetText = new Date(resetAtMs).toISOString();
    }
    return this.#resetText;
  }
}

/** The one with the fewest requests left; of several, the one that resets last. */
function findTightest(standings: readonly Standing[]): Standing | undefined {
  let tightest: Standing | undefined;
  for (const standing of standings) {
    if (
      tightest === undefined ||
      standing.remaining < tightest.remaining ||
      (standing.remaining === tightest.remaining && standing.resetAtMs > tightest.resetAtMs)
    ) {
      tightest = standing;
    }
  }
  return tightest;
}
