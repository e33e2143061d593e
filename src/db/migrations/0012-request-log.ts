// A request is looked up by its id and the time in it, which the primary key has: an index of ids alone would only make storing dearer.

import { sql, type Kysely } from 'kysely';

export const requestLog = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql.raw(`drop index request_logs_request`).execute(db);
  },
};
