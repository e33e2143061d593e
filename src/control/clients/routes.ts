// The operations on clients under the name /api-clients.

import { Type } from 'typebox';
import { inTenant } from '../../db/tenant-transaction.ts';
import { operation, type Operation } from '../operation.ts';
import { pagingFaults, toPaging, type Sort } from '../paging.ts';
import { checkGrant } from '../permissions.ts';
import { loadTenantLimits } from '../rate-limits/store.ts';
import { IdParams } from '../schema-parts.ts';
import { changeClient, existing, makeClient, removeClient } from './change.ts';
import { toCreated } from './new-client.ts';
import { toClient, toDashboard, toDeletedClient } from './present.ts';
import { clientFaults } from './rules.ts';
import * as schema from './schema.ts';
import { update } from './steps.ts';
import { countKeys, findClient, listClients, loadClientLimits } from './store.ts';

const MAY_READ = ['admin:clients:read', 'clients:read'];

const createClient = operation(['admin:clients:create', 'clients:create'], {
  id: 'createClient',
  method: 'POST',
  path: '/api-clients',
  summary: 'Make a client',
  description:
    'A partner application whose keys share its scopes, limits and restrictions. Active at once unless told.',
  tag: 'Clients',
  body: schema.CreateClient,
  replies: { 201: schema.Client },
  faults: ({ body }, context) => clientFaults(body, context),
  async handle({ body }, context) {
    checkGrant(body.scopes ?? [], context.principal);
    const row = await makeClient(context, toCreated(body, context), {
      action: 'client.create',
      events: ['client.created'],
    });
    const data = toClient(row, context.nowMs);
    return { status: 201, data, resource: data };
  },
});

const listAllClients = operation(MAY_READ, {
  id: 'listClients',
  method: 'GET',
  path: '/api-clients',
  summary: 'List clients',
  tag: 'Clients',
  query: schema.ListClients,
  replies: { 200: Type.Array(schema.Client) },
  isList: true,
  faults: ({ query }) => pagingFaults(query, sortOf(query)),
  async handle({ query }, { services, principal, nowMs }) {
    const sort = sortOf(query);
    const { status, rateLimitTier, contactEmail, search } = query;
    const filter = { status, rateLimitTier, contactEmail, search };
    const listing = { filter, sort, paging: toPaging(query, sort), now: new Date(nowMs) };
    const page = await inTenant(services.db, principal, (trx) => listClients(trx, principal, listing));
    return { status: 200, data: page.rows.map((row) => toClient(row, nowMs)), meta: page.meta };
  },
});

const getClient = operation(MAY_READ, {
  id: 'getClient',
  method: 'GET',
  path: '/api-clients/{id}',
  summary: 'Look at a client',
  description: 'The key of a client sees its own only.',
  tag: 'Clients',
  params: IdParams,
  replies: { 200: schema.Client },
  async handle({ params }, { services, principal, nowMs }) {
    const row = await inTenant(services.db, principal, (trx) => findClient(trx, principal, params.id));
    return { status: 200, data: toClient(existing(row), nowMs) };
  },
});

const putClient = operation(['admin:clients:update', 'clients:update'], {
  id: 'updateClient',
  method: 'PUT',
  path: '/api-clients/{id}',
  summary: 'Change a client',
  description: 'Holds for all its keys at once, on every node within a second.',
  tag: 'Clients',
  params: IdParams,
  body: schema.UpdateClient,
  replies: { 200: schema.Client },
  faults: ({ body }, context) => clientFaults(body, context),
  async handle({ params, body }, context) {
    const row = await changeClient(context, params.id, (before) =>
      update(before, body, context.principal, 'body.scopes'),
    );
    return { status: 200, data: toClient(row, context.nowMs) };
  },
});

const deleteClient = operation(['admin:clients:delete', 'clients:delete'], {
  id: 'deleteClient',
  method: 'DELETE',
  path: '/api-clients/{id}',
  summary: 'Delete a client',
  description: 'Its keys are revoked, for good and at once; they stay in the list of keys.',
  tag: 'Clients',
  params: IdParams,
  replies: { 200: schema.DeletedClient },
  async handle({ params }, context) {
    const revokedKeys = await removeClient(context, params.id);
    return { status: 200, data: toDeletedClient(params.id, revokedKeys) };
  },
});

const getDashboard = operation(MAY_READ, {
  id: 'getClientDashboard',
  method: 'GET',
  path: '/api-clients/{id}/dashboard',
  summary: 'Look at a client at a glance',
  tag: 'Clients',
  params: IdParams,
  replies: { 200: schema.Dashboard },
  async handle({ params }, { services, principal, nowMs }) {
    const data = await inTenant(services.db, principal, async (trx) => {
      const row = existing(await findClient(trx, principal, params.id));
      const counts = await countKeys(trx, row, new Date(nowMs));
      const client = (await loadClientLimits(trx, principal, [row.id])).get(row.id);
      const limits = { client, tenant: await loadTenantLimits(trx, principal), defaults: services.defaultLimits };
      return toDashboard({ row, counts, limits, nowMs });
    });
    return { status: 200, data };
  },
});

export const CLIENT_OPERATIONS: readonly Operation[] = [
  createClient,
  listAllClients,
  getClient,
  putClient,
  deleteClient,
  getDashboard,
];

function sortOf(query: Partial<schema.ListClients>): Sort {
  return { by: query.sortBy ?? 'createdAt', order: query.sortOrder ?? 'desc' };
}
