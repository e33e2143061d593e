// The data plane's credential lookup, from the tables.

import type { Kysely } from 'kysely';
import type { Database, RateLimit } from '../../db/schema.ts';
import type { Credential, Principal } from '../../gateway/ports.ts';
import { normalizeScope } from '../../lib/scope.ts';
import { intersectScopes, permissionsOf } from '../permissions.ts';
import { resolveRateLimit, toWindowLimits } from '../rate-limit.ts';
import { CLIENT_COLUMNS, toClientTerms } from './client-terms.ts';

/** The credential with this public id, whatever its state; undefined when there is none. One indexed look-up. */
export async function loadCredential(
  db: Kysely<Database>,
  publicId: string,
  defaultLimits: RateLimit,
): Promise<Credential | undefined> {
  const row = await db
    .selectFrom('keys')
    .innerJoin('tenants', 'tenants.id', 'keys.tenant_id')
    .leftJoin('operators', 'operators.id', 'keys.operator_id')
    .leftJoin('clients', 'clients.id', 'keys.client_id')
    .leftJoin('roles', (join) =>
      join.onRef('roles.tenant_id', '=', 'operators.tenant_id').onRef('roles.name', '=', 'operators.role'),
    )
    .select([
      'keys.id',
      'keys.tenant_id',
      'keys.operator_id',
      'keys.public_id',
      'keys.hash',
      'keys.name',
      'keys.scopes',
    ])
    .select(['keys.rate_limit', 'keys.expires_at', 'keys.revoked_at', 'operators.role'])
    .select(['keys.client_id', 'keys.rate_limit_override'])
    .select(CLIENT_COLUMNS)
    .select(['roles.permissions', 'operators.status as operator_status', 'tenants.status as tenant_status'])
    .where('keys.public_id', '=', publicId)
    .where('tenants.deleted_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) return undefined;

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
    limits: toWindowLimits(resolveRateLimit({ key: row, client: row, defaults: defaultLimits })),
    ...client?.ofPrincipal,
  };
  return {
    publicId: row.public_id,
    hash: row.hash,
    status: row.revoked_at === null ? 'active' : 'revoked',
    expiresAtMs: row.expires_at?.getTime(),
    ...(row.operator_status === 'suspended' && { suspended: 'operator' }),
    ...(row.tenant_status === 'suspended' && { suspended: 'tenant' }),
    principal,
    ...(client !== undefined && { client: client.standing }),
  };
}
