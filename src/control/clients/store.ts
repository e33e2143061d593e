// Clients in the database, and what has to be known of their keys.

import { sql, type ExpressionBuilder, type Insertable, type Kysely, type Selectable, type Updateable } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { readPage, toLikePattern, type PageOf, type SortColumn } from '../page-query.ts';
import type { Paging, Sort } from '../paging.ts';
import type { ClientLimits } from '../rate-limit.ts';
import type { ShownStatus } from './schema.ts';

export type ClientRow = Selectable<Database['clients']>;
export type NewClientRow = Insertable<Database['clients']>;
export type ClientChange = Updateable<Database['clients']>;

export interface ClientListing {
  readonly filter: {
    readonly status: ShownStatus | undefined;
    readonly rateLimitTier: string | undefined;
    readonly contactEmail: string | undefined;
    readonly search: string | undefined;
  };
  readonly sort: Sort;
  readonly paging: Paging;
  readonly now: Date;
}

export async function insertClient(trx: Kysely<Database>, row: NewClientRow): Promise<ClientRow> {
  return trx.insertInto('clients').values(row).returningAll().executeTakeFirstOrThrow();
}

/** A client's own key finds its own client only. */
export async function findClient(db: Kysely<Database>, scope: TenantScope, id: string): Promise<ClientRow | undefined> {
  return db
    .selectFrom('clients')
    .selectAll()
    .where((eb) => isSeen(eb, scope))
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function listClients(
  db: Kysely<Database>,
  scope: TenantScope,
  listing: ClientListing,
): Promise<PageOf<ClientRow>> {
  const { sort, paging } = listing;
  const matching = db
    .selectFrom('clients')
    .selectAll()
    .where((eb) => matches(eb, scope, listing));
  return readPage(db, matching, { column: sortColumn(sort.by), sort, paging });
}

export async function updateClient(
  trx: Kysely<Database>,
  scope: TenantScope,
  id: string,
  change: ClientChange,
): Promise<ClientRow> {
  return trx
    .updateTable('clients')
    .set(change)
    .where((eb) => isSeen(eb, scope))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Its keys must have been let go before. */
export async function deleteClient(trx: Kysely<Database>, scope: TenantScope, id: string): Promise<void> {
  await trx
    .deleteFrom('clients')
    .where((eb) => isSeen(eb, scope))
    .where('id', '=', id)
    .execute();
}

/** Of at most so many clients, by id: what they say about limits. Nulls among the ids are passed over. */
export async function loadClientLimits(
  db: Kysely<Database>,
  scope: TenantScope,
  ids: readonly (string | null)[],
): Promise<ReadonlyMap<string, ClientLimits>> {
  const wanted = [...new Set(ids.filter((id) => id !== null))];
  if (wanted.length === 0) return new Map();
  const rows = await db
    .selectFrom('clients')
    .leftJoin('rate_limit_tiers', 'rate_limit_tiers.name', 'clients.rate_limit_tier')
    .select(['clients.id', 'clients.rate_limits', 'clients.monthly_quota', 'rate_limit_tiers.limits as tier_limits'])
    .where('clients.tenant_id', '=', scope.tenantId)
    .where('clients.id', 'in', wanted)
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

/** Which of these ids are of no endpoint of the tenant. */
export async function findUnknownEndpoints(
  db: Kysely<Database>,
  scope: TenantScope,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db
    .selectFrom('endpoints')
    .select('id')
    .where('tenant_id', '=', scope.tenantId)
    .where('id', 'in', [...ids])
    .execute();
  const known = new Set(rows.map(({ id }) => id));
  return new Set(ids.filter((id) => !known.has(id)));
}

export interface KeyCounts {
  readonly total: number;
  readonly usable: number;
  readonly last_used_at: Date | null;
}

export async function countKeys(db: Kysely<Database>, client: ClientRow, now: Date): Promise<KeyCounts> {
  return keysOf(db, client)
    .select((eb) => [
      eb.fn.countAll<number>().as('total'),
      eb.fn
        .countAll<number>()
        .filterWhere(
          eb.and([eb('revoked_at', 'is', null), eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)])]),
        )
        .as('usable'),
      eb.fn.max('last_used_at').as('last_used_at'),
    ])
    .executeTakeFirstOrThrow();
}

