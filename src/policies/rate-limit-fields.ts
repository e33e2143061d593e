// The header fields that tell a caller where it stands:
//
// - `X-RateLimit-Limit`, `-Remaining`, `-Reset`: the tightest limit; the reset as ISO 8601 in UTC;
// - `RateLimit-Policy` and `RateLimit`: all limits, by draft-ietf-httpapi-ratelimit-headers-11 (May 2026), as structured fields (RFC 9651).
//
// They show the moment of the decision: while a long answer was waited for, more may have been used, and windows may have ended. Limits
// that are not to be exposed hold, and no field tells of them.

import type { Reply } from '../gateway/exchange.ts';
import { RATE_LIMIT } from '../gateway/wire/field-kind.ts';
import { CountingText } from '../lib/counting-text.ts';
import { toFlatText } from '../lib/flat-text.ts';
import { capacityOf, type Limit } from '../lib/limit.ts';
import { isShown, type Quota, quotaName } from '../lib/quota.ts';
import { WINDOW_SECONDS } from '../lib/window.ts';
import type { Admitted, Refused, Standing } from '../limits/limiter.ts';

/** What of the fields does not change from one request to the next. */
export interface FieldParts {
  /** For each quota; undefined for what is hidden. */
  readonly quotas: readonly (QuotaText | undefined)[];
  /** The whole of `RateLimit-Policy`, and of `RateLimit` what stands before the first number; empty when all is hidden. */
  readonly policyLine: string;
}

interface QuotaText {
  /** What follows in `RateLimit` behind its numbers: how the next item begins, or the end of the line. */
  readonly next: string;
  /** Behind its first number with so many seconds: nearly all requests of a second tell the same. */
  seconds: number;
  rest: string;
  /** What is said when it is the tightest: up to the number of requests that are left. */
  readonly limitStart: string;
  /** Of how many are left. */
  readonly remaining: CountingText;
  /** Nobody knows when a place of concurrency comes free. */
  readonly isTimed: boolean;
}

export function toFieldParts(quotas: readonly Quota[]): FieldParts {
  const shown = quotas.filter(isShown);
  const policies = shown.map((quota) => `"${quotaName(quota)}";q=${toPolicyParameters(quota.limit)}`);
  const starts = shown.map((quota) => `"${quotaName(quota)}";r=`);
  return {
    quotas: quotas.map((quota) => (isShown(quota) ? toText(quota, starts[shown.indexOf(quota) + 1]) : undefined)),
    policyLine:
      shown.length === 0 ? '' : toFlatText(`ratelimit-policy: ${policies.join(', ')}\r\nratelimit: ${starts[0]}`),
  };
}

function toText({ limit }: Quota, nextStart: string | undefined): QuotaText {
  const next = nextStart === undefined ? '\r\n' : toFlatText(`, ${nextStart}`);
  return {
    next,
    seconds: Number.NaN,
    rest: next,
    limitStart: toFlatText(`x-ratelimit-limit: ${capacityOf(limit)}\r\nx-ratelimit-remaining: `),
    remaining: new CountingText(),
    isTimed: limit.algorithm !== 'concurrency',
  };
}

/** Whole seconds until it resets, rounded up: who waits so long meets the room that is told. At least 1. */
export function secondsLeft({ resetAtMs }: Standing, atMs: number): number {
  return Math.max(1, Math.ceil((resetAtMs - atMs) / 1000));
}

/** Times kept as text: nearly all requests of a second tell one of these, and to write one costs as much as all the rest. */
const KEPT_TIMES = 64;

export class RateLimitFields {
  readonly #seconds = Array.from({ length: KEPT_TIMES }, () => Number.NaN);
  readonly #lines = Array.from({ length: KEPT_TIMES }, () => '');

  /** Puts the fields into a reply, in the place of any that the upstream sent. */
  write(reply: Reply, { quotas, policyLine }: FieldParts, verdict: Admitted | Refused): void {
    if (policyLine === '') return;
    const { standings, atMs } = verdict;
    reply.drops |= 1 << RATE_LIMIT; // Beside ours, they would contradict.
    const refusedBy = verdict.outcome === 'refused' ? verdict.refusedBy : undefined;
    let items = '';
    let told: Standing | undefined;
    let start = '';
    for (let i = 0; i < standings.length; i++) {
      const standing = standings[i];
      const text = quotas[i];
      if (standing === undefined || text === undefined) continue;
      const remaining = text.remaining.of(standing.remaining);
      items += remaining + (text.isTimed ? toRest(text, secondsLeft(standing, atMs)) : text.next);
      // The one that refused, where it is shown; else the tightest of those that have an end.
      if (told !== undefined && told === refusedBy) continue;
      if (standing !== refusedBy && !(text.isTimed && isTighter(standing, told))) continue;
      told = standing;
      start = text.limitStart + remaining;
    }
    if (told !== undefined) reply.lines += start + this.#toResetLine(Math.ceil(told.resetAtMs / 1000));
    reply.lines += policyLine + items;
  }

  /** A whole second as ISO 8601. */
  #toResetLine(second: number): string {
    const at = second % KEPT_TIMES;
    const known = this.#lines[at];
    if (known !== undefined && this.#seconds[at] === second) return known;
    const line = toFlatText(`\r\nx-ratelimit-reset: ${new Date(second * 1000).toISOString()}\r\n`);
    this.#seconds[at] = second;
    this.#lines[at] = line;
    return line;
  }
}

/** `q`, and how long it is for; by the draft, `qu` when it is not counted in requests. */
function toPolicyParameters(limit: Limit): string {
  const capacity = capacityOf(limit);
  if (limit.algorithm === 'concurrency') return `${capacity};qu="concurrent-requests"`;
  const seconds = WINDOW_SECONDS[limit.window];
  return `${capacity};w=${limit.algorithm === 'bucket' ? Math.ceil((limit.burst / limit.limit) * seconds) : seconds}`;
}

function toRest(text: QuotaText, seconds: number): string {
  if (text.seconds !== seconds) {
    text.seconds = seconds;
    text.rest = `;t=${seconds}${text.next}`;
  }
  return text.rest;
}

/** Fewer requests left; of two with equally few, the one that resets later. */
function isTighter(a: Standing, b: Standing | undefined): boolean {
  if (b === undefined) return true;
  return a.remaining < b.remaining || (a.remaining === b.remaining && a.resetAtMs > b.resetAtMs);
}
