// The data plane's records, into the request log: many rows a statement, each in the partition of its month.

import { sql, type Kysely } from 'kysely';
import { CopyRows } from '../../db/copy-binary.ts';
import type { OpenedDatabase } from '../../db/open.ts';
import { DEFAULT_TENANT_ID, type Database } from '../../db/schema.ts';
import type { ExchangeRecord } from '../../gateway/ports.ts';
import { makePartitions } from './partitions.ts';

/** Rows in one statement. They go as one JSON parameter, so it is memory that is bounded here, not the protocol's 65,535 parameters. */
const CHUNK_ROWS = 1_000;
/** SQLSTATE check_violation: for a row that no partition takes. */
const NO_PARTITION = '23514';

/** SQLSTATE unique_violation: for a row that is there already. */
const IS_THERE = '23505';

interface Column {
  readonly name: keyof Row;
  readonly type: string;
  readonly copy: (rows: CopyRows, row: Row) => void;
}

const COLUMNS: readonly Column[] = [
  { name: 'request_id', type: 'text', copy: (rows, row) => rows.addText(row.request_id) },
  { name: 'tenant_id', type: 'text', copy: (rows, row) => rows.addText(row.tenant_id) },
  { name: 'started_at', type: 'timestamptz', copy: (rows, row) => rows.addTime(row.started_at) },
  { name: 'duration_ms', type: 'float8', copy: (rows, row) => rows.addDouble(row.duration_ms) },
  { name: 'method', type: 'text', copy: (rows, row) => rows.addText(row.method) },
  { name: 'path', type: 'text', copy: (rows, row) => rows.addText(row.path) },
  { name: 'query', type: 'text', copy: (rows, row) => rows.addText(row.query) },
  { name: 'status', type: 'int4', copy: (rows, row) => rows.addInteger(row.status) },
  { name: 'error_code', type: 'text', copy: (rows, row) => rows.addText(row.error_code) },
  { name: 'rate_limited', type: 'bool', copy: (rows, row) => rows.addBoolean(row.rate_limited) },
  { name: 'auth_failed', type: 'bool', copy: (rows, row) => rows.addBoolean(row.auth_failed) },
  { name: 'gateway_id', type: 'text', copy: (rows, row) => rows.addText(row.gateway_id) },
  { name: 'endpoint_id', type: 'text', copy: (rows, row) => rows.addText(row.endpoint_id) },
  { name: 'key_id', type: 'text', copy: (rows, row) => rows.addText(row.key_id) },
  { name: 'client_ip', type: 'text', copy: (rows, row) => rows.addText(row.client_ip) },
  { name: 'user_agent', type: 'text', copy: (rows, row) => rows.addText(row.user_agent) },
  { name: 'request_bytes', type: 'int8', copy: (rows, row) => rows.addBigInteger(row.request_bytes) },
  { name: 'response_bytes', type: 'int8', copy: (rows, row) => rows.addBigInteger(row.response_bytes) },
  { name: 'service', type: 'text', copy: (rows, row) => rows.addText(row.service) },
  { name: 'target', type: 'text', copy: (rows, row) => rows.addText(row.target) },
  { name: 'upstream_ms', type: 'float8', copy: (rows, row) => rows.addDouble(row.upstream_ms) },
  { name: 'request_headers', type: 'jsonb', copy: (rows, row) => rows.addJson(row.request_headers) },
];
const NAMES = COLUMNS.map(({ name }) => name).join(', ');
const TYPED = COLUMNS.map(({ name, type }) => `${name} ${type}`).join(', ');
const COPY = `copy request_logs (${NAMES}) from '/dev/blob' (format binary)`;

/** Writes all or nothing. Records that are there already stay as they are, so a batch may be given again. */
export async function writeRecords(
  database: Pick<OpenedDatabase, 'db' | 'copyIn'>,
  records: readonly ExchangeRecord[],
): Promise<void> {
  if (records.length === 0) return;
  try {
    await write(database, records);
  } catch (error) {
    if (codeOf(error) !== NO_PARTITION) throw error;
    await makePartitions(
      database.db,
      records.map((record) => record.startedAtMs),
    );
    await write(database, records);
  }
}

