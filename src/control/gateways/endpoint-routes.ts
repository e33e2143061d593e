// The operations on the endpoints of a gateway. They belong to its draft: changing them is changing the gateway.

import { Type } from 'typebox';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import { operation, type Operation } from '../operation.ts';
import { pagingFaults, toPaging, type Sort } from '../paging.ts';
import { IdParams } from '../schema-parts.ts';
import { authorOf, changing, existingGateway, MAY_READ, MAY_UPDATE } from './changing.ts';
import { changeEndpoint, createEndpoint } from './draft.ts';
import * as schema from './endpoint-schema.ts';
import { deleteEndpoint, findEndpoint, listEndpoints, type EndpointRow } from './endpoint-store.ts';
import { toDeleted, toEndpoint } from './present.ts';
import { endpointFaults } from './rules.ts';
import { Deleted } from './schema.ts';
import { recordEndpoint } from './trail.ts';

const makeEndpoint = operation(MAY_UPDATE, {
  id: 'createEndpoint',
  method: 'POST',
  path: '/gateways/{id}/endpoints',
  summary: 'Make an endpoint',
  description: 'Live after the next deploy of the gateway.',
  tag: 'Endpoints',
  params: IdParams,
  body: schema.CreateEndpoint,
  replies: { 201: schema.Endpoint },
  faults: ({ body }) => endpointFaults(body),
  async handle({ params, body }, context) {
    const row = await changing(context, async (trx) => {
      const after = await createEndpoint(trx, authorOf(context), params.id, body);
      await recordEndpoint(trx, context, 'create', { after });
      return after;
    });
    return { status: 201, data: toEndpoint(row), resource: toEndpoint(row) };
  },
});

const listAllEndpoints = operation(MAY_READ, {
  id: 'listEndpoints',
  method: 'GET',
  path: '/gateways/{id}/endpoints',
  summary: 'List the endpoints of a gateway',
  tag: 'Endpoints',
  params: IdParams,
  query: schema.ListEndpoints,
  replies: { 200: Type.Array(schema.Endpoint) },
  isList: true,
  faults: ({ query }) => pagingFaults(query, sortOf(query)),
  async handle({ params, query }, { services, principal }) {
    const sort = sortOf(query);
    const listing = { method: query.method, search: query.search, sort, paging: toPaging(query, sort) };
    const page = await inTenant(services.db, principal, async (trx) => {
      const gateway = await existingGateway(trx, principal, params.id);
      return listEndpoints(trx, principal, gateway.id, listing);
    });
    return { status: 200, data: page.rows.map(toEndpoint), meta: page.meta };
  },
});

const getEndpoint = operation(MAY_READ, {
  id: 'getEndpoint',
  method: 'GET',
  path: '/gateways/{id}/endpoints/{endpointId}',
  summary: 'Look at an endpoint',
  tag: 'Endpoints',
  params: schema.EndpointParams,
  replies: { 200: schema.Endpoint },
  async handle({ params }, { services, principal }) {
    const row = await inTenant(services.db, principal, (trx) => findEndpoint(trx, principal, placeOf(params)));
    return { status: 200, data: toEndpoint(found(row)) };
  },
});

const updateEndpoint = operation(MAY_UPDATE, {
  id: 'updateEndpoint',
  method: 'PUT',
  path: '/gateways/{id}/endpoints/{endpointId}',
  summary: 'Change an endpoint',
  description: 'Live after the next deploy of the gateway.',
  tag: 'Endpoints',
  params: schema.EndpointParams,
  body: schema.UpdateEndpoint,
  replies: { 200: schema.Endpoint },
  faults: ({ body }) => endpointFaults(body),
  async handle({ params, body }, context) {
    const row = await changing(context, async (trx) => {
      const before = found(await findEndpoint(trx, context.principal, placeOf(params)));
      context.precondition.check(toEndpoint(before));
      const after = found(await changeEndpoint(trx, authorOf(context), placeOf(params), body));
      await recordEndpoint(trx, context, 'update', { before, after });
      return after;
    });
    return { status: 200, data: toEndpoint(row) };
  },
});

const removeEndpoint = operation(MAY_UPDATE, {
  id: 'deleteEndpoint',
  method: 'DELETE',
  path: '/gateways/{id}/endpoints/{endpointId}',
  summary: 'Delete an endpoint',
  description: 'Off the air after the next deploy of the gateway.',
  tag: 'Endpoints',
  params: schema.EndpointParams,
  replies: { 200: Deleted },
  async handle({ params }, context) {
    await changing(context, async (trx) => {
      const before = found(await findEndpoint(trx, context.principal, placeOf(params)));
      context.precondition.check(toEndpoint(before));
      await deleteEndpoint(trx, context.principal, placeOf(params));
      await recordEndpoint(trx, context, 'delete', { before });
    });
    return { status: 200, data: toDeleted(params.endpointId) };
  },
});

export const ENDPOINT_OPERATIONS: readonly Operation[] = [
  makeEndpoint,
  listAllEndpoints,
  getEndpoint,
  updateEndpoint,
  removeEndpoint,
];

function placeOf(params: { readonly id: string; readonly endpointId: string }) {
  return { gatewayId: params.id, id: params.endpointId };
}

function sortOf(query: Partial<schema.ListEndpoints>): Sort {
  return { by: query.sortBy ?? 'createdAt', order: query.sortOrder ?? 'asc' };
}

function found(row: EndpointRow | undefined): EndpointRow {
  if (row !== undefined) return row;
  throw new Problem('not_found', { detail: 'There is no endpoint with this id in this gateway.' });
}
