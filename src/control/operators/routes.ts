// The operations on operators. Whatever changes what an operator may do holds for their keys at once.

import type { Transaction } from 'kysely';
import { Type } from 'typebox';
import { isUniqueViolation } from '../../db/failure.ts';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { newId } from '../../lib/id.ts';
import { Problem } from '../../lib/problem.ts';
import { actIn } from '../acting.ts';
import { recordAudit } from '../audit/record.ts';
import { announceKey } from '../keys/announce.ts';
import { findOperatorKeys } from '../keys/store.ts';
import { operation, type AuthorizedContext, type Operation } from '../operation.ts';
import { issueOperatorKey, revokeOperatorKeys } from '../operator-keys.ts';
import { pagingFaults, toPaging, type Sort } from '../paging.ts';
import { checkManages, checkSees } from '../permissions.ts';
import { DeletedResource, IdParams } from '../schema-parts.ts';
import { deletePassword } from './password-store.ts';
import { toOperator } from './present.ts';
import { checkNotLastAdmin, checkRoleGiven, findWithinReach, isDemotion, noSuchOperator } from './rules.ts';
import * as schema from './schema.ts';
import { findOperator, insertOperator, listOperators, updateOperator, type OperatorRow } from './store.ts';

const MAY_READ = ['admin:users:read', 'operators:read'];

const createOperator = operation(['admin:users:create', 'operators:create'], {
  id: 'createOperator',
  method: 'POST',
  path: '/operators',
  summary: 'Make an operator',
  description:
    'With a role that permits nothing that the caller may not do. The answer holds the operator’s first key, this once. `tenantId` acts like the header `X-Tenant-Id`.',
  tag: 'Operators',
  body: schema.CreateOperator,
  replies: { 201: schema.NewOperator },
  async handle({ body }, context) {
    const { services, nowMs } = context;
    const { tenantId = context.principal.tenantId, ...fields } = body;
    const acting = { ...context, principal: await actIn(services.db, context.principal, tenantId) };
    const id = newId('usr', nowMs);
    const { row, issued } = await changing(acting, async (trx) => {
      await checkRoleGiven(trx, acting.principal, body.role);
      const now = new Date(nowMs);
      const fresh = { id, tenant_id: tenantId, ...fields, created_at: now, updated_at: now };
      await naming(insertOperator(trx, fresh));
      const made = found(await findOperator(trx, acting.principal, id));
      const order = { operatorId: id, name: body.name, owner: body.email, scopes: ['*'], expiresAt: null };
      const key = await issueOperatorKey(trx, acting, order);
      await recordAudit(trx, acting, { ...auditOf('create', id), after: toOperator(made) });
      await announceKey(trx, acting, { action: 'create', after: key.row });
      return { row: made, issued: key };
    });
    const key = { apiKey: issued.text, key: issued.text, keyId: issued.row.id };
    return { status: 201, data: { ...toOperator(row), ...key }, resource: toOperator(row) };
  },
});

const listAllOperators = operation(MAY_READ, {
  id: 'listOperators',
  method: 'GET',
  path: '/operators',
  summary: 'List operators',
  tag: 'Operators',
  query: schema.ListOperators,
  replies: { 200: Type.Array(schema.Operator) },
  isList: true,
  faults: ({ query }) => pagingFaults(query, sortOf(query)),
  async handle({ query }, { services, principal }) {
    checkSees(principal, 'operators');
    const sort = sortOf(query);
    const { role, status, search } = query;
    const listing = { role, status, search, sort, paging: toPaging(query, sort) };
    const page = await inTenant(services.db, principal, (trx) => listOperators(trx, principal, listing));
    return { status: 200, data: page.rows.map(toOperator), meta: page.meta };
  },
});

const getOperator = operation(MAY_READ, {
  id: 'getOperator',
  method: 'GET',
  path: '/operators/{id}',
  summary: 'Look at an operator',
  tag: 'Operators',
  params: IdParams,
  replies: { 200: schema.Operator },
  async handle({ params }, { services, principal }) {
    checkSees(principal, 'operators');
    const row = await inTenant(services.db, principal, (trx) => findOperator(trx, principal, params.id));
    return { status: 200, data: toOperator(found(row)) };
  },
});

