// A request is looked up by its id and the time in it, which the primary key has: the index of ids alone cost each record a sixth of its
// storing.

import { sql, type Kysely } from 'kysely';

export const requestLog = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql.raw(`drop index request_logs_request`).execute(db);
  },
};
