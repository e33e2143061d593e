// What is told of a change of a key, in its transaction and last in it: the audit entry and the event.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { recordAudit, type AuditContext } from '../audit/record.ts';
import { emitEvent } from '../events/emit.ts';
import { showing, type Beholder } from './present.ts';
import type { KeyRow } from './store.ts';

/** What subscribers are told of. */
const EVENTS = {
  create: 'key.created',
  import: 'key.created',
  update: 'key.updated',
  rotate: 'key.rotated',
  revoke: 'key.revoked',
} as const;

export interface KeyChanged {
  readonly action: keyof typeof EVENTS;
  readonly before?: KeyRow;
  readonly after: KeyRow;
  /** Worth knowing beside the difference. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export async function announceKey(
  trx: Kysely<Database>,
  context: AuditContext & Beholder,
  { action, before, after, details }: KeyChanged,
): Promise<void> {
  const show = await showing(trx, context, [after]);
  await recordAudit(trx, context, {
    action: `key.${action}`,
    resourceType: 'api_key',
    resourceId: after.id,
    details: { name: after.name, owner: after.owner ?? undefined, scopes: after.scopes, ...details },
    before: before && show(before),
    after: show(after),
  });
  const data = { ...toEventData(after), ...details };
  await emitEvent(trx, context.principal, { type: EVENTS[action], data }, new Date(context.nowMs));
}

/** What every event about a key tells of it. */
export function toEventData(row: KeyRow): Record<string, unknown> {
  return {
    keyId: row.id,
    name: row.name,
    keyPrefix: row.key_prefix,
    scopes: row.scopes,
    ...(row.owner !== null && { owner: row.owner }),
    ...(row.client_id !== null && { clientId: row.client_id }),
    ...(row.expires_at !== null && { expiresAt: row.expires_at.toISOString() }),
    ...(row.revoked_at !== null && { revokedAt: row.revoked_at.toISOString() }),
  };
}
