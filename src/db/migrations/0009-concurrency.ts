// How many requests a gateway may have under way.

import { sql, type Kysely } from 'kysely';

const STATEMENTS = [`alter table gateways add column max_concurrent_requests integer`];

export const concurrency = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
