// An entry of the audit log, and its place in the chain of its tenant. Pure.
//
// Each entry carries the hash of the one before it and a hash of its own: HMAC-SHA-256 over both and over every word of it. The key is derived
// from ENCRYPTION_KEY, which is not in the database: whoever can write the tables can break the chain, but cannot mend it.

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { AuditActor, FieldChange } from '../../db/trail-schema.ts';
import { canonicalJson } from '../../lib/canonical-json.ts';

export interface AuditEntry {
  readonly id: string;
  readonly tenantId: string;
  readonly occurredAt: Date;
  readonly action: string;
  readonly actor: AuditActor;
  readonly resourceType: string;
  readonly resourceId: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly changes: Readonly<Record<string, FieldChange>>;
  /** Undefined for what the program did by itself. */
  readonly requestId: string | undefined;
  readonly clientIp: string | undefined;
}

/** Where a chain ends: how many entries it has, and the hash of the last. */
export interface ChainEnd {
  readonly count: number;
  readonly hash: Uint8Array;
}

/** Before the first entry. */
export const CHAIN_START: ChainEnd = { count: 0, hash: new Uint8Array(32) };

/** The hash of the entry that follows on `end`. */
export function hashEntry(entry: AuditEntry, end: ChainEnd, key: Uint8Array): Uint8Array {
  const { occurredAt, ...rest } = entry;
  const text = canonicalJson({ ...rest, occurredAt: occurredAt.toISOString(), sequence: end.count + 1 });
  return new Uint8Array(createHmac('sha256', key).update(end.hash).update(text).digest());
}

export function isSameHash(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
