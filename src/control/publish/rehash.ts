// Hashes of keys that were still under the previous pepper, as gateway threads make them anew when such a key is used.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { Rehash } from '../../gateway/ports.ts';

/** Several threads and nodes may do the same at once; the first one wins, and the others find nothing left to do. */
export async function saveRehash(db: Kysely<Database>, { publicId, was, hash, pepper }: Rehash): Promise<void> {
  await db
    .updateTable('keys')
    .set({ hash, pepper })
    .where('public_id', '=', publicId)
    .where('hash', '=', was)
    .execute();
}
