// One Kysely over either database: PGlite in the data directory, or PostgreSQL behind a URL.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { withinTime } from '../lib/within-time.ts';
import { COLUMN_PARSERS } from './columns.ts';
import type { Database } from './schema.ts';

const POOL_CONNECTIONS = 20;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/** The client's own limit, a little later than the server's: for a server that no longer answers at all. */
const QUERY_TIMEOUT_MS = 35_000;
const IDLE_TIMEOUT_MS = 30_000;
const CHECK_TIMEOUT_MS = 2_000;
const IN_MEMORY = 'memory://';

export interface OpenOptions {
  /** `postgres://user:password@host:port/name`; undefined for PGlite. */
  readonly databaseUrl: string | undefined;
  /** PGlite lives in its folder `pg`; `memory://` keeps nothing. */
  readonly dataDir: string;
}

export interface OpenedDatabase {
  readonly db: Kysely<Database>;
  readonly kind: 'pglite' | 'postgres';
  /** Rejects when the database does not answer within two seconds. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** The database cannot be used. The message is one line for the person who started the program and holds no password. */
export class DatabaseUnreachable extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = 'DatabaseUnreachable';
  }
}

export async function openDatabase(options: OpenOptions): Promise<OpenedDatabase> {
  return options.databaseUrl === undefined ? openPglite(options.dataDir) : openPostgres(options.databaseUrl);
}

async function openPglite(dataDir: string): Promise<OpenedDatabase> {
  try {
    if (dataDir !== IN_MEMORY) await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const folder = dataDir === IN_MEMORY ? IN_MEMORY : join(dataDir, 'pg');
    return overPglite(await PGlite.create({ dataDir: folder, parsers: COLUMN_PARSERS }));
  } catch (cause) {
    throw new DatabaseUnreachable(`cannot open the embedded database in ${dataDir}: ${reasonOf(cause)}`, cause);
  }
}

/** Takes over a PGlite that was made with COLUMN_PARSERS; closing closes it. */
export function overPglite(pglite: PGlite): OpenedDatabase {
  return opened('pglite', new Kysely<Database>({ dialect: new PGliteDialect({ pglite }) }));
}

async function openPostgres(databaseUrl: string): Promise<OpenedDatabase> {
  const place = describePlace(databaseUrl);
  let database: OpenedDatabase | undefined;
  try {
    database = opened(
      'postgres',
      new Kysely<Database>({ dialect: new PostgresDialect({ pool: createPool(databaseUrl) }) }),
    );
    await sql`select 1`.execute(database.db);
    return database;
  } catch (cause) {
    await database?.close();
    throw new DatabaseUnreachable(`cannot reach PostgreSQL at ${place}: ${reasonOf(cause)}`, cause);
  }
}

function createPool(databaseUrl: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: 'tollgate',
    max: POOL_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    keepAlive: true,
    types: columnTypes(),
  });
  // An idle connection that breaks is dropped by the pool; whoever asks next gets a new one, or the error.
  pool.on('error', () => undefined);
  return pool;
}

function opened(kind: OpenedDatabase['kind'], db: Kysely<Database>): OpenedDatabase {
  return {
    db,
    kind,
    async check() {
      await withinTime(sql`select 1`.execute(db), CHECK_TIMEOUT_MS);
    },
    close: () => db.destroy(),
  };
}

function columnTypes(): pg.CustomTypesConfig {
  const types = new pg.TypeOverrides();
  for (const [oid, parse] of Object.entries(COLUMN_PARSERS)) types.setTypeParser(Number(oid), parse);
  return types;
}

/** Host, port, database and user: all of the URL but its password and its parameters. */
function describePlace(databaseUrl: string): string {
  const url = URL.parse(databaseUrl);
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new DatabaseUnreachable(
      'the database URL cannot be read: write it as postgres://user:password@host:port/name',
      undefined,
    );
  }
  const user = url.username === '' ? '' : ` as ${url.username}`;
  return `${url.hostname}:${url.port || '5432'}${url.pathname}${user}`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  const code = 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there (connection refused)';
    case 'ENOTFOUND':
      return 'there is no such host';
    case '28P01':
      return 'the user or the password was refused';
    case '3D000':
      return 'there is no such database';
    case 'EACCES':
    case 'EROFS':
      return `permission denied (${code})`;
    default:
      return error.message.split('\n', 1)[0] || code || 'unknown reason';
  }
}
