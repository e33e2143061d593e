// Counters of limits that last for days and longer, as the nodes that count in memory keep them.

import { sql, type Kysely } from 'kysely';

const STATEMENTS: readonly string[] = [
  // No tenant: an id is a keyed hash, and says nothing to anybody but the node that made it.
  `create table limit_counters (
    id bigint primary key,
    class smallint not null,
    end_minute integer not null,
    count bigint not null,
    rest bigint not null
  )`,
  `create index limit_counters_end on limit_counters (end_minute)`,
];

export const limits = {
  async up(db: Kysely<unknown>): Promise<void> {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
