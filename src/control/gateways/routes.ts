// The operations on gateways.

import type { Kysely } from 'kysely';
import { Type } from 'typebox';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import { operation, type AuthorizedContext, type Operation } from '../operation.ts';
import { pagingFaults, toPaging, type Sort } from '../paging.ts';
import { checkPermission } from '../permissions.ts';
import { IdParams } from '../schema-parts.ts';
import type { Services } from '../services.ts';
import { checkReturn, deployGateway } from './deploy.ts';
import { changeGateway, createGateway, type Author } from './draft.ts';
import { toDeleted, toGateway } from './present.ts';
import { gatewayFaults, newGatewayFaults } from './rules.ts';
import * as schema from './schema.ts';
import { recordDeployment, recordGateway } from './trail.ts';
import { deleteGateway, findGateway, findGatewayByName, listGateways, type GatewayRow } from './store.ts';

const makeGateway = operation(['admin:gateways:create', 'gateways:create'], {
  id: 'createGateway',
  method: 'POST',
  path: '/gateways',
  summary: 'Make a gateway',
  description: 'A draft: nothing is live before its deploy.',
  tag: 'Gateways',
  body: schema.CreateGateway,
  replies: { 201: schema.Gateway },
  faults: ({ body }) => newGatewayFaults(body),
  async handle({ body }, context) {
    const row = await changing(context, (trx) => create(trx, context, body));
    return { status: 201, data: toGateway(row), resource: toGateway(row) };
  },
});

const putGateway = operation(['admin:gateways:update', 'gateways:update'], {
  id: 'putGateway',
  method: 'PUT',
  path: '/gateways',
  summary: 'Make a gateway, or change the one of this name',
  description: 'To make one, the permission to create gateways is needed as well.',
  tag: 'Gateways',
  body: schema.CreateGateway,
  replies: { 200: schema.Gateway, 201: schema.Gateway },
  faults: ({ body }) => newGatewayFaults(body),
  async handle({ body }, context) {
    const { row, isNew } = await changing(context, async (trx) => {
      const present = await findGatewayByName(trx, context.principal, body.name);
      if (present !== undefined) return { row: await change(trx, context, present, body), isNew: false };
      checkPermission(['admin:gateways:create', 'gateways:create'], context.principal);
      context.precondition.check(undefined);
      return { row: await create(trx, context, body), isNew: true };
    });
    if (!isNew) await publishStatus(context.services, body);
    return { status: isNew ? 201 : 200, data: toGateway(row) };
  },
});

const listAllGateways = operation(['admin:gateways:read', 'gateways:read'], {
  id: 'listGateways',
  method: 'GET',
  path: '/gateways',
  summary: 'List gateways',
  tag: 'Gateways',
  query: schema.ListGateways,
  replies: { 200: Type.Array(schema.Gateway) },
  isList: true,
  faults: ({ query }) => pagingFaults(query, sortOf(query)),
  async handle({ query }, { services, principal }) {
    const sort = sortOf(query);
    const listing = { status: query.status, search: query.search, sort, paging: toPaging(query, sort) };
    const page = await inTenant(services.db, principal, (trx) => listGateways(trx, principal, listing));
    return { status: 200, data: page.rows.map(toGateway), meta: page.meta };
  },
});

const getGateway = operation(['admin:gateways:read', 'gateways:read'], {
  id: 'getGateway',
  method: 'GET',
  path: '/gateways/{id}',
  summary: 'Look at a gateway',
  description: 'The draft; `deployed` tells what is live.',
  tag: 'Gateways',
  params: IdParams,
  replies: { 200: schema.Gateway },
  async handle({ params }, { services, principal }) {
    const row = await inTenant(services.db, principal, (trx) => findGateway(trx, principal, params.id));
    return { status: 200, data: toGateway(found(row)) };
  },
});

