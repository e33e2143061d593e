// The rows of what a change leaves behind beside itself: the audit log with its chain, the outbox of events, the answers kept for repeated
// calls.

import type { ColumnType } from 'kysely';
import type { Json } from './column-kinds.ts';

/** The end of a tenant's chain of audit entries. */
export interface AuditHeadTable {
  tenant_id: string;
  count: number;
  hash: Uint8Array;
}

/** Who made a change. */
export interface AuditActor {
  /** `system`: the program itself. */
  readonly type: 'operator' | 'key' | 'system';
  readonly id: string;
  readonly name: string;
  readonly email?: string;
  readonly role?: string;
  /** The key with which an operator called. */
  readonly keyId?: string;
}

/** A field as it was and as it is; absent on one side when it was not, or is no more. */
export interface FieldChange {
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Never updated, never deleted: a trigger refuses both. */
export interface AuditLogTable {
  tenant_id: string;
  /** Counts from 1 within its tenant. */
  sequence: number;
  id: string;
  occurred_at: Date;
  action: string;
  actor: Json<AuditActor>;
  actor_id: string;
  resource_type: string;
  resource_id: string;
  details: Json<Readonly<Record<string, unknown>>>;
  changes: Json<Readonly<Record<string, FieldChange>>>;
  request_id: string | null;
  client_ip: string | null;
  previous_hash: Uint8Array;
  hash: Uint8Array;
}

export interface EventTable {
  id: string;
  tenant_id: string;
  type: string;
  data: Json<Readonly<Record<string, unknown>>>;
  created_at: Date;
}

export interface IdempotencyKeyTable {
  tenant_id: string;
  /** An operator or a key. */
  caller_id: string;
  operation: string;
  /** SHA-256 of the key as it was sent. */
  key_hash: Uint8Array;
  /** Tells another request under the same key. */
  fingerprint: Uint8Array;
  /** By chance; who holds it carries the call out. */
  claim: Uint8Array;
  claimed_until: Date;
  /** What the call changed; written in the transaction of the change. */
  resource_id: ColumnType<string | null, null | undefined, string>;
  /** Encrypted; null until there is one. */
  answer: ColumnType<Uint8Array | null, null | undefined, Uint8Array>;
  created_at: Date;
  expires_at: Date;
}
