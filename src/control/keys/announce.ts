// What is told of a change of a key, in its transaction: the audit entry and the event.

import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { recordAudit } from '../audit/record.ts';
import { emitEvent } from '../events/emit.ts';
import type { AuthorizedContext } from '../operation.ts';
import { showing } from './present.ts';
import type { KeyRow } from './store.ts';

const EVENTS = { create: 'key.created', revoke: 'key.revoked' } as const;

export interface KeyChanged {
  readonly action: keyof typeof EVENTS;
  readonly before?: KeyRow;
  readonly after: KeyRow;
}

export async function announceKey(
  trx: Transaction<Database>,
  context: AuthorizedContext,
  { action, before, after }: KeyChanged,
): Promise<void> {
  const show = await showing(trx, context, [after]);
  await recordAudit(trx, context, {
    action: `key.${action}`,
    resourceType: 'api_key',
    resourceId: after.id,
    before: before && show(before),
    after: show(after),
  });
  const data = {
    keyId: after.id,
    name: after.name,
    ...(after.client_id !== null && { clientId: after.client_id }),
  };
  await emitEvent(trx, context.principal, { type: EVENTS[action], data }, new Date(context.nowMs));
}
