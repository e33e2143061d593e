// The operations on keys.

import type { Kysely } from 'kysely';
import { Type } from 'typebox';
import { toJson } from '../../db/columns.ts';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { Problem } from '../../lib/problem.ts';
import { issueKey } from '../issue-key.ts';
import { operation, type AuthorizedContext, type Operation } from '../operation.ts';
import { pagingFaults, toPaging, type Sort } from '../paging.ts';
import { checkGrant } from '../permissions.ts';
import { IdParams } from '../schema-parts.ts';
import { toCompactKey, toKey, toRevokedKey, type Viewpoint } from './present.ts';
import { expiryOf, keyFaults } from './rules.ts';
import * as schema from './schema.ts';
import { countOtherOperatorKeys, findKey, listKeys, updateKey, type KeyRow } from './store.ts';

const DAY_MS = 86_400_000;

const createKey = operation(['admin:keys:create', 'keys:create'], {
  id: 'createKey',
  method: 'POST',
  path: '/keys',
  summary: 'Make a key',
  description: 'The answer holds the key itself, this once. Without rateLimit the default limits hold.',
  tag: 'Keys',
  body: schema.CreateKey,
  replies: { 201: schema.NewKey },
  compact: {
    path: '/keys',
    reply: schema.CompactNewKey,
    present: ({ data }) => ({ ...toCompactKey(data), key: data.key }),
  },
  faults: ({ body }, { nowMs }) => keyFaults(body, nowMs),
  async handle({ body }, context) {
    const { services, principal, nowMs } = context;
    const scopes = body.scopes ?? [];
    checkGrant(scopes, principal);
    const issued = await services.db.transaction().execute(async (trx) => {
      const order = {
        tenantId: principal.tenantId,
        operatorId: null,
        name: body.name,
        description: body.description ?? null,
        owner: body.owner ?? null,
        scopes,
        rateLimit: body.rateLimit ?? null,
        metadata: body.metadata ?? {},
        expiresAt: expiryOf(body, nowMs),
        createdBy: principal.operatorId ?? principal.keyId,
      };
      const made = await issueKey(trx, order, {
        keyPrefix: services.keyPrefix,
        hmacSecret: services.hmacSecret,
        nowMs,
      });
      await bumpVersion(trx);
      return made;
    });
    return { status: 201, data: { ...toKey(issued.row, viewpoint(context)), apiKey: issued.text, key: issued.text } };
  },
});

const listAllKeys = operation(['admin:keys:read', 'keys:read'], {
  id: 'listKeys',
  method: 'GET',
  path: '/keys',
  summary: 'List keys',
  tag: 'Keys',
  query: schema.ListKeys,
  replies: { 200: Type.Array(schema.Key) },
  isList: true,
  compact: {
    path: '/keys',
    reply: schema.CompactKeyList,
    present: ({ data, meta }) => ({
      keys: data.map(toCompactKey),
      count: data.length,
      cursor: meta?.nextCursor ?? null,
    }),
  },
  faults: ({ query }) => pagingFaults(query, sortOf(query)),
  async handle({ query }, context) {
    const { services, principal, nowMs } = context;
    const sort = sortOf(query);
    const page = await listKeys(services.db, principal, {
      filter: {
        status: query.status,
        owner: query.owner,
        search: query.search,
        unusedSince: query.unusedDays === undefined ? undefined : new Date(nowMs - query.unusedDays * DAY_MS),
      },
      sort,
      paging: toPaging(query, sort),
      now: new Date(nowMs),
    });
    return { status: 200, data: page.rows.map((row) => toKey(row, viewpoint(context))), meta: page.meta };
  },
});

const getKey = operation(['admin:keys:read', 'keys:read'], {
  id: 'getKey',
  method: 'GET',
  path: '/keys/{id}',
  summary: 'Look at a key',
  tag: 'Keys',
  params: IdParams,
  replies: { 200: schema.Key },
  compact: { path: '/keys/{id}', reply: schema.CompactKey, present: ({ data }) => toCompactKey(data) },
  async handle({ params }, context) {
    const row = found(await findKey(context.services.db, context.principal, params.id));
    return { status: 200, data: toKey(row, viewpoint(context)) };
  },
});

