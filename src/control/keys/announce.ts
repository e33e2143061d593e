// What is told of a change of a key, in its transaction and last in it: the audit entry and the event.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { recordAudit, type AuditContext } from '../audit/record.ts';
import { emitEvent } from '../events/emit.ts';
import { showing, toKeyEvent, type Beholder } from './present.ts';
import type { KeyRow } from './store.ts';

/** What subscribers are told of; other changes are for the audit log alone. */
const EVENTS = { create: 'key.created', update: undefined, revoke: 'key.revoked' } as const;

export interface KeyChanged {
  readonly action: keyof typeof EVENTS;
  readonly before?: KeyRow;
  readonly after: KeyRow;
}

export async function announceKey(
  trx: Kysely<Database>,
  context: AuditContext & Beholder,
  { action, before, after }: KeyChanged,
): Promise<void> {
  const show = await showing(trx, context, [after]);
  await recordAudit(trx, context, {
    action: `key.${action}`,
    resourceType: 'api_key',
    resourceId: after.id,
    details: { name: after.name, owner: after.owner ?? undefined, scopes: after.scopes },
    before: before && show(before),
    after: show(after),
  });
  const type = EVENTS[action];
  if (type === undefined) return;
  await emitEvent(trx, context.principal, { type, data: toKeyEvent(after) }, new Date(context.nowMs));
}
