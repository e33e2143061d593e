// The look-up of a key that is not remembered, on a PostgreSQL with many keys: its plan and its time.

import { createHash, randomInt } from 'node:crypto';
import { sql } from 'kysely';
import { createCredentialSource } from '../src/control/publish/credential-source.ts';
import { credentialQuery, loadCredentials } from '../src/control/publish/credentials.ts';
import { migrate } from '../src/db/migrate.ts';
import { openDatabase, type OpenedDatabase } from '../src/db/open.ts';
import { DEFAULT_TENANT_ID } from '../src/db/schema.ts';

const BATCH = 50_000;
const LOOKUPS = 5_000;
const AT_ONCE = 32;

export async function openFilled(databaseUrl: string): Promise<OpenedDatabase> {
  const database = await openDatabase({ databaseUrl, dataDir: '' });
  await migrate(database);
  return database;
}

/** Keys as they are stored, with public ids that `publicIdOf` tells. */
export async function fillKeys({ db }: OpenedDatabase, count: number): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    await sql`
      insert into keys (
        id, tenant_id, public_id, key_prefix, hash, pepper, name, scopes, metadata, created_by, created_at, updated_at
      )
      select 'key_' || lpad(i::text, 26, '0'), ${DEFAULT_TENANT_ID}, left(md5(i::text), 12), 'tg_live_' || left(md5(i::text), 12),
        sha384(i::text::bytea), '0123456789abcdef', 'key ' || i, '{orders:read,orders:write}', '{"team":"bench"}', 'bench', now(), now()
      from generate_series(${from}::int, ${from + BATCH - 1}::int) as i
      on conflict do nothing`.execute(db);
  }
  await sql`vacuum analyze keys`.execute(db);
}

export async function measureLookups(database: OpenedDatabase, count: number): Promise<string[][]> {
  const { lookups } = database;
  const compiled = credentialQuery(lookups, [publicIdOf(randomInt(count))]).compile();
  const plan = await lookups.executeQuery<{ 'QUERY PLAN': string }>({
    ...compiled,
    sql: `explain (analyze, buffers) ${compiled.sql}`,
  });
  console.log(`\nthe look-up of one key among ${count}:`);
  for (const row of plan.rows) console.log(`  ${row['QUERY PLAN']}`);

  const source = createCredentialSource({
    load: (publicIds) => loadCredentials(lookups, publicIds, {}),
    onAway: (cause) => console.error(cause),
    onBack: () => undefined,
  });
  const look = async (): Promise<number> => {
    const startedMs = performance.now();
    if ((await source.find(publicIdOf(randomInt(count)))) === undefined) throw new Error('a key was not found');
    return performance.now() - startedMs;
  };
  const one: number[] = [];
  for (let i = 0; i < LOOKUPS; i++) one.push(await look());
  const many: number[] = [];
  for (let i = 0; i < LOOKUPS; i += AT_ONCE) many.push(...(await Promise.all(Array.from({ length: AT_ONCE }, look))));
  return [
    ['look-up of a key, one at a time', toPercentiles(one), 'p95 ≤ 10 ms'],
    [`look-up of a key, ${AT_ONCE} at a time`, toPercentiles(many), 'p95 ≤ 10 ms'],
  ];
}

function publicIdOf(i: number): string {
  return createHash('md5').update(String(i)).digest('hex').slice(0, 12);
}

function toPercentiles(timesMs: readonly number[]): string {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(2);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`;
}
