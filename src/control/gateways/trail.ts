// What changes of gateways and endpoints leave behind: entries of the audit log, and events. In the transaction of the change, and last in it.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import {
  recordAudit,
  recordProgramAudit,
  type AuditContext,
  type Change,
  type ProgramContext,
} from '../audit/record.ts';
import { emitEvent } from '../events/emit.ts';
import type { EndpointRow } from './endpoint-store.ts';
import { toEndpoint, toGateway } from './present.ts';
import type { Deployment } from './revision-schema.ts';
import type { GatewayRow } from './store.ts';

/** By somebody's call, or by the program. */
type Context = AuditContext | ProgramContext;

/** The rows on both sides of a change; what was made has no before, what was deleted no after. */
interface Sides<Row> {
  readonly before?: Row | undefined;
  readonly after?: Row | undefined;
}

type Verb = 'create' | 'update' | 'delete';

export async function recordGateway(
  trx: Kysely<Database>,
  context: Context,
  verb: Verb,
  { before, after }: Sides<GatewayRow>,
): Promise<void> {
  const row = after ?? before;
  if (row === undefined) return;
  await record(trx, context, {
    action: `gateway.${verb}`,
    resourceType: 'gateway',
    resourceId: row.id,
    details: { name: row.name },
    before: before && toGateway(before),
    after: after && toGateway(after),
  });
}

export async function recordEndpoint(
  trx: Kysely<Database>,
  context: Context,
  verb: Verb,
  { before, after }: Sides<EndpointRow>,
): Promise<void> {
  const row = after ?? before;
  if (row === undefined) return;
  await record(trx, context, {
    action: `endpoint.${verb}`,
    resourceType: 'endpoint',
    resourceId: row.id,
    details: { gatewayId: row.gateway_id, method: row.method, path: row.path },
    before: before && toEndpoint(before),
    after: after && toEndpoint(after),
  });
}

export async function recordDeployment(
  trx: Kysely<Database>,
  context: Context,
  gateway: Pick<GatewayRow, 'id' | 'name'>,
  deployment: Deployment,
): Promise<void> {
  const { revision, revisionId, deployedAt, restored, changes } = deployment;
  const known = { name: gateway.name, revision, revisionId, ...(restored !== undefined && { restored }) };
  await record(trx, context, {
    action: restored === undefined ? 'gateway.deploy' : 'gateway.rollback',
    resourceType: 'gateway',
    resourceId: gateway.id,
    details: { ...known, ...changes },
  });
  const data = { gatewayId: gateway.id, ...known, deployedAt };
  const scope = 'program' in context ? context : context.principal;
  await emitEvent(trx, scope, { type: 'gateway.deployed', data }, new Date(context.nowMs));
}

async function record(trx: Kysely<Database>, context: Context, change: Change): Promise<void> {
  if ('program' in context) await recordProgramAudit(trx, context, change);
  else await recordAudit(trx, context, change);
}
