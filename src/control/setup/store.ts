// The setup in the database.

import { sql, type Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';

/** Marks the installation as set up. False when it was already: of two setups at once, the row's lock lets one through. */
export async function claimSetup(trx: Kysely<Database>, now: Date): Promise<boolean> {
  const claimed = await trx
    .updateTable('installation')
    .set({ setup_at: now, version: sql<number>`version + 1` })
    .where('setup_at', 'is', null)
    .returning('version')
    .executeTakeFirst();
  return claimed !== undefined;
}
