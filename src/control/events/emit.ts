// Announces that something happened, in the transaction in which it happened (outbox): nothing is announced that was not committed.

import type { Kysely } from 'kysely';
import { toJson } from '../../db/columns.ts';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { newId } from '../../lib/id.ts';
import { maskMember } from '../../lib/mask-secrets.ts';

export interface NewEvent {
  /** `key.created`, `client.suspended` … */
  readonly type: string;
  /** What subscribers may know; texts that look like secrets are masked. */
  readonly data: Readonly<Record<string, unknown>>;
}

export async function emitEvent(trx: Kysely<Database>, scope: TenantScope, event: NewEvent, now: Date): Promise<void> {
  return emitEvents(trx, scope, [{ ...event, now }]);
}

/** The same for several in one statement; nothing waits for it, and it waits for nothing. */
export async function emitEvents(
  trx: Kysely<Database>,
  { tenantId }: TenantScope,
  events: readonly (NewEvent & { readonly now: Date })[],
): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map(({ type, data, now }) => {
    const masked = Object.fromEntries(Object.entries(data).map(([name, value]) => [name, maskMember(name, value)]));
    return { id: newId('evt', now.getTime()), tenant_id: tenantId, type, data: toJson(masked), created_at: now };
  });
  await trx.insertInto('events').values(rows).execute();
}
