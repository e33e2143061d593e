// Operators in the database. Those that were deleted are kept for what refers to them, and found by nobody.

import { sql, type Insertable, type Kysely, type Selectable, type Updateable } from 'kysely';
import type { Database, Standing } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { SUPER_ADMIN } from '../built-in-roles.ts';
import { readPage, toLikePattern, type PageOf, type SortColumn } from '../page-query.ts';
import type { Paging, Sort } from '../paging.ts';

/** With the time at which the password was set; null when there is none. */
export interface OperatorRow extends Selectable<Database['operators']> {
  readonly password_changed_at: Date | null;
}

export interface OperatorListing {
  readonly role: string | undefined;
  readonly status: Standing | undefined;
  readonly search: string | undefined;
  readonly sort: Sort;
  readonly paging: Paging;
}

export async function insertOperator(trx: Kysely<Database>, row: Insertable<Database['operators']>): Promise<void> {
  await trx.insertInto('operators').values(row).execute();
}

export async function findOperator(
  db: Kysely<Database>,
  scope: TenantScope,
  id: string,
): Promise<OperatorRow | undefined> {
  return selectOperators(db, scope).where('operators.id', '=', id).executeTakeFirst();
}

/** Until the transaction ends, nobody else changes this operator. */
export async function lockOperator(trx: Kysely<Database>, scope: TenantScope, id: string): Promise<void> {
  await trx
    .selectFrom('operators')
    .select('id')
    .where('tenant_id', '=', scope.tenantId)
    .where('id', '=', id)
    .forUpdate()
    .execute();
}

export async function listOperators(
  db: Kysely<Database>,
  scope: TenantScope,
  listing: OperatorListing,
): Promise<PageOf<OperatorRow>> {
  const { role, status, search, sort, paging } = listing;
  let matching = selectOperators(db, scope);
  if (role !== undefined) matching = matching.where('role', '=', role);
  if (status !== undefined) matching = matching.where('status', '=', status);
  if (search !== undefined) {
    const pattern = toLikePattern(search);
    matching = matching.where((eb) => eb.or([eb('name', 'ilike', pattern), eb('email', 'ilike', pattern)]));
  }
  return readPage(db, matching, { column: sortColumn(sort.by), sort, paging });
}

export async function updateOperator(
  trx: Kysely<Database>,
  scope: TenantScope,
  id: string,
  change: Updateable<Database['operators']>,
): Promise<void> {
  await trx.updateTable('operators').set(change).where('tenant_id', '=', scope.tenantId).where('id', '=', id).execute();
}

export async function countOperatorsOfRole(db: Kysely<Database>, scope: TenantScope, role: string): Promise<number> {
  const counted = await db
    .selectFrom('operators')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .where('tenant_id', '=', scope.tenantId)
    .where('role', '=', role)
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow();
  return counted.total;
}

/** The role of an operator, also of one who is no more. */
export async function findRoleOf(db: Kysely<Database>, scope: TenantScope, id: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('operators')
    .select('role')
    .where('tenant_id', '=', scope.tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.role;
}

/** What would go away: an operator, or one key of theirs. */
export interface Leaving {
  readonly operatorId: string;
  /** Undefined: all of the operator. */
  readonly keyId: string | undefined;
}

/** Whether the tenant would keep a SUPER_ADMIN with a key that works. */
export async function hasOtherAdmin(
  trx: Kysely<Database>,
  scope: TenantScope,
  { operatorId, keyId }: Leaving,
  now: Date,
): Promise<boolean> {
  const other = await trx
    .selectFrom('keys')
    .innerJoin('operators', 'operators.id', 'keys.operator_id')
    .select('keys.id')
    .where('keys.tenant_id', '=', scope.tenantId)
    .where('operators.role', '=', SUPER_ADMIN)
    .where('operators.status', '=', 'active')
    .where('operators.deleted_at', 'is', null)
    .where('keys.revoked_at', 'is', null)
    // A rotated key goes soon.
    .where('keys.deprecated_at', 'is', null)
    .where((eb) => eb.or([eb('keys.expires_at', 'is', null), eb('keys.expires_at', '>', now)]))
    .where(keyId === undefined ? 'operators.id' : 'keys.id', '!=', keyId ?? operatorId)
    .limit(1)
    .executeTakeFirst();
  return other !== undefined;
}

function selectOperators(db: Kysely<Database>, scope: TenantScope) {
  return db
    .selectFrom('operators')
    .leftJoin('operator_passwords', 'operator_passwords.operator_id', 'operators.id')
    .selectAll('operators')
    .select('operator_passwords.changed_at as password_changed_at')
    .where('operators.tenant_id', '=', scope.tenantId)
    .where('operators.deleted_at', 'is', null);
}

function sortColumn(by: string): SortColumn {
  const id = sql`operators.id`;
  switch (by) {
    case 'createdAt':
      return { value: sql`operators.created_at`, type: 'timestamptz', id };
    case 'name':
      return { value: sql`lower(operators.name)`, type: 'text', id };
    case 'email':
      return { value: sql`lower(operators.email)`, type: 'text', id };
    default:
      throw new Error(`operators cannot be sorted by ${by}`);
  }
}
