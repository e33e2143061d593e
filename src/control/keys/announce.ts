// What is told of a change of a key, in its transaction and last in it: the audit entry and the event.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { recordAudits, type AuditContext, type Change } from '../audit/record.ts';
import { emitEvents } from '../events/emit.ts';
import { showing, type Beholder } from './present.ts';
import type { Key } from './schema.ts';
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
  changed: KeyChanged,
): Promise<void> {
  const show = await showing(trx, context, [changed.after]);
  return announceKeys(trx, [{ context, changed, show }]);
}

/** A change of a key by a call, where there are several in one transaction. */
export interface KeyChangedByCall {
  readonly context: AuditContext;
  readonly changed: KeyChanged;
  readonly show: (row: KeyRow) => Key;
}

/** The same for keys of one tenant. The events first: from the audit entries on, other changes of the tenant wait. */
export async function announceKeys(trx: Kysely<Database>, changes: readonly KeyChangedByCall[]): Promise<void> {
  const [first] = changes;
  if (first === undefined) return;
  const events = changes.map(({ context, changed: { action, after, details } }) => {
    const data = { ...toEventData(after), ...details };
    return { type: EVENTS[action], data, now: new Date(context.nowMs) };
  });
  await emitEvents(trx, first.context.principal, events);
  await recordAudits(
    trx,
    changes.map(({ context, changed, show }) => ({ context, change: toChange(changed, show) })),
  );
}

function toChange({ action, before, after, details }: KeyChanged, show: (row: KeyRow) => Key): Change {
  return {
    action: `key.${action}`,
    resourceType: 'api_key',
    resourceId: after.id,
    details: { name: after.name, owner: after.owner ?? undefined, scopes: after.scopes, ...details },
    before: before && show(before),
    after: show(after),
  };
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
