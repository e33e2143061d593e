// Operators' passwords in the database: hashed, with the failures in a row.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { NO_FAILURES, type Failures } from './lockout.ts';

export interface KeptPassword {
  readonly hash: string;
  readonly failures: Failures;
}

/**
 * Of an operator who is active. Locked until the transaction ends, so that of many attempts at once each sees the failures of those
 * before it.
 */
export async function lockPassword(
  trx: Kysely<Database>,
  scope: TenantScope,
  operatorId: string,
): Promise<KeptPassword | undefined> {
  const row = await trx
    .selectFrom('operator_passwords')
    .innerJoin('operators', 'operators.id', 'operator_passwords.operator_id')
    .select(['hash', 'failures', 'locked_until'])
    .where('operator_passwords.tenant_id', '=', scope.tenantId)
    .where('operator_id', '=', operatorId)
    .where('operators.status', '=', 'active')
    .where('operators.deleted_at', 'is', null)
    .forUpdate('operator_passwords')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const failures = { count: row.failures, lockedUntilMs: row.locked_until?.getTime() };
  return { hash: row.hash, failures };
}

export async function savePassword(
  trx: Kysely<Database>,
  scope: TenantScope,
  password: { readonly operatorId: string; readonly hash: string; readonly changedAt: Date },
): Promise<void> {
  const kept = { hash: password.hash, changed_at: password.changedAt, ...toColumns(NO_FAILURES) };
  await trx
    .insertInto('operator_passwords')
    .values({ operator_id: password.operatorId, tenant_id: scope.tenantId, ...kept })
    .onConflict((conflict) => conflict.column('operator_id').doUpdateSet(kept))
    .execute();
}

export async function deletePassword(trx: Kysely<Database>, scope: TenantScope, operatorId: string): Promise<void> {
  await trx
    .deleteFrom('operator_passwords')
    .where('tenant_id', '=', scope.tenantId)
    .where('operator_id', '=', operatorId)
    .execute();
}

/** Only as long as the password is the one that was tried. */
export async function saveFailures(
  trx: Kysely<Database>,
  scope: TenantScope,
  operatorId: string,
  { hash, failures }: KeptPassword,
): Promise<void> {
  await trx
    .updateTable('operator_passwords')
    .set(toColumns(failures))
    .where('tenant_id', '=', scope.tenantId)
    .where('operator_id', '=', operatorId)
    .where('hash', '=', hash)
    .execute();
}

function toColumns({ count, lockedUntilMs }: Failures) {
  return { failures: count, locked_until: lockedUntilMs === undefined ? null : new Date(lockedUntilMs) };
}
