// The operations on keys under the name /api-keys: those of clients.

import { Type } from 'typebox';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import { findClient } from '../clients/store.ts';
import { operation, type Operation } from '../operation.ts';
import { pagingFaults, toPaging, type Sort } from '../paging.ts';
import { closed, IdParams } from '../schema-parts.ts';
import { makeKey } from './make.ts';
import { showing } from './present.ts';
import { revoke } from './revoke.ts';
import { keyFaults } from './rules.ts';
import * as schema from './schema.ts';
import { getKeyOfClient, listKeys, type KeyRow } from './store.ts';

const MAY_READ = ['admin:keys:read', 'keys:read'];

const KeyParams = closed({
  ...IdParams.properties,
  keyId: Type.String({ maxLength: 100, description: 'The id of the key, or its beginning that is shown as keyId.' }),
});

const createClientKey = operation(['admin:keys:create', 'keys:create'], {
  id: 'createClientKey',
  method: 'POST',
  path: '/api-keys',
  summary: 'Make a key for a client',
  description: 'The answer holds the key itself, this once. It may do at most what the client may.',
  tag: 'Keys',
  body: schema.CreateClientKey,
  replies: { 201: schema.NewClientKey },
  faults({ body }, { nowMs }) {
    const faults = keyFaults(body, nowMs);
    if (body.rateLimit !== undefined && body.rateLimitOverride !== undefined)
      faults.push({ path: 'body.rateLimitOverride', message: 'goes without rateLimit: send one of the two' });
    return faults;
  },
  async handle({ body }, context) {
    const { data, resource } = await makeKey(context, body);
    return { status: 201, data: { ...data, keyId: data.keyPrefix }, resource };
  },
});

const listClientKeys = operation(MAY_READ, {
  id: 'listClientKeys',
  method: 'GET',
  path: '/api-clients/{id}/api-keys',
  summary: 'List the keys of a client',
  tag: 'Keys',
  params: IdParams,
  query: schema.ListClientKeys,
  replies: { 200: Type.Array(schema.ClientKey) },
  isList: true,
  faults: ({ query }) => pagingFaults(query, sortOf(query)),
  async handle({ params, query }, context) {
    const { services, principal, nowMs } = context;
    const sort = sortOf(query);
    const others = { owner: undefined, environment: undefined, search: undefined, unusedSince: undefined };
    const { data, meta } = await inTenant(services.db, principal, async (trx) => {
      const client = await findClient(trx, principal, params.id);
      if (client === undefined) throw new Problem('not_found', { detail: 'There is no client with this id.' });
      const page = await listKeys(trx, principal, {
        filter: { ...others, status: query.status, clientId: client.id },
        sort,
        paging: toPaging(query, sort),
        now: new Date(nowMs),
      });
      const show = await showing(trx, context, page.rows);
      const toClientKey = (row: KeyRow) => ({ ...show(row), keyId: row.key_prefix });
      return { data: page.rows.map(toClientKey), meta: page.meta };
    });
    return { status: 200, data, meta };
  },
});

const getClientKey = operation(MAY_READ, {
  id: 'getClientKey',
  method: 'GET',
  path: '/api-clients/{id}/api-keys/{keyId}',
  summary: 'Look at a key of a client',
  tag: 'Keys',
  params: KeyParams,
  replies: { 200: schema.ClientKey },
  async handle({ params }, context) {
    const resource = await inTenant(context.services.db, context.principal, async (trx) => {
      const row = await getKeyOfClient(trx, context.principal, placeOf(params));
      const show = await showing(trx, context, [row]);
      return show(row);
    });
    // One key under two names has one ETag.
    return { status: 200, data: { ...resource, keyId: resource.keyPrefix }, resource };
  },
});

const revokeClientKey = operation(['admin:keys:delete', 'keys:delete'], {
  id: 'revokeClientKey',
  method: 'DELETE',
  path: '/api-clients/{id}/api-keys/{keyId}',
  summary: 'Revoke a key of a client',
  description: 'For good, and at once. The key stays in the list; revoking it again changes nothing.',
  tag: 'Keys',
  params: KeyParams,
  replies: { 200: schema.RevokedKey },
  async handle({ params }, context) {
    const { principal } = context;
    return { status: 200, ...(await revoke(context, (trx) => getKeyOfClient(trx, principal, placeOf(params)))) };
  },
});

export const CLIENT_KEY_OPERATIONS: readonly Operation[] = [
  createClientKey,
  listClientKeys,
  getClientKey,
  revokeClientKey,
];

function placeOf(params: { readonly id: string; readonly keyId: string }) {
  return { clientId: params.id, id: params.keyId };
}

function sortOf(query: Partial<schema.ListClientKeys>): Sort {
  return { by: query.sortBy ?? 'createdAt', order: query.sortOrder ?? 'desc' };
}
