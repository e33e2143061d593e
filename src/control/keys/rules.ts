// What holds for keys beyond their schema.

import type { Fault } from '../../lib/problem.ts';
import { termFaults } from '../terms.ts';

const DAY_MS = 86_400_000;

interface KeyTerms {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly expiresAt?: string | null;
  readonly expiresInDays?: number;
}

export function keyFaults(terms: KeyTerms, nowMs: number): Fault[] {
  const faults = termFaults(terms, nowMs);
  if (terms.expiresAt !== undefined && terms.expiresInDays !== undefined) {
    faults.push({ path: 'body.expiresInDays', message: 'goes without expiresAt: send one of the two' });
  }
  return faults;
}

export function expiryOf(terms: KeyTerms, nowMs: number): Date | null {
  if (typeof terms.expiresAt === 'string') return new Date(terms.expiresAt);
  return terms.expiresInDays === undefined ? null : new Date(nowMs + terms.expiresInDays * DAY_MS);
}