const changeOperator = operation(['admin:users:update', 'operators:update'], {
  id: 'updateOperator',
  method: 'PUT',
  path: '/operators/{id}',
  summary: 'Change, suspend or reactivate an operator',
  description:
    'Only for callers who may do all that the operator may, and all that the new role permits. Holds for the operator’s keys at once, on every node within a second.',
  tag: 'Operators',
  params: IdParams,
  body: schema.UpdateOperator,
  replies: { 200: schema.Operator },
  async handle({ params, body }, context) {
    const { services, principal, nowMs } = context;
    const { row, publicIds } = await changing(context, async (trx) => {
      const now = new Date(nowMs);
      const before = await findWithinReach(trx, principal, params.id);
      if (body.role !== undefined) await checkRoleGiven(trx, principal, body.role);
      if (isDemotion(before, body)) await checkNotLastAdmin(trx, before, now);
      context.precondition.check(toOperator(before));
      await naming(updateOperator(trx, principal, before.id, { ...body, updated_at: now }));
      const after = found(await findOperator(trx, principal, before.id));
      const difference = { before: toOperator(before), after: toOperator(after) };
      await recordAudit(trx, context, { ...auditOf('update', after.id), ...difference });
      const keys = await findOperatorKeys(trx, principal, after.id);
      return { row: after, publicIds: keys.map((key) => key.public_id) };
    });
    await services.dataPlane.forgetCredentials(publicIds);
    return { status: 200, data: toOperator(row) };
  },
});

const removeOperator = operation(['admin:users:delete', 'operators:delete'], {
  id: 'deleteOperator',
  method: 'DELETE',
  path: '/operators/{id}',
  summary: 'Delete an operator',
  description:
    'Their keys are revoked at once. Keys that they made for others stay. Only for callers who may do all that the operator may.',
  tag: 'Operators',
  params: IdParams,
  replies: { 200: DeletedResource },
  async handle({ params }, context) {
    const { services, principal, nowMs } = context;
    const publicIds = await changing(context, async (trx) => {
      const now = new Date(nowMs);
      const before = await findWithinReach(trx, principal, params.id);
      await checkNotLastAdmin(trx, before, now);
      context.precondition.check(toOperator(before));
      const keys = await revokeOperatorKeys(trx, context, before.id);
      await deletePassword(trx, principal, before.id);
      await updateOperator(trx, principal, before.id, { deleted_at: now, updated_at: now });
      await recordAudit(trx, context, { ...auditOf('delete', before.id), before: toOperator(before) });
      for (const revoked of keys.revoked) await announceKey(trx, context, revoked);
      return keys.publicIds;
    });
    await services.dataPlane.forgetCredentials(publicIds);
    return { status: 200, data: { id: params.id, deleted: true } };
  },
});

export const OPERATOR_OPERATIONS: readonly Operation[] = [
  createOperator,
  listAllOperators,
  getOperator,
  changeOperator,
  removeOperator,
];

/** One transaction; the version first: changes happen one after the other, so the last SUPER_ADMIN is seen to be the last. */
async function changing<Result>(
  { services, principal }: AuthorizedContext,
  work: (trx: Transaction<Database>) => Promise<Result>,
): Promise<Result> {
  checkManages(principal, 'operators');
  return inTenant(services.db, principal, async (trx) => {
    await bumpVersion(trx);
    return work(trx);
  });
}

function found(row: OperatorRow | undefined): OperatorRow {
  if (row === undefined) throw noSuchOperator();
  return row;
}

async function naming(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (cause) {
    if (!isUniqueViolation(cause, 'operators_email')) throw cause;
    throw new Problem('name_taken', { detail: 'There is an operator with this e-mail address already.', cause });
  }
}

function auditOf(verb: string, id: string) {
  return { action: `operator.${verb}`, resourceType: 'operator', resourceId: id };
}

function sortOf(query: Partial<schema.ListOperators>): Sort {
  return { by: query.sortBy ?? 'createdAt', order: query.sortOrder ?? 'desc' };
}
