// Keys as answers show them: in full, and as the compact surface does.

import type { Static } from 'typebox';
import type { RateLimit } from '../../db/schema.ts';
import type { CompactKey, Key, KeyStatus, RevokedKey } from './schema.ts';
import type { KeyRow } from './store.ts';

export interface Viewpoint {
  readonly nowMs: number;
  readonly defaultLimits: RateLimit;
}

export function toKey(row: KeyRow, view: Viewpoint): Key {
  return {
    id: row.id,
    name: row.name,
    ...(row.description !== null && { description: row.description }),
    ...(row.owner !== null && { owner: row.owner }),
    scopes: row.scopes,
    status: statusOf(row, view.nowMs),
    rateLimit: row.rate_limit ?? view.defaultLimits,
    metadata: row.metadata,
    keyPrefix: row.key_prefix,
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

function statusOf(row: KeyRow, nowMs: number): KeyStatus {
  if (row.revoked_at !== null) return 'revoked';
  return row.expires_at !== null && row.expires_at.getTime() <= nowMs ? 'expired' : 'active';
}