/** Where the database runs in our own thread, COPY costs half of an insert. */
async function write(
  { db, copyIn }: Pick<OpenedDatabase, 'db' | 'copyIn'>,
  records: readonly ExchangeRecord[],
): Promise<void> {
  if (copyIn !== undefined && (await isCopied(copyIn, records))) {
    await touchKeys(db, records);
    return;
  }
  await db.transaction().execute(async (trx) => {
    for (let i = 0; i < records.length; i += CHUNK_ROWS) await insertChunk(trx, records.slice(i, i + CHUNK_ROWS));
    await touchKeys(trx, records);
  });
}

/** False when some of them are there already: COPY cannot pass over those. */
async function isCopied(
  copyIn: NonNullable<OpenedDatabase['copyIn']>,
  records: readonly ExchangeRecord[],
): Promise<boolean> {
  const rows = new CopyRows(COLUMNS.length);
  for (const record of records) copyRow(rows, toRow(record));
  try {
    await copyIn(COPY, rows.finish());
    return true;
  } catch (error) {
    if (codeOf(error) === IS_THERE) return false;
    throw error;
  }
}

function copyRow(rows: CopyRows, row: Row): void {
  rows.beginRow();
  for (const { copy } of COLUMNS) copy(rows, row);
}

async function insertChunk(trx: Kysely<Database>, records: readonly ExchangeRecord[]): Promise<void> {
  const rows = JSON.stringify(
    records.map((record) => ({ ...toRow(record), started_at: new Date(record.startedAtMs).toISOString() })),
  );
  const columns = sql.raw(NAMES);
  await sql`
    insert into request_logs (${columns})
    select ${columns} from json_to_recordset(${rows}::json) as row (${sql.raw(TYPED)})
    on conflict do nothing`.execute(trx);
}

type Row = ReturnType<typeof toRow>;

function toRow(record: ExchangeRecord) {
  return {
    request_id: toText(record.requestId),
    // Calls that no gateway and no key tells the tenant of are for the owner of the installation to see.
    tenant_id: record.tenantId ?? DEFAULT_TENANT_ID,
    /** Milliseconds since 1970. */
    started_at: record.startedAtMs,
    duration_ms: toMicroseconds(record.durationMs),
    method: toText(record.method),
    path: toText(record.path),
    query: toText(record.query),
    status: record.status,
    error_code: record.errorCode,
    rate_limited: record.rateLimited,
    auth_failed: record.authFailed,
    gateway_id: record.gatewayId,
    endpoint_id: record.endpointId,
    key_id: record.keyId,
    client_ip: toText(record.clientIp),
    user_agent: record.userAgent === undefined ? undefined : toText(record.userAgent),
    request_bytes: record.requestBytes,
    response_bytes: record.responseBytes,
    service: record.service,
    target: record.target,
    upstream_ms: record.upstreamMs === undefined ? undefined : toMicroseconds(record.upstreamMs),
    request_headers: record.requestHeaders?.map(toText),
  };
}

/** PostgreSQL keeps no NUL and no half of a surrogate pair; one such text must not cost the whole batch. */
function toText(text: string): string {
  return text.includes('\0') || !text.isWellFormed() ? text.toWellFormed().replaceAll('\0', '\u{FFFD}') : text;
}

/** Finer than a microsecond is noise. */
function toMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1_000) / 1_000;
}

/** Notes when the keys of the batch were used last; never backwards, as batches of several threads come in any order. */
async function touchKeys(trx: Kysely<Database>, records: readonly ExchangeRecord[]): Promise<void> {
  const usedAtMs = new Map<string, number>();
  for (const { keyId, startedAtMs } of records) {
    if (keyId !== undefined && startedAtMs > (usedAtMs.get(keyId) ?? 0)) usedAtMs.set(keyId, startedAtMs);
  }
  if (usedAtMs.size === 0) return;
  const uses = [...usedAtMs].map(([id, ms]) => ({ id, used_at: new Date(ms).toISOString() }));
  // Locked in one order everywhere, so that two nodes that know the same keys never wait for each other in a circle.
  await sql`
    with locked as (
      select keys.id, uses.used_at
      from keys join json_to_recordset(${JSON.stringify(uses)}::json) as uses (id text, used_at timestamptz) on uses.id = keys.id
      where keys.last_used_at is null or keys.last_used_at < uses.used_at
      order by keys.id for update of keys
    )
    update keys set last_used_at = locked.used_at from locked where keys.id = locked.id`.execute(trx);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
