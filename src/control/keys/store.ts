// Keys in the database.

import { sql, type ExpressionBuilder, type Insertable, type Kysely, type Selectable, type Updateable } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { Problem } from '../../lib/problem.ts';
import { readPage, toLikePattern, type PageOf, type SortColumn } from '../page-query.ts';
import type { Paging, Sort } from '../paging.ts';
import type { KeyStatus } from './schema.ts';
import { hasStatus } from './state.ts';

export type KeyRow = Selectable<Database['keys']>;
export type NewKeyRow = Insertable<Database['keys']>;
export type KeyChange = Updateable<Database['keys']>;

export interface KeyFilter {
  readonly status: KeyStatus | undefined;
  readonly owner: string | undefined;
  readonly clientId: string | undefined;
  readonly environment: string | undefined;
  readonly search: string | undefined;
  /** Only keys not used, nor made, since. */
  readonly unusedSince: Date | undefined;
}

export interface KeyListing {
  readonly filter: KeyFilter;
  readonly sort: Sort;
  readonly paging: Paging;
  readonly now: Date;
}

export async function insertKey(trx: Kysely<Database>, row: NewKeyRow): Promise<KeyRow> {
  return trx.insertInto('keys').values(row).returningAll().executeTakeFirstOrThrow();
}

/** All or none; their public ids must be new. */
export async function insertKeys(trx: Kysely<Database>, rows: readonly NewKeyRow[]): Promise<KeyRow[]> {
  return trx.insertInto('keys').values(rows).returningAll().execute();
}

/** Leaves out those whose public ids are taken, by whichever tenant. */
export async function insertNewKeys(trx: Kysely<Database>, rows: readonly NewKeyRow[]): Promise<KeyRow[]> {
  if (rows.length === 0) return [];
  return trx
    .insertInto('keys')
    .values(rows)
    .onConflict((on) => on.column('public_id').doNothing())
    .returningAll()
    .execute();
}

/** Those of the public ids that keys of the tenant have. */
export async function findTakenPublicIds(
  trx: Kysely<Database>,
  scope: TenantScope,
  publicIds: readonly string[],
): Promise<Set<string>> {
  const rows = await trx
    .selectFrom('keys')
    .select('public_id')
    .where('tenant_id', '=', scope.tenantId)
    .where('public_id', '=', sql<string>`any(${publicIds}::text[])`)
    .execute();
  return new Set(rows.map((row) => row.public_id));
}

async function findKey(db: Kysely<Database>, scope: TenantScope, id: string): Promise<KeyRow | undefined> {
  return db
    .selectFrom('keys')
    .selectAll()
    .where((eb) => isSeen(eb, scope))
    .where('id', '=', id)
    .executeTakeFirst();
}

/** By its id, or by the beginning that may be shown. Refuses with 404 when there is none. */
export async function getKeyOfClient(
  db: Kysely<Database>,
  scope: TenantScope,
  place: { readonly clientId: string; readonly id: string },
): Promise<KeyRow> {
  const row = await db
    .selectFrom('keys')
    .selectAll()
    .where((eb) => isSeen(eb, scope))
    .where('client_id', '=', place.clientId)
    .where((eb) => eb.or([eb('id', '=', place.id), eb('key_prefix', '=', place.id)]))
    .executeTakeFirst();
  return found(row);
}

/** Refuses with 404 when there is none. */
export async function getKey(db: Kysely<Database>, scope: TenantScope, id: string): Promise<KeyRow> {
  return found(await findKey(db, scope, id));
}

function found(row: KeyRow | undefined): KeyRow {
  if (row === undefined) throw new Problem('not_found', { detail: 'There is no key with this id.' });
  return row;
}

