// In which tenant a call acts: the caller's own, or the one that an operator of the platform names.

import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Principal } from '../gateway/ports.ts';
import { Problem } from '../lib/problem.ts';
import { hasScope } from '../lib/scope.ts';
import { isOfPlatform } from './permissions.ts';
import { findTenant } from './tenants/store.ts';

export const TENANT_HEADER = 'x-tenant-id';
const MAY_ACT = 'admin:tenants:act';

/**
 * The principal as it acts in the tenant: with its own scopes, and with the tenant's walls around it. Whoever may not learns nothing, not
 * even that there is such a tenant: 404. A suspended tenant is there; only its keys do not work.
 */
export async function actIn(db: Kysely<Database>, principal: Principal, tenantId: string): Promise<Principal> {
  if (tenantId === principal.tenantId) return principal;
  const mayAct = isOfPlatform(principal) && hasScope(principal.scopes, MAY_ACT);
  if (!mayAct || (await findTenant(db, tenantId)) === undefined) throw noSuchTenant();
  return { ...principal, tenantId };
}

export function noSuchTenant(): Problem {
  return new Problem('not_found', { detail: 'There is no tenant with this id.' });
}