const updateGateway = operation(['admin:gateways:update', 'gateways:update'], {
  id: 'updateGateway',
  method: 'PUT',
  path: '/gateways/{id}',
  summary: 'Change a gateway',
  description: 'Changes the draft. Only `status` holds at once.',
  tag: 'Gateways',
  params: IdParams,
  body: schema.UpdateGateway,
  replies: { 200: schema.Gateway },
  faults: ({ body }) => gatewayFaults(body),
  async handle({ params, body }, context) {
    const row = await changing(context, async (trx) => {
      const present = found(await findGateway(trx, context.principal, params.id));
      return change(trx, context, present, body);
    });
    await publishStatus(context.services, body);
    return { status: 200, data: toGateway(row) };
  },
});

const removeGateway = operation(['admin:gateways:delete', 'gateways:delete'], {
  id: 'deleteGateway',
  method: 'DELETE',
  path: '/gateways/{id}',
  summary: 'Delete a gateway',
  description: 'With its endpoints, and off the air at once.',
  tag: 'Gateways',
  params: IdParams,
  replies: { 200: schema.Deleted },
  async handle({ params }, context) {
    await changing(context, async (trx) => {
      const before = found(await findGateway(trx, context.principal, params.id));
      context.precondition.check(toGateway(before));
      await deleteGateway(trx, context.principal, params.id);
      await recordGateway(trx, context, 'delete', { before });
    });
    await context.services.publish();
    return { status: 200, data: toDeleted(params.id) };
  },
});

const deploy = operation(['admin:gateways:update', 'gateways:update'], {
  id: 'deployGateway',
  method: 'POST',
  path: '/gateways/{id}/deploy',
  summary: 'Put a gateway on the air',
  description:
    'Checks the whole draft, keeps it as a revision, and answers when every thread of this node serves it. Refused, what was live stays.',
  tag: 'Gateways',
  params: IdParams,
  replies: { 200: schema.Deployment },
  async handle({ params }, context) {
    const deployment = await changing(context, async (trx) => {
      const gateway = found(await findGateway(trx, context.principal, params.id));
      const deployed = await deployGateway(trx, authorOf(context), gateway, context.services);
      await recordDeployment(trx, context, gateway, deployed);
      return deployed;
    });
    await context.services.publish();
    return { status: 200, data: deployment };
  },
});

export const GATEWAY_OPERATIONS: readonly Operation[] = [
  makeGateway,
  putGateway,
  listAllGateways,
  getGateway,
  updateGateway,
  removeGateway,
  deploy,
];

/** One transaction; the version first, which lets changes of gateways happen one after the other only. */
async function changing<Result>(
  context: AuthorizedContext,
  work: (trx: Kysely<Database>) => Promise<Result>,
): Promise<Result> {
  return inTenant(context.services.db, context.principal, async (trx) => {
    await bumpVersion(trx);
    return work(trx);
  });
}

async function create(
  trx: Kysely<Database>,
  context: AuthorizedContext,
  body: schema.CreateGateway,
): Promise<GatewayRow> {
  const row = await createGateway(trx, authorOf(context), body);
  await recordGateway(trx, context, 'create', { after: row });
  return row;
}

async function change(
  trx: Kysely<Database>,
  context: AuthorizedContext,
  present: GatewayRow,
  body: schema.UpdateGateway,
): Promise<GatewayRow> {
  const author = authorOf(context);
  const isReturning = present.status === 'inactive' && body.status === 'active';
  if (isReturning) await checkReturn(trx, author, present, context.services);
  context.precondition.check(toGateway(present));
  const row = await changeGateway(trx, author, present.id, body);
  await recordGateway(trx, context, 'update', { before: present, after: row });
  return row;
}

async function publishStatus(services: Services, body: schema.UpdateGateway): Promise<void> {
  if (body.status !== undefined) await services.publish();
}

function authorOf({ principal, nowMs }: AuthorizedContext): Author {
  return { tenantId: principal.tenantId, by: principal.operatorId ?? principal.keyId, nowMs };
}

function sortOf(query: Partial<schema.ListGateways>): Sort {
  return { by: query.sortBy ?? 'createdAt', order: query.sortOrder ?? 'desc' };
}

function found(row: GatewayRow | undefined): GatewayRow {
  if (row === undefined) throw notFound();
  return row;
}

function notFound(): Problem {
  return new Problem('not_found', { detail: 'There is no gateway with this id.' });
}