export async function updateKey(
  trx: Kysely<Database>,
  scope: TenantScope,
  id: string,
  change: KeyChange,
): Promise<KeyRow> {
  return trx
    .updateTable('keys')
    .set(change)
    .where('tenant_id', '=', scope.tenantId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function listKeys(db: Kysely<Database>, scope: TenantScope, listing: KeyListing): Promise<PageOf<KeyRow>> {
  const { sort, paging } = listing;
  const matching = db
    .selectFrom('keys')
    .selectAll()
    .where((eb) => matches(eb, scope, listing));
  return readPage(db, matching, { column: sortColumn(sort.by), sort, paging });
}

/** The key of a client sees the keys of its client only. */
function isSeen(eb: ExpressionBuilder<Database, 'keys'>, scope: TenantScope) {
  const isOfTenant = eb('tenant_id', '=', scope.tenantId);
  return scope.clientId === undefined ? isOfTenant : eb.and([isOfTenant, eb('client_id', '=', scope.clientId)]);
}

function matches(eb: ExpressionBuilder<Database, 'keys'>, scope: TenantScope, listing: KeyListing) {
  const { filter, now } = listing;
  const conditions = [isSeen(eb, scope)];
  if (filter.status !== undefined) conditions.push(hasStatus(eb, filter.status, now));
  if (filter.owner !== undefined) conditions.push(eb('owner', '=', filter.owner));
  if (filter.clientId !== undefined) conditions.push(eb('client_id', '=', filter.clientId));
  if (filter.environment !== undefined) conditions.push(eb('environment', '=', filter.environment));
  if (filter.search !== undefined) {
    const pattern = toLikePattern(filter.search);
    conditions.push(
      eb.or([eb('name', 'ilike', pattern), eb('description', 'ilike', pattern), eb('owner', 'ilike', pattern)]),
    );
  }
  if (filter.unusedSince !== undefined) {
    conditions.push(eb(eb.fn.coalesce('last_used_at', 'created_at'), '<', filter.unusedSince));
  }
  return eb.and(conditions);
}

/** Nulls become what they mean: never used is longest ago, never expiring is last. */
function sortColumn(by: string): SortColumn {
  const id = sql`id`;
  switch (by) {
    case 'lastUsedAt':
      return { value: sql`coalesce(last_used_at, '-infinity')`, type: 'timestamptz', id };
    case 'createdAt':
      return { value: sql`created_at`, type: 'timestamptz', id };
    case 'expiresAt':
      return { value: sql`coalesce(expires_at, 'infinity')`, type: 'timestamptz', id };
    case 'name':
      return { value: sql`lower(name)`, type: 'text', id };
    default:
      throw new Error(`keys cannot be sorted by ${by}`);
  }
}

/** Every key that an operator ever had: each is revoked before the next is made, or there are few. */
export async function findOperatorKeys(
  db: Kysely<Database>,
  scope: TenantScope,
  operatorId: string,
): Promise<KeyRow[]> {
  return db
    .selectFrom('keys')
    .selectAll()
    .where('tenant_id', '=', scope.tenantId)
    .where('operator_id', '=', operatorId)
    .execute();
}

interface KeptHash {
  readonly hash: Uint8Array;
  readonly pepper: string;
}

/** What proves the key with this public id, whosever it is; of an unknown one `none`, read from the database in the same way. */
export async function findHash(db: Kysely<Database>, publicId: string, none: KeptHash): Promise<KeptHash> {
  const { rows } = await sql<KeptHash>`
    select coalesce(keys.hash, ${none.hash}::bytea) as hash, coalesce(keys.pepper, ${none.pepper}::text) as pepper
    from (values (${publicId}::text)) as asked (public_id) left join keys on keys.public_id = asked.public_id`.execute(
    db,
  );
  return rows[0] ?? none;
}

/** What whoever brought the key may see of it. */
export async function findShown(
  db: Kysely<Database>,
  publicId: string,
): Promise<Pick<KeyRow, 'scopes' | 'owner'> | undefined> {
  return db.selectFrom('keys').select(['scopes', 'owner']).where('public_id', '=', publicId).executeTakeFirst();
}
