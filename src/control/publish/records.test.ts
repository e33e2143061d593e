import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import type { OpenedDatabase } from '../../db/open.ts';
import { DEFAULT_TENANT_ID } from '../../db/schema.ts';
import type { ExchangeRecord } from '../../gateway/ports.ts';
import { issueKey } from '../issue-key.ts';
import { writeRecords } from './records.ts';

const AT_MS = Date.parse('2026-03-01T12:00:00.123Z');

function record(id: number, differences: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return {
    requestId: `req_${id}`,
    startedAtMs: AT_MS,
    durationMs: 1.23456,
    method: 'GET',
    path: '/demo/echo',
    query: '?a=1',
    status: 200,
    errorCode: undefined,
    rateLimited: false,
    authFailed: false,
    tenantId: undefined,
    gatewayId: undefined,
    endpointId: undefined,
    keyId: undefined,
    clientIp: '127.0.0.1',
    userAgent: undefined,
    requestBytes: 0,
    responseBytes: 5_000_000_000,
    service: undefined,
    target: undefined,
    upstreamMs: undefined,
    requestHeaders: undefined,
    ...differences,
  };
}

async function partitions({ db }: OpenedDatabase): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select inhrelid::regclass::text as name from pg_inherits where inhparent = 'request_logs'::regclass order by 1`.execute(
    db,
  );
  return rows.map(({ name }) => name);
}

async function count({ db }: OpenedDatabase): Promise<number> {
  const { total } = await db
    .selectFrom('request_logs')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return total;
}

forEachDatabase('the request log', (open) => {
  test('keeps what a record says', async () => {
    const database = await open();
    const { db } = database;
    const full = record(1, {
      tenantId: 'ten_x',
      gatewayId: 'gw_1',
      endpointId: 'ep_1',
      keyId: 'key_unknown',
      userAgent: 'curl/8 "ä" \\ {}',
      status: 502,
      errorCode: 'upstream_unreachable',
      rateLimited: true,
      authFailed: true,
      service: 'echo',
      target: 'http://127.0.0.1:9',
      upstreamMs: 0.5,
      requestHeaders: ['Accept', '*/*', 'Cookie', '***'],
    });
    await writeRecords(database, [full, record(2)]);
    const rows = await db.selectFrom('request_logs').selectAll().orderBy('request_id').execute();
    assert.deepEqual(rows[0], {
      request_id: 'req_1',
      tenant_id: 'ten_x',
      started_at: new Date(AT_MS),
      duration_ms: 1.235,
      method: 'GET',
      path: '/demo/echo',
      query: '?a=1',
      status: 502,
      error_code: 'upstream_unreachable',
      rate_limited: true,
      auth_failed: true,
      gateway_id: 'gw_1',
      endpoint_id: 'ep_1',
      key_id: 'key_unknown',
      client_ip: '127.0.0.1',
      user_agent: 'curl/8 "ä" \\ {}',
      request_bytes: 0,
      response_bytes: 5_000_000_000,
      service: 'echo',
      target: 'http://127.0.0.1:9',
      upstream_ms: 0.5,
      request_headers: ['Accept', '*/*', 'Cookie', '***'],
    });
    assert.deepEqual([rows[1]?.tenant_id, rows[1]?.key_id, rows[1]?.request_headers], [DEFAULT_TENANT_ID, null, null]);
  });

  test('takes 5,000 records in one write, and nothing for none', async () => {
    const database = await open();
    await writeRecords(database, []);
    await writeRecords(
      database,
      Array.from({ length: 5_000 }, (_, i) => record(i)),
    );
    assert.equal(await count(database), 5_000);
  });

  test('makes the partitions that records need, on both sides of a month in UTC', async () => {
    const database = await open();
    const times = [
      '2025-12-31T23:59:59.999Z',
      '2026-01-01T00:00:00.000Z',
      '2026-02-28T23:59:59.999Z',
      '2028-02-29T12:00:00.000Z',
    ];
    await writeRecords(
      database,
      times.map((time, i) => record(i, { startedAtMs: Date.parse(time) })),
    );
    assert.deepEqual(await partitions(database), [
      'request_logs_2025_12',
      'request_logs_2026_01',
      'request_logs_2026_02',
      'request_logs_2028_02',
    ]);
    const { rows } = await sql<{ name: string; moment: Date }>`
      select tableoid::regclass::text as name, started_at as moment from request_logs order by started_at`.execute(
      database.db,
    );
    assert.deepEqual(
      rows.map(({ name, moment }) => [name, moment.toISOString()]),
      [
        ['request_logs_2025_12', times[0]],
        ['request_logs_2026_01', times[1]],
        ['request_logs_2026_02', times[2]],
        ['request_logs_2028_02', times[3]],
      ],
    );
  });

  test('makes a partition once, however many need it at the same moment', async () => {
    const database = await open();
    await Promise.all(Array.from({ length: 10 }, (_, i) => writeRecords(database, [record(i)])));
    assert.deepEqual(await partitions(database), ['request_logs_2026_03']);
    assert.equal(await count(database), 10);
  });

  test('keeps a record once, however often it is given', async () => {
    const database = await open();
    const batch = [record(1), record(2)];
    await writeRecords(database, batch);
    await writeRecords(database, [...batch, record(3, { status: 404 })]);
    assert.equal(await count(database), 3);
  });

  test('survives texts that the database cannot hold', async () => {
    const database = await open();
    const { db } = database;
    await writeRecords(database, [
      record(1, { path: '/a\0b', userAgent: 'x\uD800y', requestHeaders: ['A', '\0'] }),
      record(2),
    ]);
    const rows = await db
      .selectFrom('request_logs')
      .select(['path', 'user_agent', 'request_headers'])
      .orderBy('request_id')
      .execute();
    assert.deepEqual(rows[0], { path: '/a\uFFFDb', user_agent: 'x\uFFFDy', request_headers: ['A', '\uFFFD'] });
  });

  test('keeps every text as it came', async () => {
    const database = await open();
    const texts = [
      '\t',
      '\n',
      '\r\n',
      '\\',
      '\\N',
      '\\.',
      '\\t',
      '"',
      "'",
      '',
      ' ',
      '\u{1F600}',
      '\u2028',
      'a\tb\\nc\n\\.\n',
    ];
    await writeRecords(
      database,
      texts.map((text, i) => record(i + 10, { path: text, userAgent: text, requestHeaders: ['X', text] })),
    );
    const rows = await database.db
      .selectFrom('request_logs')
      .select(['path', 'user_agent', 'request_headers'])
      .orderBy('request_id')
      .execute();
    assert.deepEqual(
      rows,
      texts.map((text) => ({ path: text, user_agent: text, request_headers: ['X', text] })),
    );
  });

  test('notes when a key was used last, and never goes back', async () => {
    const database = await open();
    const { db } = database;
    const order = {
      tenantId: DEFAULT_TENANT_ID,
      operatorId: null,
      name: 'k',
      description: null,
      owner: null,
      scopes: [],
      clientId: null,
      rateLimit: null,
      rateLimitOverride: null,
      metadata: {},
      expiresAt: null,
      createdBy: 'test',
    };
    const mint = { keyPrefix: 'tg', hmacSecret: 'p', nowMs: AT_MS };
    const { row: used } = await issueKey(db, order, mint);
    const { row: idle } = await issueKey(db, order, mint);
    const lastUse = async (id: string): Promise<Date | null> =>
      (await db.selectFrom('keys').select('last_used_at').where('id', '=', id).executeTakeFirstOrThrow()).last_used_at;

    await writeRecords(database, [
      record(1, { keyId: used.id, startedAtMs: AT_MS + 5 }),
      record(2, { keyId: used.id, startedAtMs: AT_MS + 9 }),
      record(3, { keyId: used.id, startedAtMs: AT_MS + 7 }),
    ]);
    assert.deepEqual(await lastUse(used.id), new Date(AT_MS + 9));
    await writeRecords(database, [record(4, { keyId: used.id, startedAtMs: AT_MS + 1 })]);
    assert.deepEqual(await lastUse(used.id), new Date(AT_MS + 9));
    assert.equal(await lastUse(idle.id), null);
  });
});
