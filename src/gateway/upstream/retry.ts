// Whether and when a call that failed may be made once more. Pure.

import type { Exchange } from '../exchange.ts';
import { hasKind, IDEMPOTENCY_KEY } from '../wire/field-kind.ts';

export interface RetryRules {
  /** How often at most, after the first time. */
  readonly attempts: number;
  /** Answers that are no better than none. */
  readonly statuses: readonly number[];
}

/** RFC 9110 §9.2.2: may be sent again when nobody knows whether it was carried out. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** Whether it does no harm to carry the request out twice: by its method, or because the upstream can tell that it is the same. */
export function mayRepeat({ method, fields }: Pick<Exchange, 'method' | 'fields'>): boolean {
  return isIdempotent(method) || hasKind(fields.kinds, IDEMPOTENCY_KEY);
}

const COST = 5;
const MOST = 10 * COST;

/**
 * Retries are for the odd failure. When everything fails they would only multiply the load, so they may be a fifth of the requests, with ten
 * in hand for quiet times.
 */
export class RetryBudget {
  #credit = MOST;

  onRequest(): void {
    if (this.#credit < MOST) this.#credit++;
  }

  take(): boolean {
    if (this.#credit < COST) return false;
    this.#credit -= COST;
    return true;
  }
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5000;

/** Before the n-th retry of the same target: twice as long with each, and never as long for two callers. `random` is from 0 to 1. */
export function pauseMs(retry: number, random: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (retry - 1), LONGEST_PAUSE_MS) * (0.5 + random / 2);
}

/** What a `Retry-After` field says (RFC 9110 §10.2.3), in milliseconds from now; 0 when it says nothing that can be read. */
export function retryAfterMs(value: string | undefined, nowMs: number): number {
  if (value === undefined) return 0;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const time = Date.parse(value);
  return Number.isNaN(time) ? 0 : Math.max(0, time - nowMs);
}
