// Keys as answers show them: in full, and as the compact surface does.

import type { Static } from 'typebox';
import type { Kysely } from 'kysely';
import type { Database, RateLimit } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { loadClientLimits } from '../clients/store.ts';
import { resolveRateLimit, type ClientLimits } from '../rate-limit.ts';
import type { CompactKey, Key, KeyStatus, RevokedKey } from './schema.ts';
import type { KeyRow } from './store.ts';

interface Viewpoint {
  readonly nowMs: number;
  readonly defaultLimits: RateLimit;
  /** Of the client that the key belongs to, if it does. */
  readonly client?: ClientLimits | undefined;
}

/** Of a call, what showing keys needs. */
export interface Beholder {
  readonly principal: TenantScope;
  readonly services: { readonly defaultLimits: RateLimit };
  readonly nowMs: number;
}

/** Shows these keys, with what their clients say about limits. */
export async function showing(
  db: Kysely<Database>,
  { services, principal, nowMs }: Beholder,
  rows: readonly KeyRow[],
): Promise<(row: KeyRow) => Key> {
  const clients = await loadClientLimits(
    db,
    principal,
    rows.map((row) => row.client_id),
  );
  const { defaultLimits } = services;
  return (row) => toKey(row, { nowMs, defaultLimits, client: clients.get(row.client_id ?? '') });
}

function toKey(row: KeyRow, view: Viewpoint): Key {
  return {
    id: row.id,
    name: row.name,
    ...(row.description !== null && { description: row.description }),
    ...(row.owner !== null && { owner: row.owner }),
    scopes: row.scopes,
    status: statusOf(row, view.nowMs),
    rateLimit: resolveRateLimit({ key: row, client: view.client, defaults: view.defaultLimits }),
    ...(row.rate_limit_override !== null && { rateLimitOverride: row.rate_limit_override }),
    metadata: row.metadata,
    keyPrefix: row.key_prefix,
    ...(row.client_id !== null && { clientId: row.client_id }),
    ...(row.operator_id !== null && { operatorId: row.operator_id }),
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    ...(row.expires_at !== null && { expiresAt: row.expires_at.toISOString() }),
    ...(row.revoked_at !== null && { revokedAt: row.revoked_at.toISOString() }),
    ...(row.last_used_at !== null && { lastUsedAt: row.last_used_at.toISOString() }),
  };
}

export function toCompactKey(key: Key): Static<typeof CompactKey> {
  return {
    id: key.id,
    name: key.name,
    ...(key.owner !== undefined && { owner: key.owner }),
    scopes: key.scopes,
    status: key.status,
    createdAt: Date.parse(key.createdAt),
    ...(key.expiresAt !== undefined && { expiresAt: Date.parse(key.expiresAt) }),
    ...(key.lastUsedAt !== undefined && { lastUsedAt: Date.parse(key.lastUsedAt) }),
  };
}

export function toRevokedKey(id: string, revokedAt: Date): RevokedKey {
  return { id, status: 'revoked', revokedAt: revokedAt.toISOString() };
}

/** What subscribers are told of a key. */
export function toKeyEvent(row: KeyRow): Record<string, unknown> {
  return {
    keyId: row.id,
    name: row.name,
    ...(row.owner !== null && { owner: row.owner }),
    scopes: row.scopes,
    keyPrefix: row.key_prefix,
    ...(row.client_id !== null && { clientId: row.client_id }),
    ...(row.expires_at !== null && { expiresAt: row.expires_at.toISOString() }),
    ...(row.revoked_at !== null && { revokedAt: row.revoked_at.toISOString() }),
  };
}

function statusOf(row: KeyRow, nowMs: number): KeyStatus {
  if (row.revoked_at !== null) return 'revoked';
  return row.expires_at !== null && row.expires_at.getTime() <= nowMs ? 'expired' : 'active';
}
