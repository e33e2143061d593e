// What holds for keys beyond their schema.

import type { RateLimit } from '../../db/schema.ts';
import type { Fault } from '../../lib/problem.ts';
import { rateLimitFaults } from '../rate-limit.ts';
import { termFaults } from '../terms.ts';

const DAY_MS = 86_400_000;

interface KeyTerms {
  readonly rateLimit?: RateLimit;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly expiresAt?: string | null;
  readonly expiresInDays?: number;
}

/** `at` is where the terms stand in the request. */
export function keyFaults(terms: KeyTerms, nowMs: number, at = 'body'): Fault[] {
  const faults = [...termFaults(terms, nowMs, at), ...rateLimitFaults(terms.rateLimit, `${at}.rateLimit`)];
  if (terms.expiresAt !== undefined && terms.expiresInDays !== undefined) {
    faults.push({ path: `${at}.expiresInDays`, message: 'goes without expiresAt: send one of the two' });
  }
  return faults;
}

export function expiryOf(terms: KeyTerms, nowMs: number): Date | null {
  if (typeof terms.expiresAt === 'string') return new Date(terms.expiresAt);
  return terms.expiresInDays === undefined ? null : inDays(nowMs, terms.expiresInDays);
}

export function inDays(nowMs: number, days: number): Date {
  return new Date(nowMs + days * DAY_MS);
}
