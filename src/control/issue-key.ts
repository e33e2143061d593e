// Makes a key: its text, which is shown once and kept nowhere, and the row that proves it later.

import type { Kysely } from 'kysely';
import { toJson } from '../db/columns.ts';
import type { Database, RateLimit } from '../db/schema.ts';
import { newId } from '../lib/id.ts';
import { hashKeyText, newKeyText } from '../lib/key-text.ts';
import { insertKey, type KeyRow } from './keys/store.ts';

export interface KeyOrder {
  readonly tenantId: string;
  readonly operatorId: string | null;
  /** Null for keys that belong to no client; a key that takes the place of another has the other's. */
  readonly clientId: string | null;
  readonly name: string;
  readonly description: string | null;
  readonly owner: string | null;
  readonly scopes: readonly string[];
  /** Null: the defaults. */
  readonly rateLimit: RateLimit | null;
  /** Null: none. */
  readonly rateLimitOverride: number | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly expiresAt: Date | null;
  readonly createdBy: string;
}

export interface KeyMint {
  readonly keyPrefix: string;
  readonly hmacSecret: string;
  readonly nowMs: number;
}

export interface IssuedKey {
  readonly text: string;
  readonly row: KeyRow;
}

export async function issueKey(trx: Kysely<Database>, order: KeyOrder, mint: KeyMint): Promise<IssuedKey> {
  const { text, publicId } = newKeyText(mint.keyPrefix);
  const now = new Date(mint.nowMs);
  const row = await insertKey(trx, {
    id: newId('key', mint.nowMs),
    tenant_id: order.tenantId,
    operator_id: order.operatorId,
    client_id: order.clientId,
    public_id: publicId,
    key_prefix: `${mint.keyPrefix}_${publicId}`,
    hash: hashKeyText(text, mint.hmacSecret),
    name: order.name,
    description: order.description,
    owner: order.owner,
    scopes: [...order.scopes],
    rate_limit: order.rateLimit === null ? null : toJson(order.rateLimit),
    rate_limit_override: order.rateLimitOverride,
    metadata: toJson(order.metadata),
    created_by: order.createdBy,
    created_at: now,
    updated_at: now,
    expires_at: order.expiresAt,
  });
  return { text, row };
}
