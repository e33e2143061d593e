// The data plane's credential lookup, from the tables.

import { sql, type Kysely, type Selectable } from 'kysely';
import type { Database, RateLimit } from '../../db/schema.ts';
import type { Credential, Principal } from '../../gateway/ports.ts';
import type { KeyState } from '../../lib/key-state.ts';
import { normalizeScope } from '../../lib/scope.ts';
import { intersectScopes, permissionsOf } from '../permissions.ts';
import { toCallerLimits } from '../rate-limit.ts';
import { CLIENT_COLUMNS, toClientTerms } from './client-terms.ts';

/** The credentials with these public ids, whatever their state, by public id. One indexed look-up for all of them. */
export async function loadCredentials(
  db: Kysely<Database>,
  publicIds: readonly string[],
  defaultLimits: RateLimit,
): Promise<Map<string, Credential>> {
  const rows = await credentialQuery(db, publicIds).execute();
  return new Map(rows.map((row) => [row.public_id, toCredential(row, defaultLimits)]));
}

/** The credential with this public id, or undefined when there is none. */
export async function loadCredential(
  db: Kysely<Database>,
  publicId: string,
  defaultLimits: RateLimit,
): Promise<Credential | undefined> {
  return (await loadCredentials(db, [publicId], defaultLimits)).get(publicId);
}

/** Apart from its execution, so that a measurement can ask for its plan. */
export function credentialQuery(db: Kysely<Database>, publicIds: readonly string[]) {
  return db
    .selectFrom('keys')
    .innerJoin('tenants', 'tenants.id', 'keys.tenant_id')
    .leftJoin('operators', 'operators.id', 'keys.operator_id')
    .leftJoin('clients', 'clients.id', 'keys.client_id')
    .leftJoin('rate_limit_tiers', 'rate_limit_tiers.name', 'clients.rate_limit_tier')
    .leftJoin('roles', (join) =>
      join.onRef('roles.tenant_id', '=', 'operators.tenant_id').onRef('roles.name', '=', 'operators.role'),
    )
    .select(['keys.id', 'keys.tenant_id', 'keys.operator_id', 'keys.public_id', 'keys.hash', 'keys.pepper'])
    .select(['keys.name', 'keys.scopes', 'keys.rate_limit', 'keys.allowed_ips'])
    .select(['keys.expires_at', 'keys.deprecated_at', 'keys.revoked_at', 'operators.role'])
    .select(['keys.client_id', 'keys.rate_limit_override'])
    .select(CLIENT_COLUMNS)
    .select(['rate_limit_tiers.limits as tier_limits', 'tenants.rate_limits as tenant_limits'])
    .select(['tenants.rate_multiplier', 'tenants.time_zone'])
    .select(['roles.permissions', 'operators.status as operator_status', 'tenants.status as tenant_status'])
    .where('keys.public_id', '=', sql<string>`any(${publicIds}::text[])`)
    .where('tenants.deleted_at', 'is', null);
}

type CredentialRow = Awaited<ReturnType<ReturnType<typeof credentialQuery>['execute']>>[number];

function toCredential(row: CredentialRow, defaultLimits: RateLimit): Credential {
  const client = toClientTerms(row);
  const own = row.scopes.map(normalizeScope);
  const scopes = client === undefined ? own : intersectScopes(own, client.scopes);
  const principal: Principal = {
    kind: row.operator_id === null ? 'key' : 'operator',
    tenantId: row.tenant_id,
    keyId: row.id,
    operatorId: row.operator_id ?? undefined,
    name: row.name,
    // An operator's key can do what the role permits, and no more than the key says.
    scopes: row.operator_id === null ? scopes : intersectScopes(scopes, permissionsOf(row.role ?? '', row.permissions)),
    limits: toCallerLimits({ key: row, client: row, tenant: row, defaults: defaultLimits }),
    ...client?.ofPrincipal,
  };
  return {
    publicId: row.public_id,
    hash: row.hash,
    pepper: row.pepper,
    status: stateOf(row),
    expiresAtMs: row.expires_at?.getTime(),
    ...(row.operator_status === 'suspended' && { suspended: 'operator' }),
    ...(row.tenant_status === 'suspended' && { suspended: 'tenant' }),
    allowedIps: row.allowed_ips ?? undefined,
    principal,
    ...(client !== undefined && { client: client.standing }),
  };
}

/** A rotated key that time has revoked is still told from one that somebody revoked: whoever uses it should take its successor. */
function stateOf(row: Pick<Selectable<Database['keys']>, 'deprecated_at' | 'expires_at' | 'revoked_at'>): KeyState {
  if (row.revoked_at === null) return row.deprecated_at === null ? 'active' : 'deprecated';
  const endedByTime = row.deprecated_at !== null && row.expires_at !== null && row.revoked_at >= row.expires_at;
  return endedByTime ? 'deprecated' : 'revoked';
}
