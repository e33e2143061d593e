// The roles that a tenant has made, in the database.

import type { Insertable, Kysely, Selectable, Updateable } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { findBuiltInRole } from '../built-in-roles.ts';
import { permissionsOf } from '../permissions.ts';

export type RoleRow = Selectable<Database['roles']>;

/** All of a tenant: there are never many. */
export async function allRoles(db: Kysely<Database>, scope: TenantScope): Promise<RoleRow[]> {
  return selectRoles(db, scope).execute();
}

export async function findRole(db: Kysely<Database>, scope: TenantScope, name: string): Promise<RoleRow | undefined> {
  return selectRoles(db, scope).where('name', '=', name).executeTakeFirst();
}

/** What the role of this name may do, be it built in or the tenant's own; undefined when there is none. */
export async function findPermissions(
  db: Kysely<Database>,
  scope: TenantScope,
  name: string,
): Promise<readonly string[] | undefined> {
  if (findBuiltInRole(name) !== undefined) return permissionsOf(name);
  const row = await findRole(db, scope, name);
  return row === undefined ? undefined : permissionsOf(name, row.permissions);
}

export async function insertRole(trx: Kysely<Database>, row: Insertable<Database['roles']>): Promise<RoleRow> {
  return trx.insertInto('roles').values(row).returningAll().executeTakeFirstOrThrow();
}

export async function updateRole(
  trx: Kysely<Database>,
  scope: TenantScope,
  name: string,
  change: Updateable<Database['roles']>,
): Promise<RoleRow> {
  return trx
    .updateTable('roles')
    .set(change)
    .where('tenant_id', '=', scope.tenantId)
    .where('name', '=', name)
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function deleteRole(trx: Kysely<Database>, scope: TenantScope, name: string): Promise<void> {
  await trx.deleteFrom('roles').where('tenant_id', '=', scope.tenantId).where('name', '=', name).execute();
}

function selectRoles(db: Kysely<Database>, scope: TenantScope) {
  return db.selectFrom('roles').selectAll().where('tenant_id', '=', scope.tenantId);
}
