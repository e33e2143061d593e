// The monthly partitions of the request log.

import { sql, type Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { raiseWalls } from '../../db/tenant-walls.ts';

/** Of this program's advisory locks, the one for making partitions. */
const PARTITION_LOCK = 7_301_001;

/** Makes the partitions for these times (milliseconds since the epoch), where they are missing. Any number of nodes may do so at once. */
export async function makePartitions(db: Kysely<Database>, timesMs: readonly number[]): Promise<void> {
  const months = new Map(timesMs.map((timeMs) => monthOf(timeMs)).map((month) => [month.name, month]));
  await db.transaction().execute(async (trx) => {
    // `if not exists` alone does not do: two that look at once both find nothing.
    await sql`select pg_advisory_xact_lock(${PARTITION_LOCK})`.execute(trx);
    for (const { name, from, to } of months.values()) {
      await sql`create table if not exists ${sql.table(name)} partition of request_logs
        for values from (${sql.lit(from)}) to (${sql.lit(to)})`.execute(trx);
    }
    await raiseWalls(trx);
  });
}

interface Month {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** Calendar months in UTC. */
function monthOf(timeMs: number): Month {
  const time = new Date(timeMs);
  const begin = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), 1));
  const end = new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth() + 1, 1));
  const name = `request_logs_${begin.toISOString().slice(0, 7).replace('-', '_')}`;
  return { name, from: begin.toISOString(), to: end.toISOString() };
}
