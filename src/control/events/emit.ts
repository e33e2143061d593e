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
  const data = Object.fromEntries(Object.entries(event.data).map(([name, value]) => [name, maskMember(name, value)]));
  await trx
    .insertInto('events')
    .values({
      id: newId('evt', now.getTime()),
      tenant_id: scope.tenantId,
      type: event.type,
      data: toJson(data),
      created_at: now,
    })
    .execute();
}
