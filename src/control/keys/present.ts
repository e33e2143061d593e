// Keys as answers show them.

import type { Kysely } from 'kysely';
import type { Database, RateLimit } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { isForeignId } from '../../lib/foreign-key-text.ts';
import { loadClientLimits } from '../clients/store.ts';
import { resolveRateLimit, type ClientLimits, type TenantLimits } from '../rate-limit.ts';
import { loadTenantLimits } from '../rate-limits/store.ts';
import type { Key, RevokedKey } from './schema.ts';
import { revokedAtOf, statusOf } from './state.ts';
import type { KeyRow } from './store.ts';

interface Viewpoint {
  readonly nowMs: number;
  readonly defaultLimits: RateLimit;
  /** Of the client that the key belongs to, if it does. */
  readonly client?: ClientLimits | undefined;
  readonly tenant: TenantLimits | undefined;
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
  const tenant = await loadTenantLimits(db, principal);
  const { defaultLimits } = services;
  return (row) => toKey(row, { nowMs, defaultLimits, tenant, client: clients.get(row.client_id ?? '') });
}

function toKey(row: KeyRow, view: Viewpoint): Key {
  const revokedAt = revokedAtOf(row, view.nowMs);
  return {
    id: row.id,
    name: row.name,
    ...(row.description !== null && { description: row.description }),
    ...(row.owner !== null && { owner: row.owner }),
    scopes: row.scopes,
    status: statusOf(row, view.nowMs),
    rateLimit: resolveRateLimit({
      key: row,
      client: view.client,
      tenant: view.tenant,
      defaults: view.defaultLimits,
    }),
    ...(row.rate_limit_override !== null && { rateLimitOverride: row.rate_limit_override }),
    metadata: row.metadata,
    ...(row.environment !== null && { environment: row.environment }),
    ...(row.allowed_ips !== null && { allowedIps: row.allowed_ips }),
    keyPrefix: row.key_prefix,
    ...(row.last_characters !== null && { lastCharacters: row.last_characters }),
    ...(isForeignId(row.public_id) && { imported: true }),
    ...(row.client_id !== null && { clientId: row.client_id }),
    ...(row.operator_id !== null && { operatorId: row.operator_id }),
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    ...(row.expires_at !== null && { expiresAt: row.expires_at.toISOString() }),
    ...(row.deprecated_at !== null && { deprecatedAt: row.deprecated_at.toISOString() }),
    ...(row.replaced_by !== null && { replacedBy: row.replaced_by }),
    ...(revokedAt !== undefined && { revokedAt: revokedAt.toISOString() }),
    ...(row.last_used_at !== null && { lastUsedAt: row.last_used_at.toISOString() }),
  };
}

export function toRevokedKey(row: KeyRow, nowMs: number): RevokedKey {
  const revokedAt = revokedAtOf(row, nowMs) ?? new Date(nowMs);
  return { id: row.id, status: 'revoked', revokedAt: revokedAt.toISOString() };
}
