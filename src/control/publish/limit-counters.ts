// Where counters of limits are kept, in the tables.

import { sql, type Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { SavedCounter } from '../../limits/saved-counters.ts';

/** Counters in one statement. */
const CHUNK_ROWS = 1_000;

/** Those whose windows have not ended, in pieces, so that a million of them never stand in memory at once. */
export async function* loadCounters(db: Kysely<Database>, nowMinute: number): AsyncGenerator<readonly SavedCounter[]> {
  let after = -1;
  for (;;) {
    const rows = await db
      .selectFrom('limit_counters')
      .selectAll()
      .where('id', '>', after)
      // A sliding day says something for another day.
      .where('end_minute', '>', nowMinute - 1440)
      .orderBy('id')
      .limit(CHUNK_ROWS)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
    yield rows.map((row) => ({
      id: row.id,
      class: row.class,
      endMinute: row.end_minute,
      count: row.count,
      rest: row.rest,
    }));
  }
}

/** Writes what the counters say now. Of two nodes that keep the same one, whoever has counted more is believed. */
export async function saveCounters(db: Kysely<Database>, counters: readonly SavedCounter[]): Promise<void> {
  for (let i = 0; i < counters.length; i += CHUNK_ROWS) {
    const rows = counters.slice(i, i + CHUNK_ROWS);
    await sql`
      insert into limit_counters (id, class, end_minute, count, rest)
      select id, class, "endMinute", count, rest
      from json_to_recordset(${JSON.stringify(rows)}::json) as row (id int8, class int2, "endMinute" int4, count int8, rest int8)
      order by id
      on conflict (id) do update set class = excluded.class, end_minute = excluded.end_minute, count = excluded.count, rest = excluded.rest
      where limit_counters.end_minute < excluded.end_minute
        or (limit_counters.end_minute = excluded.end_minute and limit_counters.count < excluded.count)`.execute(db);
  }
}

/** Forgets those whose windows ended long ago. */
export async function deletePastCounters(db: Kysely<Database>, nowMinute: number): Promise<void> {
  await db
    .deleteFrom('limit_counters')
    .where('end_minute', '<', nowMinute - 2 * 1440)
    .execute();
}