export type Credential = Pick<
  Selectable<Database['keys']>,
  'id' | 'key_prefix' | 'name' | 'created_at' | 'expires_at' | 'last_used_at'
>;

/** The newest keys that were not revoked. */
export async function newestKeys(db: Kysely<Database>, client: ClientRow, limit: number): Promise<Credential[]> {
  return keysOf(db, client)
    .select(['id', 'key_prefix', 'name', 'created_at', 'expires_at', 'last_used_at'])
    .where('revoked_at', 'is', null)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

/** By what the data plane knows the keys that it may have seen; `all` when there are more than so many. */
export async function loadPublicIds(
  db: Kysely<Database>,
  client: ClientRow,
  limit: number,
): Promise<readonly string[] | 'all'> {
  const rows = await keysOf(db, client)
    .select('public_id')
    .where('revoked_at', 'is', null)
    .limit(limit + 1)
    .execute();
  return rows.length > limit ? 'all' : rows.map(({ public_id }) => public_id);
}

/** Revokes what still works and lets go of all. Answers with the ids of those that it revoked. */
export async function releaseKeys(trx: Kysely<Database>, client: ClientRow, now: Date): Promise<string[]> {
  const revoked = await trx
    .updateTable('keys')
    .set({ revoked_at: now, updated_at: now })
    .where('tenant_id', '=', client.tenant_id)
    .where('client_id', '=', client.id)
    .where('revoked_at', 'is', null)
    .returning('id')
    .execute();
  await trx
    .updateTable('keys')
    .set({ client_id: null })
    .where('tenant_id', '=', client.tenant_id)
    .where('client_id', '=', client.id)
    .execute();
  return revoked.map(({ id }) => id);
}

function keysOf(db: Kysely<Database>, client: ClientRow) {
  return db.selectFrom('keys').where('tenant_id', '=', client.tenant_id).where('client_id', '=', client.id);
}

function isSeen(eb: ExpressionBuilder<Database, 'clients'>, scope: TenantScope) {
  const isOfTenant = eb('tenant_id', '=', scope.tenantId);
  return scope.clientId === undefined ? isOfTenant : eb.and([isOfTenant, eb('id', '=', scope.clientId)]);
}

function matches(eb: ExpressionBuilder<Database, 'clients'>, scope: TenantScope, { filter, now }: ClientListing) {
  const all = [isSeen(eb, scope)];
  if (filter.status !== undefined) all.push(hasStatus(eb, filter.status, now));
  if (filter.rateLimitTier !== undefined) all.push(eb('rate_limit_tier', '=', filter.rateLimitTier));
  if (filter.contactEmail !== undefined) all.push(eb('contact_email', 'ilike', toLikePattern(filter.contactEmail)));
  if (filter.search !== undefined) {
    const pattern = toLikePattern(filter.search);
    const columns = ['name', 'organization_name', 'contact_email'] as const;
    all.push(eb.or(columns.map((column) => eb(column, 'ilike', pattern))));
  }
  return eb.and(all);
}

function hasStatus(eb: ExpressionBuilder<Database, 'clients'>, status: ShownStatus, now: Date) {
  switch (status) {
    case 'expired':
      return eb.and([eb('status', '=', 'active'), eb('expires_at', '<=', now)]);
    case 'active':
      return eb.and([eb('status', '=', status), eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)])]);
    case 'pending':
    case 'suspended':
    case 'rejected':
      return eb('status', '=', status);
  }
}

function sortColumn(by: string): SortColumn {
  const id = sql`id`;
  switch (by) {
    case 'createdAt':
      return { value: sql`created_at`, type: 'timestamptz', id };
    case 'expiresAt':
      return { value: sql`coalesce(expires_at, 'infinity')`, type: 'timestamptz', id };
    case 'name':
      return { value: sql`lower(name)`, type: 'text', id };
    default:
      throw new Error(`clients cannot be sorted by ${by}`);
  }
}
