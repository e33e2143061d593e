// The operations on tenants. The platform sees and changes all of them; whoever belongs to another tenant sees that one.

import { Type } from 'typebox';
import { isUniqueViolation } from '../../db/failure.ts';
import { DEFAULT_TENANT_ID } from '../../db/schema.ts';
import { newId } from '../../lib/id.ts';
import { Problem } from '../../lib/problem.ts';
import { recordAudit } from '../audit/record.ts';
import { operation, type Operation } from '../operation.ts';
import { pagingFaults, toPaging, type Sort } from '../paging.ts';
import { isOfPlatform } from '../permissions.ts';
import { DeletedResource, IdParams } from '../schema-parts.ts';
import { changing, findVisible, ONLY_PLATFORM, reading } from './changing.ts';
import { toTenant } from './present.ts';
import * as schema from './schema.ts';
import { insertTenant, listTenants, updateTenant, type TenantRow } from './store.ts';

const MAY_READ = ['admin:tenants:read', 'tenants:read'];

const createTenant = operation(['admin:tenants:create', 'tenants:create'], {
  id: 'createTenant',
  method: 'POST',
  path: '/tenants',
  summary: 'Make a tenant',
  description: `${ONLY_PLATFORM} Its first operator is made with \`POST /operators\`, naming it as \`tenantId\`.`,
  tag: 'Tenants',
  body: schema.CreateTenant,
  replies: { 201: schema.Tenant },
  async handle({ body }, context) {
    if (!isOfPlatform(context.principal)) throw new Problem('platform_only');
    const { nowMs, services } = context;
    const now = new Date(nowMs);
    const row = await services.db.transaction().execute(async (trx) => {
      const fresh = { id: newId('ten', nowMs), ...body, created_at: now, updated_at: now };
      const made = await naming(insertTenant(trx, fresh));
      await recordAudit(trx, context, { ...auditOf('create', made.id), after: toTenant(made) });
      return made;
    });
    return { status: 201, data: toTenant(row), resource: toTenant(row) };
  },
});

const listAllTenants = operation(MAY_READ, {
  id: 'listTenants',
  method: 'GET',
  path: '/tenants',
  summary: 'List tenants',
  description: 'Whoever is not of the platform sees their own.',
  tag: 'Tenants',
  query: schema.ListTenants,
  replies: { 200: Type.Array(schema.Tenant) },
  isList: true,
  faults: ({ query }) => pagingFaults(query, sortOf(query)),
  async handle({ query }, context) {
    const sort = sortOf(query);
    const { status, search } = query;
    const only = isOfPlatform(context.principal) ? undefined : context.principal.tenantId;
    const listing = { only, status, search, sort, paging: toPaging(query, sort) };
    const page = await reading(context, (trx) => listTenants(trx, listing));
    return { status: 200, data: page.rows.map(toTenant), meta: page.meta };
  },
});

const getTenant = operation(MAY_READ, {
  id: 'getTenant',
  method: 'GET',
  path: '/tenants/{id}',
  summary: 'Look at a tenant',
  tag: 'Tenants',
  params: IdParams,
  replies: { 200: schema.Tenant },
  async handle({ params }, context) {
    const row = await reading(context, (trx) => findVisible(trx, context, params.id));
    return { status: 200, data: toTenant(row) };
  },
});

const changeTenant = operation(['admin:tenants:update', 'tenants:update'], {
  id: 'updateTenant',
  method: 'PUT',
  path: '/tenants/{id}',
  summary: 'Change, suspend or reactivate a tenant',
  description: `${ONLY_PLATFORM} Suspended, its keys stop and its gateways go off the air at once, on every node within a second.`,
  tag: 'Tenants',
  params: IdParams,
  body: schema.UpdateTenant,
  replies: { 200: schema.Tenant },
  async handle({ params, body }, context) {
    const row = await changing(context, params.id, async (trx, before) => {
      if (body.status === 'suspended') refuseDefault(before);
      context.precondition.check(toTenant(before));
      const change = { ...body, updated_at: new Date(context.nowMs) };
      const after = await naming(updateTenant(trx, before.id, change));
      await recordAudit(trx, context, {
        ...auditOf('update', after.id),
        before: toTenant(before),
        after: toTenant(after),
      });
      return after;
    });
    return { status: 200, data: toTenant(row) };
  },
});

const deleteTenant = operation(['admin:tenants:delete', 'tenants:delete'], {
  id: 'deleteTenant',
  method: 'DELETE',
  path: '/tenants/{id}',
  summary: 'Delete a tenant',
  description: `${ONLY_PLATFORM} For good: its keys stop and its gateways go off the air at once, and nobody sees it again. Its rows go from the database when \`DELETED_TENANT_DAYS\` are over; its audit log stays.`,
  tag: 'Tenants',
  params: IdParams,
  replies: { 200: DeletedResource },
  async handle({ params }, context) {
    await changing(context, params.id, async (trx, before) => {
      refuseDefault(before);
      context.precondition.check(toTenant(before));
      const now = new Date(context.nowMs);
      await updateTenant(trx, before.id, { deleted_at: now, updated_at: now });
      await recordAudit(trx, context, { ...auditOf('delete', before.id), before: toTenant(before) });
    });
    return { status: 200, data: { id: params.id, deleted: true } };
  },
});

export const TENANT_OPERATIONS: readonly Operation[] = [
  createTenant,
  listAllTenants,
  getTenant,
  changeTenant,
  deleteTenant,
];

function refuseDefault({ id }: TenantRow): void {
  if (id === DEFAULT_TENANT_ID) throw new Problem('default_tenant');
}

async function naming(work: Promise<TenantRow>): Promise<TenantRow> {
  try {
    return await work;
  } catch (cause) {
    if (!isUniqueViolation(cause, 'tenants_slug')) throw cause;
    throw new Problem('name_taken', { detail: 'There is a tenant with this slug already: choose another one.', cause });
  }
}

function auditOf(verb: string, id: string) {
  return { action: `tenant.${verb}`, resourceType: 'tenant', resourceId: id };
}

function sortOf(query: Partial<schema.ListTenants>): Sort {
  return { by: query.sortBy ?? 'createdAt', order: query.sortOrder ?? 'desc' };
}
