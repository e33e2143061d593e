// The operations on gateways.

import type { Transaction } from 'kysely';
import { Type } from 'typebox';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { operation, type AuthorizedContext, type Operation } from '../operation.ts';
import { pagingFaults, toPaging, type Sort } from '../paging.ts';
import { checkPermission } from '../permissions.ts';
import { IdParams } from '../schema-parts.ts';
import type { Services } from '../services.ts';
import { authorOf, changing, existingGateway, MAY_CREATE, MAY_DELETE, MAY_READ, MAY_UPDATE } from './changing.ts';
import { checkReturn } from './deploy.ts';
import { changeGateway, createGateway } from './draft.ts';
import { toDeleted, toGateway } from './present.ts';
import { gatewayFaults, newGatewayFaults } from './rules.ts';
import * as schema from './schema.ts';
import { deleteGateway, findGatewayByName, listGateways, type GatewayRow } from './store.ts';
import { recordGateway } from './trail.ts';

const makeGateway = operation(MAY_CREATE, {
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

const putGateway = operation(MAY_UPDATE, {
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
      checkPermission(MAY_CREATE, context.principal);
      context.precondition.check(undefined);
      return { row: await create(trx, context, body), isNew: true };
    });
    if (!isNew) await publishStatus(context.services, body);
    return { status: isNew ? 201 : 200, data: toGateway(row) };
  },
});

const listAllGateways = operation(MAY_READ, {
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

const getGateway = operation(MAY_READ, {
  id: 'getGateway',
  method: 'GET',
  path: '/gateways/{id}',
  summary: 'Look at a gateway',
  description: 'The draft; `deployed` tells what is live.',
  tag: 'Gateways',
  params: IdParams,
  replies: { 200: schema.Gateway },
  async handle({ params }, { services, principal }) {
    const row = await inTenant(services.db, principal, (trx) => existingGateway(trx, principal, params.id));
    return { status: 200, data: toGateway(row) };
  },
});

const updateGateway = operation(MAY_UPDATE, {
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
      const present = await existingGateway(trx, context.principal, params.id);
      return change(trx, context, present, body);
    });
    await publishStatus(context.services, body);
    return { status: 200, data: toGateway(row) };
  },
});

const removeGateway = operation(MAY_DELETE, {
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
      const before = await existingGateway(trx, context.principal, params.id);
      context.precondition.check(toGateway(before));
      await deleteGateway(trx, context.principal, params.id);
      await recordGateway(trx, context, 'delete', { before });
    });
    await context.services.publish();
    return { status: 200, data: toDeleted(params.id) };
  },
});

export const GATEWAY_OPERATIONS: readonly Operation[] = [
  makeGateway,
  putGateway,
  listAllGateways,
  getGateway,
  updateGateway,
  removeGateway,
];

async function create(
  trx: Transaction<Database>,
  context: AuthorizedContext,
  body: schema.CreateGateway,
): Promise<GatewayRow> {
  const after = await createGateway(trx, authorOf(context), body);
  await recordGateway(trx, context, 'create', { after });
  return after;
}

async function change(
  trx: Transaction<Database>,
  context: AuthorizedContext,
  before: GatewayRow,
  body: schema.UpdateGateway,
): Promise<GatewayRow> {
  const author = authorOf(context);
  const isReturning = before.status === 'inactive' && body.status !== undefined && body.status !== 'inactive';
  if (isReturning) await checkReturn(trx, author, before, context.services);
  context.precondition.check(toGateway(before));
  const after = await changeGateway(trx, author, before.id, body);
  await recordGateway(trx, context, 'update', { before, after });
  return after;
}

async function publishStatus(services: Services, body: schema.UpdateGateway): Promise<void> {
  if (body.status !== undefined) await services.publish();
}

function sortOf(query: Partial<schema.ListGateways>): Sort {
  return { by: query.sortBy ?? 'createdAt', order: query.sortOrder ?? 'desc' };
}
