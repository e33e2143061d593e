// The same tests on both databases: PGlite in memory, and the PostgreSQL server that TEST_DATABASE_URL names.

import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';
import { sql } from 'kysely';
import pg from 'pg';
import { COLUMN_PARSERS } from '../../src/db/columns.ts';
import { migrate } from '../../src/db/migrate.ts';
import { FIRST_TIERS } from '../../src/db/migrations/0010-tiers.ts';
import { openDatabase, overPglite, type OpenedDatabase } from '../../src/db/open.ts';

/** `migrated`: the file's one database, emptied. `blank`: a new one in which nothing was ever made. Closed when the file ends. */
export type Open = (state?: 'migrated' | 'blank') => Promise<OpenedDatabase>;

/** A way to make databases. */
interface Server {
  create(): Promise<OpenedDatabase>;
  removeAll(): Promise<void>;
}

export function forEachDatabase(name: string, suite: (open: Open, kind: OpenedDatabase['kind']) => void): void {
  describe(`${name} on PGlite`, () => suite(opener(pgliteServer()), 'pglite'));
  onPostgres(name, (serverUrl) => suite(opener(postgresServer(serverUrl)), 'postgres'));
}

/** For tests that start whole processes: the URL of a database of their own, or undefined for PGlite. To be asked in hooks and tests. */
export function forEachDatabaseUrl(name: string, suite: (databaseUrl: () => string | undefined) => void): void {
  describe(`${name} on PGlite`, () => suite(() => undefined));
  withPostgresUrl(name, suite);
}

/** The same for tests that only make sense on PostgreSQL. */
export function withPostgresUrl(name: string, suite: (databaseUrl: () => string) => void): void {
  onPostgres(name, (serverUrl) => {
    let database: string | undefined;
    before(async () => {
      database = await createDatabase(serverUrl);
    });
    suite(() => {
      if (database === undefined) throw new Error('asked for the database before it was made');
      return urlOf(serverUrl, database);
    });
    // Registered last, so that the suite has ended its processes by then.
    after(async () => {
      if (database !== undefined) await dropDatabase(serverUrl, database);
    });
  });
}

function onPostgres(name: string, suite: (serverUrl: string) => void): void {
  const url = process.env['TEST_DATABASE_URL'];
  if (url === undefined || url === '') {
    test(`${name} on PostgreSQL`, { skip: 'TEST_DATABASE_URL is not set; npm test sets it' });
  } else {
    describe(`${name} on PostgreSQL`, () => suite(url));
  }
}

function opener(server: Server): Open {
  let shared: OpenedDatabase | undefined;
  after(() => server.removeAll());
  return async (state = 'migrated') => {
    if (state === 'blank') return server.create();
    if (shared !== undefined) {
      await empty(shared);
      return shared;
    }
    shared = await server.create();
    await migrate(shared);
    return shared;
  };
}

/** As after the migrations: one installation, the default tenant, nothing else. */
async function empty({ db }: OpenedDatabase): Promise<void> {
  await sql`truncate limit_counters, request_logs, revisions, endpoints, gateways, keys, clients, operators, roles, events, idempotency_keys cascade`.execute(
    db,
  );
  await emptyAuditLog(db);
  await sql`truncate quota_notices`.execute(db);
  await sql`delete from rate_limit_tiers`.execute(db);
  await sql.raw(FIRST_TIERS).execute(db);
  await sql`delete from tenants where slug <> 'default'`.execute(db);
  await sql`update tenants set rate_limits = null, rate_multiplier = null, time_zone = null`.execute(db);
  await sql`delete from installation`.execute(db);
  await sql`insert into installation default values`.execute(db);
  const partitions = await sql<{ name: string }>`
    select inhrelid::regclass::text as name from pg_inherits where inhparent = 'request_logs'::regclass`.execute(db);
  for (const { name } of partitions.rows) await sql`drop table ${sql.table(name)}`.execute(db);
}

/** The audit log lets nobody empty it, unless its wall is taken down first. */
async function emptyAuditLog(db: OpenedDatabase['db']): Promise<void> {
  await db.transaction().execute(async (trx) => {
    for (const table of ['audit_logs', 'audit_heads']) {
      await sql`alter table ${sql.table(table)} disable trigger user`.execute(trx);
      await sql`truncate ${sql.table(table)}`.execute(trx);
      await sql`alter table ${sql.table(table)} enable trigger user`.execute(trx);
    }
  });
}

function pgliteServer(): Server {
  const made: OpenedDatabase[] = [];
  return {
    async create() {
      const loadDataDir = await freshDataDir();
      const database = overPglite(await PGlite.create({ dataDir: 'memory://', loadDataDir, parsers: COLUMN_PARSERS }));
      made.push(database);
      return database;
    },
    async removeAll() {
      for (const database of made) await database.close();
    },
  };
}

/** A database as initdb leaves it, kept between runs: making one takes seconds, loading it tenths. */
async function freshDataDir(): Promise<Blob> {
  const { version } = await readJson(join(import.meta.dirname, '../../node_modules/@electric-sql/pglite/package.json'));
  const folder = join(import.meta.dirname, '../../node_modules/.cache/tollgate');
  const file = join(folder, `pglite-${version}.tar`);
  const kept = await readFile(file).catch(() => undefined);
  if (kept !== undefined) return new Blob([kept]);
  const pglite = await PGlite.create('memory://');
  const dump = await pglite.dumpDataDir('none');
  await pglite.close();
  await mkdir(folder, { recursive: true });
  // Renamed into place, so that a test beside this one never sees half of it.
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, new Uint8Array(await dump.arrayBuffer()));
  await rename(draft, file);
  return dump;
}

async function readJson(file: string): Promise<{ version: string }> {
  return JSON.parse(await readFile(file, 'utf8'));
}

function postgresServer(serverUrl: string): Server {
  const made: { name: string; database: OpenedDatabase }[] = [];
  return {
    async create() {
      const name = await createDatabase(serverUrl);
      const database = await openDatabase({ databaseUrl: urlOf(serverUrl, name), dataDir: '' });
      made.push({ name, database });
      return database;
    },
    async removeAll() {
      for (const { name, database } of made) {
        await database.close();
        await dropDatabase(serverUrl, name);
      }
    },
  };
}

async function createDatabase(serverUrl: string): Promise<string> {
  const name = `tollgate_test_${randomBytes(6).toString('hex')}`;
  await administer(serverUrl, `create database ${name}`);
  return name;
}

async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await administer(serverUrl, `drop database if exists ${name} with (force)`);
  await administer(serverUrl, `drop role if exists tollgate_tenant_${name}`);
}

function urlOf(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function administer(serverUrl: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
