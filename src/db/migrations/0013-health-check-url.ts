// What a gateway asks of its targets where a service says nothing.

import { sql, type Kysely } from 'kysely';

const STATEMENTS = [`alter table gateways add column health_check_url text`];

export const healthCheckUrl = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