const changeKey = operation(['admin:keys:update', 'keys:update'], {
  id: 'updateKey',
  method: 'PUT',
  path: '/keys/{id}',
  summary: 'Change a key',
  description: 'Holds at once, on every node within a second.',
  tag: 'Keys',
  params: IdParams,
  body: schema.UpdateKey,
  replies: { 200: schema.Key },
  faults: ({ body }, { nowMs }) => keyFaults(body, nowMs),
  async handle({ params, body }, context) {
    const { services, principal, nowMs } = context;
    const row = await services.db.transaction().execute(async (trx) => {
      // Counted first: two changes of a key at once happen one after the other.
      await bumpVersion(trx);
      const before = found(await findKey(trx, principal, params.id));
      if (before.revoked_at !== null) throw new Problem('key_not_active');
      // What the key has already is not given now.
      checkGrant(body.scopes ?? [], principal, before.scopes);
      return updateKey(trx, principal, before.id, { ...toChange(body), updated_at: new Date(nowMs) });
    });
    await services.dataPlane.forgetCredentials([row.public_id]);
    return { status: 200, data: toKey(row, viewpoint(context)) };
  },
});

const revokeKey = operation(['admin:keys:delete', 'keys:delete'], {
  id: 'revokeKey',
  method: 'DELETE',
  path: '/keys/{id}',
  summary: 'Revoke a key',
  description: 'For good, and at once. The key stays in the list; revoking it again changes nothing.',
  tag: 'Keys',
  params: IdParams,
  replies: { 200: schema.RevokedKey },
  compact: {
    path: '/keys/{id}',
    reply: schema.CompactRevokedKey,
    present: ({ data }) => ({ ...data, revokedAt: Date.parse(data.revokedAt) }),
  },
  async handle({ params }, { services, principal, nowMs }) {
    const now = new Date(nowMs);
    const row = await services.db.transaction().execute((trx) => revoke(trx, principal, params.id, now));
    await services.dataPlane.forgetCredentials([row.public_id]);
    return { status: 200, data: toRevokedKey(row.id, row.revoked_at ?? now) };
  },
});

export const KEY_OPERATIONS: readonly Operation[] = [createKey, listAllKeys, getKey, changeKey, revokeKey];

async function revoke(trx: Kysely<Database>, scope: TenantScope, id: string, now: Date): Promise<KeyRow> {
  const present = found(await findKey(trx, scope, id));
  if (present.revoked_at !== null) return present;
  // Counted first: from here on no other key changes, so the last key of an operator is seen to be the last.
  await bumpVersion(trx);
  const before = found(await findKey(trx, scope, id));
  if (before.revoked_at !== null) return before;
  // The setup can be done only once: without any operator's key nobody could ever get in again.
  const isOperators = before.operator_id !== null;
  if (isOperators && (await countOtherOperatorKeys(trx, before, now)) === 0) throw new Problem('last_operator_key');
  return updateKey(trx, scope, id, { revoked_at: now, updated_at: now });
}

function toChange(body: schema.UpdateKey) {
  return {
    ...(body.name !== undefined && { name: body.name }),
    ...(body.description !== undefined && { description: body.description }),
    ...(body.owner !== undefined && { owner: body.owner }),
    ...(body.scopes !== undefined && { scopes: body.scopes }),
    ...(body.rateLimit !== undefined && { rate_limit: toJson(body.rateLimit) }),
    ...(body.metadata !== undefined && { metadata: toJson(body.metadata) }),
    ...(body.expiresAt !== undefined && { expires_at: expiryOf(body, 0) }),
  };
}

function sortOf(query: Partial<schema.ListKeys>): Sort {
  return { by: query.sortBy ?? 'createdAt', order: query.sortOrder ?? 'desc' };
}

function viewpoint({ services, nowMs }: AuthorizedContext): Viewpoint {
  return { nowMs, defaultLimits: services.defaultLimits };
}

function found(row: KeyRow | undefined): KeyRow {
  if (row === undefined) throw new Problem('not_found', { detail: 'There is no key with this id.' });
  return row;
}
