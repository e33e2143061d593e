// Tenants in the database. Those that were deleted are kept for what refers to them, and found by nobody.

import { sql, type Insertable, type Kysely, type Selectable, type Updateable } from 'kysely';
import type { Database, Standing } from '../../db/schema.ts';
import { readPage, toLikePattern, type PageOf, type SortColumn } from '../page-query.ts';
import type { Paging, Sort } from '../paging.ts';

export type TenantRow = Selectable<Database['tenants']>;

export interface TenantListing {
  /** Only this one; undefined for the platform, which sees all. */
  readonly only: string | undefined;
  readonly status: Standing | undefined;
  readonly search: string | undefined;
  readonly sort: Sort;
  readonly paging: Paging;
}

export async function insertTenant(trx: Kysely<Database>, row: Insertable<Database['tenants']>): Promise<TenantRow> {
  return trx.insertInto('tenants').values(row).returningAll().executeTakeFirstOrThrow();
}

export async function findTenant(db: Kysely<Database>, id: string): Promise<TenantRow | undefined> {
  return selectTenants(db).where('id', '=', id).executeTakeFirst();
}

export async function listTenants(db: Kysely<Database>, listing: TenantListing): Promise<PageOf<TenantRow>> {
  const { only, status, search, sort, paging } = listing;
  let matching = selectTenants(db);
  if (only !== undefined) matching = matching.where('id', '=', only);
  if (status !== undefined) matching = matching.where('status', '=', status);
  if (search !== undefined) {
    const pattern = toLikePattern(search);
    matching = matching.where((eb) => eb.or([eb('name', 'ilike', pattern), eb('slug', 'ilike', pattern)]));
  }
  return readPage(db, matching, { column: sortColumn(sort.by), sort, paging });
}

export async function updateTenant(
  trx: Kysely<Database>,
  id: string,
  change: Updateable<Database['tenants']>,
): Promise<TenantRow> {
  return trx.updateTable('tenants').set(change).where('id', '=', id).returningAll().executeTakeFirstOrThrow();
}

function selectTenants(db: Kysely<Database>) {
  return db.selectFrom('tenants').selectAll().where('deleted_at', 'is', null);
}

function sortColumn(by: string): SortColumn {
  const id = sql`id`;
  switch (by) {
    case 'createdAt':
      return { value: sql`created_at`, type: 'timestamptz', id };
    case 'name':
      return { value: sql`lower(name)`, type: 'text', id };
    default:
      throw new Error(`tenants cannot be sorted by ${by}`);
  }
}
