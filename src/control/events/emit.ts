// Announces that something happened, in the transaction in which it happened (outbox).

import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';

export interface NewEvent {
  /** `key.created`, `client.suspended` … */
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export async function emitEvent(
  _trx: Transaction<Database>,
  _scope: TenantScope,
  _event: NewEvent,
  _now: Date,
): Promise<void> {}
