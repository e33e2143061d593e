// What a gateway says of failures of the services behind it; what one service says stands in `upstream_services`.

import { sql, type Kysely } from 'kysely';

const STATEMENTS = [`alter table gateways add column circuit_breaker jsonb`];

export const resilience = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
