// The operations on the request log.

import { Type } from 'typebox';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import { operation, type Operation } from '../operation.ts';
import { pagingFaults, toPaging, type Sort } from '../paging.ts';
import { periodFaults, toPeriod } from '../period.ts';
import { IdParams } from '../schema-parts.ts';
import { toRequest } from './present.ts';
import { toStatusRanges } from './rules.ts';
import * as schema from './schema.ts';
import { findRequest, listRequests, type RequestFilter } from './store.ts';

const MAY_READ = ['requests:read', 'admin:logs:read'];

const listAllRequests = operation(MAY_READ, {
  id: 'listRequests',
  method: 'GET',
  path: '/requests',
  summary: 'List calls',
  description: 'Every call that ended before this one, refused and broken ones too. `meta.total` counts up to 100,000.',
  tag: 'Requests',
  query: schema.ListRequests,
  replies: { 200: Type.Array(schema.Request) },
  isList: true,
  faults: ({ query }) => [...pagingFaults(query, sortOf(query)), ...periodFaults(query)],
  async handle({ query }, { services, principal }) {
    // So that callers find what they did a moment ago.
    await services.dataPlane.flushRecords();
    const sort = sortOf(query);
    const listing = { filter: toFilter(query), sort, paging: toPaging(query, sort) };
    const page = await inTenant(services.db, principal, (trx) => listRequests(trx, principal, listing));
    return { status: 200, data: page.rows.map(toRequest), meta: page.meta };
  },
});

const getRequest = operation(MAY_READ, {
  id: 'getRequest',
  method: 'GET',
  path: '/requests/{id}',
  summary: 'Look at a call',
  tag: 'Requests',
  params: IdParams,
  replies: { 200: schema.Request },
  async handle({ params }, { services, principal }) {
    await services.dataPlane.flushRecords();
    const row = await inTenant(services.db, principal, (trx) => findRequest(trx, principal, params.id));
    if (row === undefined) throw new Problem('not_found', { detail: 'There is no call with this id.' });
    return { status: 200, data: toRequest(row) };
  },
});

export const REQUEST_OPERATIONS: readonly Operation[] = [listAllRequests, getRequest];

function toFilter(query: schema.ListRequests): RequestFilter {
  return {
    ...toPeriod(query),
    statuses: query.status === undefined ? undefined : toStatusRanges(query.status),
    method: query.method?.toUpperCase(),
    path: query.path,
    keyId: query.keyId,
    gatewayId: query.gatewayId,
    endpointId: query.endpointId,
    rateLimited: query.rateLimited,
    authFailed: query.authFailed,
    minDurationMs: query.minDurationMs,
    search: query.search,
  };
}

function sortOf(query: Partial<schema.ListRequests>): Sort {
  return { by: query.sortBy ?? 'timestamp', order: query.sortOrder ?? 'desc' };
}
