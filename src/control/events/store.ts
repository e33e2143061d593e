// The outbox of events in the database.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';

/** Events are kept so long, whether anybody took them or not. */
const RETENTION_DAYS = 30;
const DAY_MS = 86_400_000;

/** Of all tenants. Answers how many there were, at most `maxRows`. */
export async function deleteOldEvents(trx: Kysely<Database>, now: Date, maxRows: number): Promise<number> {
  const before = new Date(now.getTime() - RETENTION_DAYS * DAY_MS);
  const { numDeletedRows } = await trx
    .deleteFrom('events')
    .where('id', 'in', (query) =>
      query.selectFrom('events').select('id').where('created_at', '<', before).orderBy('created_at').limit(maxRows),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}
