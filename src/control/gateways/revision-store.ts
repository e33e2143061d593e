// Revisions in the database: what was deployed, never changed.

import { Value } from 'typebox/value';
import type { Kysely } from 'kysely';
import { toJson } from '../../db/columns.ts';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { outsideTenant } from '../../db/tenant-transaction.ts';
import { SnapshotConfig, type GatewayConfig } from '../../gateway/snapshot.ts';

export interface NewRevision {
  readonly id: string;
  readonly gatewayId: string;
  readonly config: GatewayConfig;
  readonly createdBy: string;
  readonly createdAt: Date;
}

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
  return parseConfigs([row.config])[0] ?? raise(id);
}

/** What is on the air of all tenants, but of one gateway: two tenants' routes must not collide either. A suspended tenant may return. */
export async function otherLiveConfigs(trx: Kysely<Database>, gatewayId: string): Promise<GatewayConfig[]> {
  const rows = await outsideTenant(trx, (all) =>
    all
      .selectFrom('gateways')
      .innerJoin('revisions', 'revisions.id', 'gateways.deployed_revision_id')
      .innerJoin('tenants', 'tenants.id', 'gateways.tenant_id')
      .select('revisions.config')
      .where('tenants.deleted_at', 'is', null)
      .where('gateways.status', '=', 'active')
      .where('gateways.id', '!=', gatewayId)
      .orderBy('gateways.id')
      .execute(),
  );
  return parseConfigs(rows.map(({ config }) => config));
}

function parseConfigs(gateways: unknown[]): GatewayConfig[] {
  const snapshot: unknown = { version: 0, gateways };
  if (Value.Check(SnapshotConfig, snapshot)) return snapshot.gateways;
  const [fault] = Value.Errors(SnapshotConfig, snapshot);
  throw new Error(`a stored revision cannot be read: ${fault?.instancePath ?? ''} ${fault?.message ?? ''}`);
}

function raise(id: string): never {
  throw new Error(`revision ${id} cannot be read`);
}
