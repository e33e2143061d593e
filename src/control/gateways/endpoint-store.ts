// Endpoints in the database: drafts all of them.

import { sql, type Insertable, type Kysely, type Selectable, type Updateable } from 'kysely';
import type { HttpMethod } from '../../db/publishing-schema.ts';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { readPage, toLikePattern, type PageOf, type SortColumn } from '../page-query.ts';
import type { Paging, Sort } from '../paging.ts';

export type EndpointRow = Selectable<Database['endpoints']>;
export type NewEndpointRow = Insertable<Database['endpoints']>;
export type EndpointChange = Updateable<Database['endpoints']>;

export interface EndpointListing {
  readonly method: HttpMethod | undefined;
  readonly search: string | undefined;
  readonly sort: Sort;
  readonly paging: Paging;
}

/** PostgreSQL takes 65,535 values with a statement. */
const ROWS_PER_STATEMENT = 500;

/** Which endpoint of which gateway. */
export interface EndpointPlace {
  readonly gatewayId: string;
  readonly id: string;
}

export async function insertEndpoint(trx: Kysely<Database>, row: NewEndpointRow): Promise<EndpointRow> {
  return trx.insertInto('endpoints').values(row).returningAll().executeTakeFirstOrThrow();
}

/** Any number at once, a few hundred to a statement. */
export async function insertEndpoints(trx: Kysely<Database>, rows: readonly NewEndpointRow[]): Promise<void> {
  for (let i = 0; i < rows.length; i += ROWS_PER_STATEMENT) {
    await trx
      .insertInto('endpoints')
      .values(rows.slice(i, i + ROWS_PER_STATEMENT))
      .execute();
  }
}

export async function deleteEndpoints(
  trx: Kysely<Database>,
  scope: TenantScope,
  rows: readonly EndpointRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await trx.deleteFrom('endpoints').where('tenant_id', '=', scope.tenantId).where(isOneOf(rows)).execute();
}

export async function clearOperationIds(
  trx: Kysely<Database>,
  scope: TenantScope,
  rows: readonly EndpointRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const cleared = { operation_id: null };
  await trx
    .updateTable('endpoints')
    .set(cleared)
    .where('tenant_id', '=', scope.tenantId)
    .where(isOneOf(rows))
    .execute();
}

export async function findEndpoint(
  db: Kysely<Database>,
  scope: TenantScope,
  place: EndpointPlace,
): Promise<EndpointRow | undefined> {
  return selectEndpoints(db, scope, place.gatewayId).where('id', '=', place.id).executeTakeFirst();
}

export async function findEndpointById(
  db: Kysely<Database>,
  scope: TenantScope,
  id: string,
): Promise<EndpointRow | undefined> {
  return db
    .selectFrom('endpoints')
    .selectAll()
    .where('tenant_id', '=', scope.tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** All of a gateway, in the order in which they were made. */
export async function allEndpoints(
  db: Kysely<Database>,
  scope: TenantScope,
  gatewayId: string,
): Promise<EndpointRow[]> {
  return selectEndpoints(db, scope, gatewayId).orderBy('created_at').orderBy('id').execute();
}

export async function countEndpoints(db: Kysely<Database>, scope: TenantScope, gatewayId: string): Promise<number> {
  const counted = await selectEndpoints(db, scope, gatewayId)
    .clearSelect()
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return counted.total;
}

export async function listEndpoints(
  db: Kysely<Database>,
  scope: TenantScope,
  gatewayId: string,
  listing: EndpointListing,
): Promise<PageOf<EndpointRow>> {
  const { method, search, sort, paging } = listing;
  let matching = selectEndpoints(db, scope, gatewayId);
  if (method !== undefined) matching = matching.where('method', '=', method);
  if (search !== undefined) {
    const pattern = toLikePattern(search);
    matching = matching.where((eb) =>
      eb.or([eb('path', 'ilike', pattern), eb('summary', 'ilike', pattern), eb('operation_id', 'ilike', pattern)]),
    );
  }
  return readPage(db, matching, { column: sortColumn(sort.by), sort, paging });
}

export async function updateEndpoint(
  trx: Kysely<Database>,
  scope: TenantScope,
  place: EndpointPlace,
  change: EndpointChange,
): Promise<EndpointRow | undefined> {
  return trx
    .updateTable('endpoints')
    .set(change)
    .where('tenant_id', '=', scope.tenantId)
    .where('gateway_id', '=', place.gatewayId)
    .where('id', '=', place.id)
    .returningAll()
    .executeTakeFirst();
}

/** False when there is none. */
export async function deleteEndpoint(
  trx: Kysely<Database>,
  scope: TenantScope,
  place: EndpointPlace,
): Promise<boolean> {
  const deleted = await trx
    .deleteFrom('endpoints')
    .where('tenant_id', '=', scope.tenantId)
    .where('gateway_id', '=', place.gatewayId)
    .where('id', '=', place.id)
    .returning('id')
    .executeTakeFirst();
  return deleted !== undefined;
}

/** One parameter, however many there are. */
function isOneOf(rows: readonly EndpointRow[]) {
  return sql<boolean>`id = any(${rows.map(({ id }) => id)}::text[])`;
}

function selectEndpoints(db: Kysely<Database>, scope: TenantScope, gatewayId: string) {
  return db
    .selectFrom('endpoints')
    .selectAll()
    .where('tenant_id', '=', scope.tenantId)
    .where('gateway_id', '=', gatewayId);
}

function sortColumn(by: string): SortColumn {
  const id = sql`id`;
  switch (by) {
    case 'createdAt':
      return { value: sql`created_at`, type: 'timestamptz', id };
    case 'path':
      return { value: sql`path || ' ' || method`, type: 'text', id };
    default:
      throw new Error(`endpoints cannot be sorted by ${by}`);
  }
}
