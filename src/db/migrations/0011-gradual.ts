// Where the requests of an endpoint go beside its service.

import { sql, type Kysely } from 'kysely';

const STATEMENTS = [`alter table endpoints add column traffic jsonb`];

export const gradual = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
