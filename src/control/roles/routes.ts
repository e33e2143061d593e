// The operations on roles. Whatever changes a role holds for its operators' keys at once.

import type { Transaction } from 'kysely';
import { Type } from 'typebox';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { normalizeScope } from '../../lib/scope.ts';
import { Problem } from '../../lib/problem.ts';
import { recordAudit } from '../audit/record.ts';
import { BUILT_IN_ROLES, findBuiltInRole } from '../built-in-roles.ts';
import { checkDefined } from '../defined-scopes.ts';
import { operation, type AuthorizedContext, type Operation } from '../operation.ts';
import { countOperatorsOfRole } from '../operators/store.ts';
import { pagingFaults, toPaging, type Sort } from '../paging.ts';
import { checkManages, checkReach, checkSees } from '../permissions.ts';
import { toBuiltInRole, toPage, toRole } from './present.ts';
import { checkPermissionsGiven, isBuiltInName, permissionFaults } from './rules.ts';
import * as schema from './schema.ts';
import { allRoles, deleteRole, findRole, insertRole, updateRole, type RoleRow } from './store.ts';

/** Whoever makes operators has to know what there is to choose from. */
const MAY_READ = ['admin:roles:read', 'roles:read', 'admin:users:read', 'operators:read'];
const MAX_ROLES = 100;

const createRole = operation(['admin:roles:create', 'roles:create'], {
  id: 'createRole',
  method: 'POST',
  path: '/roles',
  summary: 'Make a role',
  description: `Of this tenant, with permissions that the caller holds. At most ${MAX_ROLES} of them.`,
  tag: 'Roles',
  body: schema.CreateRole,
  replies: { 201: schema.Role },
  faults: ({ body }) => permissionFaults(body.permissions ?? []),
  async handle({ body }, context) {
    const { principal, nowMs } = context;
    if (isBuiltInName(body.name)) throw nameTaken();
    checkPermissionsGiven(body.permissions, principal);
    const row = await changing(context, async (trx) => {
      const present = await allRoles(trx, principal);
      if (present.length >= MAX_ROLES) throw tooMany();
      if (present.some(({ name }) => name.toLowerCase() === body.name.toLowerCase())) throw nameTaken();
      await checkAsked(trx, context, body.permissions);
      const now = new Date(nowMs);
      const fresh = { ...body, description: body.description ?? null, created_at: now, updated_at: now };
      const made = await insertRole(trx, { tenant_id: principal.tenantId, ...fresh });
      await recordAudit(trx, context, { ...auditOf('create', made.name), after: toRole(made) });
      return made;
    });
    return { status: 201, data: toRole(row), resource: toRole(row) };
  },
});

const listAllRoles = operation(MAY_READ, {
  id: 'listRoles',
  method: 'GET',
  path: '/roles',
  summary: 'List roles',
  description: 'Those that every tenant has, and those of this one.',
  tag: 'Roles',
  query: schema.ListRoles,
  replies: { 200: Type.Array(schema.Role) },
  isList: true,
  faults: ({ query }) => pagingFaults(query, sortOf(query)),
  async handle({ query }, { services, principal }) {
    checkSees(principal, 'roles');
    const own = await inTenant(services.db, principal, (trx) => allRoles(trx, principal));
    const wanted = (query.search ?? '').toLowerCase();
    const roles = [...BUILT_IN_ROLES.map(toBuiltInRole), ...own.map(toRole)].filter(({ name, description = '' }) =>
      `${name}\n${description}`.toLowerCase().includes(wanted),
    );
    const sort = sortOf(query);
    return { status: 200, ...toPage(roles, sort, toPaging(query, sort)) };
  },
});

const getRole = operation(MAY_READ, {
  id: 'getRole',
  method: 'GET',
  path: '/roles/{name}',
  summary: 'Look at a role',
  tag: 'Roles',
  params: schema.RoleParams,
  replies: { 200: schema.Role },
  async handle({ params }, { services, principal }) {
    checkSees(principal, 'roles');
    const builtIn = findBuiltInRole(params.name);
    if (builtIn !== undefined) return { status: 200, data: toBuiltInRole(builtIn) };
    const row = await inTenant(services.db, principal, (trx) => findRole(trx, principal, params.name));
    return { status: 200, data: toRole(found(row)) };
  },
});

