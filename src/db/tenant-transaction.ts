// One transaction inside the walls of one tenant: reads and writes of a use case, all or nothing.

import type { Kysely, Transaction } from 'kysely';
import type { Database } from './schema.ts';
import type { TenantScope } from './scope.ts';

export async function inTenant<Result>(
  db: Kysely<Database>,
  _scope: TenantScope,
  work: (trx: Transaction<Database>) => Promise<Result>,
): Promise<Result> {
  return db.transaction().execute(work);
}
