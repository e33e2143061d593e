// The operations on keys that are there.

import type { Transaction } from 'kysely';
import { Type } from 'typebox';
import { toJson } from '../../db/columns.ts';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import { checkDefined } from '../defined-scopes.ts';
import { checkKeyReach } from '../key-reach.ts';
import { operation, type AuthorizedContext, type Operation } from '../operation.ts';
import { pagingFaults, toPaging, type Sort } from '../paging.ts';
import { checkGrant } from '../permissions.ts';
import { IdParams } from '../schema-parts.ts';
import { announceKey } from './announce.ts';
import * as compact from './compact.ts';
import { importKeys } from './import.ts';
import { makeKey } from './make.ts';
import { checkOwnLimits, checkScopesOfOwner } from './owner.ts';
import { showing } from './present.ts';
import { revoke } from './revoke.ts';
import { rotateKey } from './rotate.ts';
import { expiryOf, keyFaults } from './rules.ts';
import * as schema from './schema.ts';
import { checkNotOver } from './state.ts';
import { getKey, listKeys, updateKey, type KeyChange, type KeyRow } from './store.ts';
import { validateKey } from './validate.ts';
import { verifyKey } from './verify.ts';

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
    reply: compact.CompactNewKey,
    present: ({ data }) => compact.toCompactNewKey(data),
  },
  faults: ({ body }, { nowMs }) => keyFaults(body, nowMs),
  async handle({ body }, context) {
    return { status: 201, ...(await makeKey(context, body)) };
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
    reply: compact.CompactKeyList,
    present: ({ data, meta }) => ({
      keys: data.map(compact.toCompactKey),
      count: data.length,
      cursor: meta?.nextCursor ?? null,
    }),
  },
  faults: ({ query }) => pagingFaults(query, sortOf(query)),
  async handle({ query }, context) {
    const { services, principal, nowMs } = context;
    const sort = sortOf(query);
    const listing = {
      filter: {
        status: query.status,
        clientId: query.clientId,
        owner: query.owner,
        environment: query.environment,
        search: query.search,
        unusedSince: query.unusedDays === undefined ? undefined : new Date(nowMs - query.unusedDays * DAY_MS),
      },
      sort,
      paging: toPaging(query, sort),
      now: new Date(nowMs),
    };
    const { data, meta } = await inTenant(services.db, principal, async (trx) => {
      const page = await listKeys(trx, principal, listing);
      const show = await showing(trx, context, page.rows);
      return { data: page.rows.map(show), meta: page.meta };
    });
    return { status: 200, data, meta };
  },
});

const readKey = operation(['admin:keys:read', 'keys:read'], {
  id: 'getKey',
  method: 'GET',
  path: '/keys/{id}',
  summary: 'Look at a key',
  tag: 'Keys',
  params: IdParams,
  replies: { 200: schema.Key },
  compact: { path: '/keys/{id}', reply: compact.CompactKey, present: ({ data }) => compact.toCompactKey(data) },
  async handle({ params }, context) {
    const { services, principal } = context;
    const data = await inTenant(services.db, principal, async (trx) => {
      const row = await getKey(trx, principal, params.id);
      const show = await showing(trx, context, [row]);
      return show(row);
    });
    return { status: 200, data };
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
    const { services, principal } = context;
    checkOwnLimits(principal, body);
    const { row, data } = await inTenant(services.db, principal, async (trx) => {
      const after = await change(trx, context, params.id, body);
      const show = await showing(trx, context, [after]);
      return { row: after, data: show(after) };
    });
    await services.dataPlane.forgetCredentials([row.public_id]);
    return { status: 200, data };
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
    reply: compact.CompactRevokedKey,
    present: ({ data }) => compact.toCompactRevokedKey(data),
  },
  async handle({ params }, context) {
    return { status: 200, ...(await revoke(context, (trx) => getKey(trx, context.principal, params.id))) };
  },
});

export const KEY_OPERATIONS: readonly Operation[] = [
  createKey,
  importKeys,
  listAllKeys,
  readKey,
  changeKey,
  rotateKey,
  revokeKey,
  validateKey,
  verifyKey,
];

async function change(
  trx: Transaction<Database>,
  context: AuthorizedContext,
  id: string,
  body: schema.UpdateKey,
): Promise<KeyRow> {
  const { principal, services, precondition, nowMs } = context;
  const { public_id: publicId } = await getKey(trx, principal, id);
  // Counted first: two changes of a key at once happen one after the other.
  await bumpVersion(trx, [publicId]);
  const before = await getKey(trx, principal, id);
  checkNotOver(before, nowMs);
  if (before.deprecated_at !== null && body.expiresAt === null) throw new Problem('key_is_deprecated');
  await checkKeyReach(trx, principal, before);
  // What the key has already is not given now.
  checkGrant(body.scopes ?? [], principal, before.scopes);
  const given = { scopes: body.scopes ?? [], present: before.scopes, path: 'body.scopes' };
  await checkDefined(trx, principal, services.undefinedScopes, given);
  await checkScopesOfOwner(trx, before, body.scopes);
  const show = await showing(trx, context, [before]);
  precondition.check(show(before));
  const after = await updateKey(trx, principal, id, { ...toChange(body), updated_at: new Date(nowMs) });
  await announceKey(trx, context, { action: 'update', before, after });
  return after;
}

function toChange(body: schema.UpdateKey): KeyChange {
  return {
    ...(body.name !== undefined && { name: body.name }),
    ...(body.description !== undefined && { description: body.description }),
    ...(body.owner !== undefined && { owner: body.owner }),
    ...(body.scopes !== undefined && { scopes: body.scopes }),
    ...(body.rateLimit !== undefined && { rate_limit: toJson(body.rateLimit), rate_limit_override: null }),
    ...(body.metadata !== undefined && { metadata: toJson(body.metadata) }),
    ...(body.allowedIps !== undefined && { allowed_ips: body.allowedIps }),
    // Another end is another thing to be told of ahead, and no longer a number of days.
    ...(body.expiresAt !== undefined && {
      expires_at: expiryOf(body, 0),
      lifetime_days: null,
      expiring_noticed_at: null,
    }),
  };
}

function sortOf(query: Partial<schema.ListKeys>): Sort {
  return { by: query.sortBy ?? 'createdAt', order: query.sortOrder ?? 'desc' };
}
