// One transaction inside the walls of one tenant: reads and writes of a use case, all or nothing.

import { sql, type Kysely, type Transaction } from 'kysely';
import type { Database } from './schema.ts';
import type { TenantScope } from './scope.ts';
import { TENANT_ROLE } from './tenant-role.ts';
import { TENANT_SETTING } from './tenant-walls.ts';

/** Whatever the work asks for, it sees and writes rows of this tenant only. Both settings end with the transaction. */
export async function inTenant<Result>(
  db: Kysely<Database>,
  scope: TenantScope,
  work: (trx: Transaction<Database>) => Promise<Result>,
): Promise<Result> {
  return db.transaction().execute(async (trx) => {
    await sql`select set_config('role', ${TENANT_ROLE}, true), set_config(${TENANT_SETTING}, ${scope.tenantId}, true)`.execute(
      trx,
    );
    return work(trx);
  });
}

/**
 * A step of a tenant's transaction that has to look at all tenants. What it finds must not reach the caller: it decides, and forgets.
 * A failed step leaves the transaction to be undone.
 */
export async function outsideTenant<Result>(
  trx: Kysely<Database>,
  look: (trx: Kysely<Database>) => Promise<Result>,
): Promise<Result> {
  await sql`reset role`.execute(trx);
  const result = await look(trx);
  await sql`select set_config('role', ${TENANT_ROLE}, true)`.execute(trx);
  return result;
}