const changeRole = operation(['admin:roles:update', 'roles:update'], {
  id: 'updateRole',
  method: 'PUT',
  path: '/roles/{name}',
  summary: 'Change a role',
  description:
    'Only for callers who hold all that it has, and all that it gets. Holds at once, on every node within a second.',
  tag: 'Roles',
  params: schema.RoleParams,
  body: schema.UpdateRole,
  replies: { 200: schema.Role },
  faults: ({ body }) => permissionFaults(body.permissions ?? []),
  async handle({ params, body }, context) {
    const { services, principal, nowMs } = context;
    const row = await changing(context, async (trx) => {
      const before = await findChangeable(trx, context, params.name);
      checkPermissionsGiven(body.permissions ?? [], principal);
      await checkAsked(trx, context, body.permissions ?? [], before.permissions);
      context.precondition.check(toRole(before));
      const after = await updateRole(trx, principal, before.name, { ...body, updated_at: new Date(nowMs) });
      await recordAudit(trx, context, {
        ...auditOf('update', after.name),
        before: toRole(before),
        after: toRole(after),
      });
      return after;
    });
    await services.dataPlane.forgetCredentials('all');
    return { status: 200, data: toRole(row) };
  },
});

const removeRole = operation(['admin:roles:delete', 'roles:delete'], {
  id: 'deleteRole',
  method: 'DELETE',
  path: '/roles/{name}',
  summary: 'Delete a role',
  description: 'Only when no operator has it, and only for callers who hold all that it has.',
  tag: 'Roles',
  params: schema.RoleParams,
  replies: { 200: schema.DeletedRole },
  async handle({ params }, context) {
    const { principal } = context;
    await changing(context, async (trx) => {
      const before = await findChangeable(trx, context, params.name);
      if ((await countOperatorsOfRole(trx, principal, before.name)) > 0) throw new Problem('role_in_use');
      context.precondition.check(toRole(before));
      await deleteRole(trx, principal, before.name);
      await recordAudit(trx, context, { ...auditOf('delete', before.name), before: toRole(before) });
    });
    return { status: 200, data: { name: params.name, deleted: true } };
  },
});

export const ROLE_OPERATIONS: readonly Operation[] = [createRole, listAllRoles, getRole, changeRole, removeRole];

/** One transaction; the version first: changes happen one after the other, and no operator gets a role that is being deleted. */
async function changing<Result>(
  { services, principal }: AuthorizedContext,
  work: (trx: Transaction<Database>) => Promise<Result>,
): Promise<Result> {
  checkManages(principal, 'roles');
  return inTenant(services.db, principal, async (trx) => {
    await bumpVersion(trx);
    return work(trx);
  });
}

/** Throws when a permission is asked for by nothing, where that counts. */
async function checkAsked(
  trx: Transaction<Database>,
  { principal, services }: AuthorizedContext,
  permissions: readonly string[],
  present: readonly string[] = [],
): Promise<void> {
  const given = { scopes: permissions, present, path: 'body.permissions' };
  await checkDefined(trx, principal, services.undefinedScopes, given);
}

async function findChangeable(
  trx: Transaction<Database>,
  { principal }: AuthorizedContext,
  name: string,
): Promise<RoleRow> {
  if (findBuiltInRole(name) !== undefined) throw new Problem('role_built_in');
  const row = found(await findRole(trx, principal, name));
  checkReach(row.permissions.map(normalizeScope), principal, `The role ${name}`);
  return row;
}

function found(row: RoleRow | undefined): RoleRow {
  if (row === undefined) throw new Problem('not_found', { detail: 'There is no role with this name.' });
  return row;
}

function nameTaken(): Problem {
  return new Problem('name_taken', { detail: 'There is a role with this name already: choose another one.' });
}

function tooMany(): Problem {
  return new Problem('invalid_request', {
    errors: [{ path: 'body', message: `is one too many: a tenant has at most ${MAX_ROLES} roles of its own` }],
  });
}

function auditOf(verb: string, name: string) {
  return { action: `role.${verb}`, resourceType: 'role', resourceId: name };
}

function sortOf(query: Partial<schema.ListRoles>): Sort {
  return { by: 'name', order: query.sortOrder ?? 'asc' };
}
