// One Kysely over either database: PGlite in the data directory, or PostgreSQL behind a URL.

import { mkdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { withinTime } from '../lib/within-time.ts';
import { COLUMN_PARSERS } from './columns.ts';
import { listenPostgres, type Listening, type ListenOptions } from './listen.ts';
import type { Database } from './schema.ts';

interface PoolLimits {
  readonly connections: number;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** A little later than the server's own limit: a server that has said nothing for so long is never coming back to this connection. */
  readonly silenceMs: number;
  readonly idleTimeoutMs: number;
}

const WORK: PoolLimits = {
  connections: 20,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 30_000,
  silenceMs: 35_000,
  idleTimeoutMs: 30_000,
};
/** Callers wait for these: better a quick refusal, and a new connection as soon as there can be one. */
const LOOKUPS: PoolLimits = {
  connections: 3,
  connectTimeoutMs: 2_000,
  statementTimeoutMs: 3_000,
  silenceMs: 4_000,
  idleTimeoutMs: 3_500,
};
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
  /** For what calls through the gateway wait for: connections of their own, which no management call can use up. */
  readonly lookups: Kysely<Database>;
  readonly kind: 'pglite' | 'postgres';
  /** Undefined where there is nobody else who could say anything. */
  readonly listen: ((options: ListenOptions) => Listening) | undefined;
  /**
   * Runs a `copy … from '/dev/blob'` in a transaction of its own, with rows of copy-binary.ts. Undefined where the database has a process, and
   * time, of its own.
   */
  readonly copyIn: ((statement: string, rows: Uint8Array<ArrayBuffer>) => Promise<void>) | undefined;
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
  const db = new Kysely<Database>({ dialect: new PGliteDialect({ pglite }) });
  return {
    kind: 'pglite',
    db,
    lookups: db,
    listen: undefined,
    async copyIn(statement, rows) {
      await pglite.query(statement, [], { blob: new Blob([rows]) });
    },
    check: () => check(db),
    close: () => db.destroy(),
  };
}

async function openPostgres(databaseUrl: string): Promise<OpenedDatabase> {
  const place = describePlace(databaseUrl);
  let database: OpenedDatabase | undefined;
  try {
    database = overPools(databaseUrl, createPools(databaseUrl));
    await sql`select 1`.execute(database.db);
    return database;
  } catch (cause) {
    await database?.close();
    throw new DatabaseUnreachable(`cannot reach PostgreSQL at ${place}: ${reasonOf(cause)}`, cause);
  }
}

/** A PostgreSQL that is away. */
export interface AwaitedDatabase extends OpenedDatabase {
  /** For who makes it fit for use when it comes back; for everybody else it is away until `open` was called. */
  readonly behind: OpenedDatabase;
  open(): void;
}

export function awaitPostgres(databaseUrl: string): AwaitedDatabase {
  const pools = createPools(databaseUrl);
  let isOpen = false;
  const gate = async (pool: pg.Pool): Promise<pg.Pool> => {
    if (isOpen) return pool;
    throw Object.assign(new Error('PostgreSQL was away at the start and is not back yet'), { code: 'ECONNREFUSED' });
  };
  return {
    ...overPools(databaseUrl, pools, gate),
    behind: overPools(databaseUrl, pools),
    open() {
      isOpen = true;
    },
  };
}

interface Pools {
  readonly work: pg.Pool;
  readonly lookups: pg.Pool;
}

function createPools(databaseUrl: string): Pools {
  return { work: createPool(databaseUrl, WORK), lookups: createPool(databaseUrl, LOOKUPS) };
}

/** `enter` is asked for a pool until it gives it. */
function overPools(
  databaseUrl: string,
  pools: Pools,
  enter: (pool: pg.Pool) => Promise<pg.Pool> = async (pool) => pool,
): OpenedDatabase {
  const over = (pool: pg.Pool): Kysely<Database> =>
    new Kysely<Database>({ dialect: new PostgresDialect({ pool: () => enter(pool) }) });
  const db = over(pools.work);
  let closing: Promise<unknown> | undefined;
  return {
    kind: 'postgres',
    copyIn: undefined,
    db,
    lookups: over(pools.lookups),
    listen: (options) => listenPostgres(databaseUrl, options),
    check: () => check(db),
    async close() {
      await (closing ??= Promise.all([pools.work.end(), pools.lookups.end()]));
    },
  };
}

async function check(db: Kysely<Database>): Promise<void> {
  await withinTime(sql`select 1`.execute(db), CHECK_TIMEOUT_MS);
}

function createPool(databaseUrl: string, limits: PoolLimits): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: 'tollgate',
    max: limits.connections,
    connectionTimeoutMillis: limits.connectTimeoutMs,
    idleTimeoutMillis: limits.idleTimeoutMs,
    statement_timeout: limits.statementTimeoutMs,
    idle_in_transaction_session_timeout: limits.statementTimeoutMs,
    keepAlive: true,
    // Not `query_timeout`, which gives up the query alone: the pool would go on with the connection, and whoever is next would wait behind it.
    stream: () => breakSilent(new Socket(), limits.silenceMs),
    types: columnTypes(),
  });
  // A connection that breaks is dropped by the pool; whoever asks next gets a new one, or the error. One that breaks while it is lent out
  // and waits for nothing would end the process if nobody listened.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => void client.on('error', () => undefined));
  return pool;
}

function breakSilent(socket: Socket, silenceMs: number): Socket {
  return socket.setTimeout(silenceMs, () => socket.destroy(new Error('Connection terminated: the server is silent')));
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
