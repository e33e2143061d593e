// The look-up of a key that is not remembered, on a PostgreSQL with many keys: its plan and its time.

import { createHash, randomInt } from 'node:crypto';
import pg from 'pg';
import { createCredentialSource } from '../src/control/publish/credential-source.ts';
import { credentialQuery, loadCredentials } from '../src/control/publish/credentials.ts';
import { migrate } from '../src/db/migrate.ts';
import { openDatabase, type OpenedDatabase } from '../src/db/open.ts';
import { DEFAULT_TENANT_ID } from '../src/db/schema.ts';
import { inMilliseconds, type Figure, type Notebook } from './figures.ts';

const BATCH = 50_000;
const LOOKUPS = 5_000;
const AT_ONCE = 32;
const P95_GOAL_MS = 10;

export async function openFilled(databaseUrl: string): Promise<OpenedDatabase> {
  const database = await openDatabase({ databaseUrl, dataDir: '' });
  await migrate(database);
  return database;
}

/** Keys as they are stored, with public ids that `publicIdOf` tells. What is measured waits for the disk; this does not, nor has it a time limit. */
export async function fillKeys(databaseUrl: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await configure(client, ['set fsync = off', "set max_wal_size = '8GB'"]);
    for (let from = 0; from < count; from += BATCH)
      await client.query(FILL, [DEFAULT_TENANT_ID, from, from + BATCH - 1]);
    await client.query('vacuum analyze keys');
    await client.query('checkpoint');
    await configure(client, ['reset fsync', 'reset max_wal_size']);
  } finally {
    await client.end();
  }
}

async function configure(client: pg.Client, changes: readonly string[]): Promise<void> {
  for (const change of changes) await client.query(`alter system ${change}`);
  await client.query('select pg_reload_conf()');
}

const FILL = `
  insert into keys (
    id, tenant_id, public_id, key_prefix, hash, pepper, name, scopes, metadata, created_by, created_at, updated_at
  )
  select 'key_' || lpad(i::text, 26, '0'), $1::text, left(md5(i::text), 12), 'tg_live_' || left(md5(i::text), 12),
    sha384(i::text::bytea), '0123456789abcdef', 'key ' || i, '{orders:read,orders:write}', '{"team":"bench"}', 'bench', now(), now()
  from generate_series($2::int, $3::int) as i
  on conflict do nothing`;

export async function measureLookups(
  { lookups }: OpenedDatabase,
  count: number,
  { note }: Pick<Notebook, 'note'>,
): Promise<Figure[]> {
  const compiled = credentialQuery(lookups, [publicIdOf(randomInt(count))]).compile();
  const plan = await lookups.executeQuery<{ 'QUERY PLAN': string }>({
    ...compiled,
    sql: `explain (analyze, buffers) ${compiled.sql}`,
  });
  note(`the look-up of one key among ${count}:`);
  for (const row of plan.rows) note(`  ${row['QUERY PLAN']}`);

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
  return [toLookup('one at a time', one), toLookup(`${AT_ONCE} at a time`, many)];
}

function publicIdOf(i: number): string {
  return createHash('md5').update(String(i)).digest('hex').slice(0, 12);
}

function toLookup(how: string, timesMs: readonly number[]): Figure {
  const sorted = timesMs.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  const value = `p50 ${inMilliseconds(at(0.5))}, p95 ${inMilliseconds(at(0.95))}, p99 ${inMilliseconds(at(0.99))}`;
  return {
    what: `look-up of a key that is not remembered, ${how}`,
    value,
    goal: `p95 ≤ ${inMilliseconds(P95_GOAL_MS)}`,
    isMet: at(0.95) <= P95_GOAL_MS,
  };
}
