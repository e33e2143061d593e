// The operations on the audit log. It can be read, exported and proved; nothing can change it.

import { Type } from 'typebox';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import { operation, type Operation } from '../operation.ts';
import { pagingFaults, toPaging, type Sort } from '../paging.ts';
import { periodFaults, toPeriod } from '../period.ts';
import { checkSees } from '../permissions.ts';
import { IdParams } from '../schema-parts.ts';
import { exportLines, MEDIA_TYPES } from './export.ts';
import { toAuditLog } from './present.ts';
import * as schema from './schema.ts';
import { findEntry, listEntries, type AuditFilter } from './store.ts';
import { verifyChain } from './verify.ts';

const MAY_READ = ['admin:logs:read', 'audit-logs:read'];

const listAuditLogs = operation(MAY_READ, {
  id: 'listAuditLogs',
  method: 'GET',
  path: '/audit-logs',
  summary: 'List changes',
  description: 'Who changed what, and when. `meta.total` counts up to 100,000.',
  tag: 'Audit log',
  query: schema.ListAuditLogs,
  replies: { 200: Type.Array(schema.AuditLog) },
  isList: true,
  faults: ({ query }) => [...pagingFaults(query, sortOf(query)), ...periodFaults(query)],
  async handle({ query }, { services, principal }) {
    checkSees(principal, 'changes');
    const sort = sortOf(query);
    const listing = { filter: toFilter(query), sort, paging: toPaging(query, sort) };
    const page = await inTenant(services.db, principal, (trx) => listEntries(trx, principal, listing));
    return { status: 200, data: page.rows.map(toAuditLog), meta: page.meta };
  },
});

const exportAuditLogs = operation(MAY_READ, {
  id: 'exportAuditLogs',
  method: 'GET',
  path: '/audit-logs/export',
  summary: 'Export changes',
  description:
    'Oldest first, all that are there when it begins. In CSV, cells that a spreadsheet would take for a formula begin with an apostrophe.',
  tag: 'Audit log',
  query: schema.ExportAuditLogs,
  replies: {},
  streams: Object.values(MEDIA_TYPES),
  faults: ({ query }) => periodFaults(query),
  async handle({ query: { format = 'ndjson', ...query } }, context) {
    checkSees(context.principal, 'changes');
    return {
      mediaType: `${MEDIA_TYPES[format]}; charset=utf-8`,
      fileName: `audit-logs.${format}`,
      chunks: exportLines(context, format, toFilter(query)),
    };
  },
});

const verifyAuditLogs = operation(MAY_READ, {
  id: 'verifyAuditLogs',
  method: 'GET',
  path: '/audit-logs/verify',
  summary: 'Prove the audit log',
  description:
    'Tells which entries were removed, altered or put in past Tollgate. Looks at 10,000 at most; `checkpoint` of the answer leads on.',
  tag: 'Audit log',
  query: schema.VerifyAuditLogs,
  replies: { 200: schema.AuditVerdict },
  async handle({ query: { checkpoint } }, { services, principal }) {
    checkSees(principal, 'changes');
    const start = { key: services.auditKey, checkpoint };
    return { status: 200, data: await inTenant(services.db, principal, (trx) => verifyChain(trx, principal, start)) };
  },
});

const getAuditLog = operation(MAY_READ, {
  id: 'getAuditLog',
  method: 'GET',
  path: '/audit-logs/{id}',
  summary: 'Look at a change',
  tag: 'Audit log',
  params: IdParams,
  replies: { 200: schema.AuditLog },
  async handle({ params }, { services, principal }) {
    checkSees(principal, 'changes');
    const row = await inTenant(services.db, principal, (trx) => findEntry(trx, principal, params.id));
    if (row === undefined) throw new Problem('not_found', { detail: 'There is no entry with this id.' });
    return { status: 200, data: toAuditLog(row) };
  },
});

export const AUDIT_OPERATIONS: readonly Operation[] = [listAuditLogs, exportAuditLogs, verifyAuditLogs, getAuditLog];

function toFilter(query: schema.AuditFilterQuery): AuditFilter {
  const { action, actorId, resourceType, resourceId, requestId } = query;
  return { ...toPeriod(query), action, actorId, resourceType, resourceId, requestId };
}

function sortOf(query: Partial<schema.ListAuditLogs>): Sort {
  return { by: query.sortBy ?? 'timestamp', order: query.sortOrder ?? 'desc' };
}
