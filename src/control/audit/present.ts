// An entry of the audit log as answers and exports show it: the shape of the integration guide, and its place in the chain.

import { toCsvLine } from '../../lib/csv.ts';
import type { AuditLog } from './schema.ts';
import type { AuditRow } from './store.ts';

export function toAuditLog(row: AuditRow): AuditLog {
  return {
    id: row.id,
    sequence: row.sequence,
    timestamp: row.occurred_at.toISOString(),
    action: row.action,
    actor: row.actor,
    resource: { type: row.resource_type, id: row.resource_id },
    details: row.details,
    changes: row.changes,
    ...(row.request_id !== null && { requestId: row.request_id }),
    ...(row.client_ip !== null && { clientIp: row.client_ip }),
    hash: Buffer.from(row.hash).toString('base64url'),
  };
}

export function toNdjsonLine(row: AuditRow): string {
  return `${JSON.stringify(toAuditLog(row))}\n`;
}

export const CSV_HEAD = toCsvLine(
  ['sequence', 'id', 'timestamp', 'action', 'actorType', 'actorId', 'actorName', 'actorEmail', 'actorRole'].concat([
    'resourceType',
    'resourceId',
    'details',
    'changes',
    'requestId',
    'clientIp',
    'hash',
  ]),
);

export function toAuditCsvLine(row: AuditRow): string {
  const { sequence, id, timestamp, action, actor, resource, details, changes, requestId, clientIp, hash } =
    toAuditLog(row);
  const who = [actor.type, actor.id, actor.name, actor.email, actor.role];
  const what = [resource.type, resource.id, JSON.stringify(details), JSON.stringify(changes)];
  return toCsvLine([sequence, id, timestamp, action, ...who, ...what, requestId, clientIp, hash]);
}
