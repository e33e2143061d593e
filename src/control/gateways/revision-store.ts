// Revisions in the database: what was deployed, never changed.

import { sql, type Kysely, type Selectable } from 'kysely';
import { toJson, toOptionalJson } from '../../db/columns.ts';
import type { RouteChanges } from '../../db/publishing-schema.ts';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { outsideTenant } from '../../db/tenant-transaction.ts';
import { checkSchema, isSnapshot, SnapshotConfig, type GatewayConfig } from '../../gateway/snapshot.ts';
import { readPage, type PageOf } from '../page-query.ts';
import type { Paging, SortOrder } from '../paging.ts';

export interface NewRevision {
  readonly id: string;
  readonly gatewayId: string;
  readonly config: GatewayConfig;
  readonly document: unknown;
  readonly changes: RouteChanges;
  readonly restored: number | undefined;
  readonly createdBy: string;
  readonly createdAt: Date;
}

export type RevisionRow = Selectable<Database['revisions']>;

/** A row of a list: without what can be long. */
export type RevisionLine = Omit<RevisionRow, 'config' | 'document'>;

/** Answers with its number. The installation's row is locked, so no other deploy takes the same. */
export async function insertRevision(
  trx: Kysely<Database>,
  scope: TenantScope,
  revision: NewRevision,
): Promise<number> {
  const latest = await trx
    .selectFrom('revisions')
    .select((eb) => eb.fn.max('number').as('number'))
    .where('tenant_id', '=', scope.tenantId)
    .where('gateway_id', '=', revision.gatewayId)
    .executeTakeFirst();
  const number = (latest?.number ?? 0) + 1;
  await trx
    .insertInto('revisions')
    .values({
      id: revision.id,
      tenant_id: scope.tenantId,
      gateway_id: revision.gatewayId,
      number,
      config: toJson<unknown>(revision.config),
      document: toOptionalJson(revision.document),
      changes: toJson(revision.changes),
      restored: revision.restored ?? null,
      created_by: revision.createdBy,
      created_at: revision.createdAt,
    })
    .execute();
  return number;
}

export async function findRevision(trx: Kysely<Database>, scope: TenantScope, id: string): Promise<GatewayConfig> {
  const row = await trx
    .selectFrom('revisions')
    .select('config')
    .where('tenant_id', '=', scope.tenantId)
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return parseConfig(row.config);
}

export async function findRevisionByNumber(
  trx: Kysely<Database>,
  scope: TenantScope,
  gatewayId: string,
  number: number,
): Promise<RevisionRow | undefined> {
  return trx
    .selectFrom('revisions')
    .selectAll()
    .where('tenant_id', '=', scope.tenantId)
    .where('gateway_id', '=', gatewayId)
    .where('number', '=', number)
    .executeTakeFirst();
}

export async function listRevisions(
  trx: Kysely<Database>,
  scope: TenantScope,
  gatewayId: string,
  { order, paging }: { readonly order: SortOrder; readonly paging: Paging },
): Promise<PageOf<RevisionLine>> {
  const matching = trx
    .selectFrom('revisions')
    .select(['id', 'tenant_id', 'gateway_id', 'number', 'changes', 'restored', 'created_by', 'created_at'])
    .where('tenant_id', '=', scope.tenantId)
    .where('gateway_id', '=', gatewayId);
  const column = { value: sql`number`, type: 'integer', id: sql`id` } as const;
  return readPage(trx, matching, { column, sort: { by: 'number', order }, paging });
}

/** What is on the air of all tenants, but of these gateways: two tenants' routes must not collide either. A suspended tenant may return. */
export async function otherLiveConfigs(trx: Kysely<Database>, gatewayIds: readonly string[]): Promise<GatewayConfig[]> {
  const rows = await outsideTenant(trx, (all) =>
    all
      .selectFrom('gateways')
      .innerJoin('revisions', 'revisions.id', 'gateways.deployed_revision_id')
      .innerJoin('tenants', 'tenants.id', 'gateways.tenant_id')
      .select('revisions.config')
      .where('tenants.deleted_at', 'is', null)
      .where('gateways.status', '!=', 'inactive')
      .where('gateways.id', 'not in', gatewayIds)
      .orderBy('gateways.id')
      .execute(),
  );
  return parseConfigs(rows.map(({ config }) => config));
}

export function parseConfig(config: unknown): GatewayConfig {
  const [parsed] = parseConfigs([config]);
  if (parsed === undefined) throw new Error('one configuration was parsed to none');
  return parsed;
}

function parseConfigs(gateways: unknown[]): GatewayConfig[] {
  const snapshot: unknown = { version: 0, gateways };
  if (isSnapshot(snapshot)) return snapshot.gateways;
  const [fault] = checkSchema(SnapshotConfig, snapshot, '');
  throw new Error(`a stored revision cannot be read: ${fault?.path ?? ''} ${fault?.message ?? ''}`);
}
