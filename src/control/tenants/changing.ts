// The frame of every look at tenants and of every change of them: the platform works past the walls, everybody else within their own.

import type { Transaction } from 'kysely';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import { noSuchTenant } from '../acting.ts';
import type { AuthorizedContext } from '../operation.ts';
import { isOfPlatform } from '../permissions.ts';
import { findTenant, type TenantRow } from './store.ts';

export const ONLY_PLATFORM = 'Only for operators of the default tenant.';

export async function reading<Result>(
  { services, principal }: AuthorizedContext,
  work: (trx: Transaction<Database>) => Promise<Result>,
): Promise<Result> {
  return isOfPlatform(principal) ? services.db.transaction().execute(work) : inTenant(services.db, principal, work);
}

/** Works as the owner, since no tenant may change what tenants are; then tells every thread. */
export async function changing<Result>(
  context: AuthorizedContext,
  id: string,
  work: (trx: Transaction<Database>, before: TenantRow) => Promise<Result>,
): Promise<Result> {
  const { services } = context;
  const result = await services.db.transaction().execute(async (trx) => {
    // Counted first: changes happen one after the other.
    await bumpVersion(trx);
    const before = await findVisible(trx, context, id);
    if (!isOfPlatform(context.principal)) throw new Problem('platform_only');
    return work(trx, before);
  });
  await services.dataPlane.forgetCredentials('all');
  await services.publish();
  return result;
}

export async function findVisible(
  trx: Transaction<Database>,
  { principal }: AuthorizedContext,
  id: string,
): Promise<TenantRow> {
  const isVisible = isOfPlatform(principal) || id === principal.tenantId;
  const row = isVisible ? await findTenant(trx, id) : undefined;
  if (row === undefined) throw noSuchTenant();
  return row;
}
