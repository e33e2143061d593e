// Gateways in the database: the drafts, and what of them is live.

import { sql, type Insertable, type Kysely, type Selectable, type Updateable } from 'kysely';
import type { GatewayStatus } from '../../db/publishing-schema.ts';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { readPage, toLikePattern, type PageOf, type SortColumn } from '../page-query.ts';
import type { Paging, Sort } from '../paging.ts';

/** The draft, with the number and the time of the revision that is live. */
export interface GatewayRow extends Selectable<Database['gateways']> {
  readonly deployed_number: number | null;
  readonly deployed_at: Date | null;
}

export type NewGatewayRow = Insertable<Database['gateways']>;
export type GatewayChange = Updateable<Database['gateways']>;

export interface GatewayListing {
  readonly status: GatewayStatus | undefined;
  readonly search: string | undefined;
  readonly sort: Sort;
  readonly paging: Paging;
}

export async function insertGateway(trx: Kysely<Database>, row: NewGatewayRow): Promise<void> {
  await trx.insertInto('gateways').values(row).execute();
  await trx
    .updateTable('installation')
    .set({ first_gateway_at: row.created_at })
    .where('first_gateway_at', 'is', null)
    .execute();
}

export async function findGateway(
  db: Kysely<Database>,
  scope: TenantScope,
  id: string,
): Promise<GatewayRow | undefined> {
  return selectGateways(db, scope).where('gateways.id', '=', id).executeTakeFirst();
}

export async function findGatewayByName(
  db: Kysely<Database>,
  scope: TenantScope,
  name: string,
): Promise<GatewayRow | undefined> {
  return selectGateways(db, scope)
    .where(sql<boolean>`lower(gateways.name) = lower(${name})`)
    .executeTakeFirst();
}

/** All of the tenant, in the order of their names. */
export async function allGateways(db: Kysely<Database>, scope: TenantScope): Promise<GatewayRow[]> {
  return selectGateways(db, scope)
    .orderBy(sql`lower(gateways.name)`)
    .execute();
}

export async function listGateways(
  db: Kysely<Database>,
  scope: TenantScope,
  listing: GatewayListing,
): Promise<PageOf<GatewayRow>> {
  const { status, search, sort, paging } = listing;
  let matching = selectGateways(db, scope);
  if (status !== undefined) matching = matching.where('gateways.status', '=', status);
  if (search !== undefined) {
    const pattern = toLikePattern(search);
    matching = matching.where((eb) =>
      eb.or([eb('gateways.name', 'ilike', pattern), eb('gateways.description', 'ilike', pattern)]),
    );
  }
  return readPage(db, matching, { column: sortColumn(sort.by), sort, paging });
}

export async function updateGateway(
  trx: Kysely<Database>,
  scope: TenantScope,
  id: string,
  change: GatewayChange,
): Promise<void> {
  await trx.updateTable('gateways').set(change).where('tenant_id', '=', scope.tenantId).where('id', '=', id).execute();
}

/** Its endpoints go with it; its revisions stay. False when there is none. */
export async function deleteGateway(trx: Kysely<Database>, scope: TenantScope, id: string): Promise<boolean> {
  const deleted = await trx
    .deleteFrom('gateways')
    .where('tenant_id', '=', scope.tenantId)
    .where('id', '=', id)
    .returning('id')
    .executeTakeFirst();
  return deleted !== undefined;
}

function selectGateways(db: Kysely<Database>, scope: TenantScope) {
  return db
    .selectFrom('gateways')
    .leftJoin('revisions', 'revisions.id', 'gateways.deployed_revision_id')
    .selectAll('gateways')
    .select(['revisions.number as deployed_number', 'revisions.created_at as deployed_at'])
    .where('gateways.tenant_id', '=', scope.tenantId);
}

function sortColumn(by: string): SortColumn {
  const id = sql`gateways.id`;
  switch (by) {
    case 'createdAt':
      return { value: sql`gateways.created_at`, type: 'timestamptz', id };
    case 'name':
      return { value: sql`lower(gateways.name)`, type: 'text', id };
    default:
      throw new Error(`gateways cannot be sorted by ${by}`);
  }
}
