import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, keyPrincipal, operatorPrincipal } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { DEFAULT_TENANT_ID } from '../../db/schema.ts';
import type { ExchangeRecord } from '../../gateway/ports.ts';
import { newId } from '../../lib/id.ts';
import { writeRecords } from '../publish/records.ts';

const AT_MS = Date.parse('2026-02-28T23:59:00.000Z');
const MINUTE_MS = 60_000;
/** Of the calls, in order. */
const IDS = Array.from({ length: 6 }, (_, i) => newId('req', AT_MS + i * MINUTE_MS));
const idOf = (i: number): string => IDS[i] ?? '';

/** The i-th call, i minutes after the first: the second and later ones fall into the next month. */
function record(i: number, differences: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return {
    requestId: idOf(i),
    startedAtMs: AT_MS + i * MINUTE_MS,
    durationMs: i,
    method: 'GET',
    path: `/shop/${i}`,
    query: '',
    status: 200,
    errorCode: undefined,
    rateLimited: false,
    authFailed: false,
    tenantId: DEFAULT_TENANT_ID,
    gatewayId: 'gw_1',
    endpointId: `ep_${i}`,
    keyId: 'key_1',
    clientIp: '10.0.0.1',
    userAgent: undefined,
    requestBytes: 1,
    responseBytes: 2,
    service: 'orders',
    target: 'http://127.0.0.1:9000',
    upstreamMs: 0.5,
    requestHeaders: undefined,
    ...differences,
  };
}

const RECORDS = [
  record(0),
  record(1, { status: 401, authFailed: true, keyId: undefined, tenantId: undefined, errorCode: 'missing_credentials' }),
  record(2, {
    status: 429,
    rateLimited: true,
    errorCode: 'rate_limited',
    keyId: 'key_2',
    requestHeaders: ['Accept', 'a', 'accept', 'b'],
  }),
  record(3, { status: 500, method: 'POST', query: '?user=ada%20l', userAgent: 'curl/8' }),
  record(4, {
    status: 503,
    gatewayId: undefined,
    endpointId: undefined,
    service: undefined,
    target: undefined,
    upstreamMs: undefined,
  }),
  record(5, { tenantId: 'ten_other' }),
];

forEachDatabase('the request log', (open) => {
  test('shows what is known of a call, and leaves out what is not', async () => {
    const database = await open();
    const { db } = database;
    const control = createTestControl({ db });
    await writeRecords(database, RECORDS);
    const full = await control.call('GET', `/api/v1/requests/${idOf(2)}`);
    assert.equal(full.status, 200);
    assert.deepEqual(full.body.data, {
      id: idOf(2),
      timestamp: '2026-03-01T00:01:00.000Z',
      method: 'GET',
      path: '/shop/2',
      status: 429,
      durationMs: 2,
      clientIp: '10.0.0.1',
      keyId: 'key_2',
      gatewayId: 'gw_1',
      endpointId: 'ep_2',
      service: 'orders',
      target: 'http://127.0.0.1:9000',
      upstreamMs: 0.5,
      errorCode: 'rate_limited',
      rateLimited: true,
      authFailed: false,
      request: { sizeBytes: 1, headers: { accept: 'a, b' } },
      response: { sizeBytes: 2 },
    });
    const bare = await control.call('GET', `/api/v1/requests/${idOf(4)}`);
    for (const field of [
      'gatewayId',
      'endpointId',
      'service',
      'target',
      'upstreamMs',
      'query',
      'userAgent',
      'errorCode',
    ]) {
      assert.equal(field in bare.body.data, false, field);
    }
  });

  const filters: [query: string, ids: number[]][] = [
    ['', [4, 3, 2, 1, 0]],
    ['sortOrder=asc', [0, 1, 2, 3, 4]],
    ['status=500', [3]],
    ['status=5xx', [4, 3]],
    ['status=401,429,500', [3, 2, 1]],
    ['status=4xx,503', [4, 2, 1]],
    ['method=post', [3]],
    ['path=/shop/1', [1]],
    ['path=/shop/*', [4, 3, 2, 1, 0]],
    ['path=/sh%25*', []],
    ['keyId=key_2', [2]],
    ['gatewayId=gw_1', [3, 2, 1, 0]],
    ['endpointId=ep_3', [3]],
    ['rateLimited=true', [2]],
    ['rateLimited=false&status=4xx', [1]],
    ['authFailed=true', [1]],
    ['minDurationMs=3', [4, 3]],
    ['startDate=2026-03-01T00:01:00Z', [4, 3, 2]],
    ['startDate=2026-02-28&endDate=2026-03-01', [0]],
    ['dateFrom=2026-03-01T00:00:00Z&dateTo=2026-03-01T00:02:00Z', [2, 1]],
    ['search=ADA%2520', [3]],
    ['search=curl', [3]],
    ['search=missing_cred', [1]],
    [`search=${idOf(2)}`, [2]],
    ['search=%25', [3]],
    ['status=500&startDate=2024-01-15T14:00:00Z&pageSize=100', [3]],
  ];
  test('is found by every filter', async () => {
    const database = await open();
    const { db } = database;
    const control = createTestControl({ db });
    await writeRecords(database, RECORDS);
    for (const [query, ids] of filters) {
      const { status, body, text } = await control.call('GET', `/api/v1/requests?${query}`);
      assert.equal(status, 200, text);
      const found = body.data.map(({ id }: { id: string }) => id);
      assert.deepEqual(found, ids.map(idOf), query);
      assert.equal(body.meta.total, ids.length, query);
    }
  });

  test('is paged over the border of a month, each call exactly once, by page and by cursor', async () => {
    const database = await open();
    const { db } = database;
    const control = createTestControl({ db });
    await writeRecords(database, RECORDS);
    const collect = async (next: (meta: { page: number; nextCursor: string }) => string): Promise<string[]> => {
      const ids: string[] = [];
      let query = '';
      for (;;) {
        const { body } = await control.call('GET', `/api/v1/requests?pageSize=2${query}`);
        ids.push(...body.data.map(({ id }: { id: string }) => id));
        if (body.meta.nextCursor === null) return ids;
        query = next(body.meta);
      }
    };
    const expected = [4, 3, 2, 1, 0].map(idOf);
    assert.deepEqual(await collect(({ page }) => `&page=${page + 1}`), expected);
    assert.deepEqual(await collect(({ nextCursor }) => `&cursor=${nextCursor}`), expected);
  });

  test('gives up to 1,000 calls at once, and refuses what is not there with every fault', async () => {
    const control = createTestControl(await open());
    assert.equal((await control.call('GET', '/api/v1/requests?pageSize=1000')).status, 200);
    const cases: [string, string[]][] = [
      ['pageSize=1001', ['query.pageSize']],
      ['status=6xx', ['query.status']],
      ['status=abc&rateLimited=maybe', ['query.rateLimited', 'query.status']],
      ['startDate=2026-13-01', ['query.startDate']],
      ['startDate=2026-02-02&dateFrom=2026-02-02', ['query.dateFrom']],
      ['startDate=2026-02-02&endDate=2026-02-01', ['query.endDate']],
      ['sortBy=status', ['query.sortBy']],
      ['keyid=key_1', ['query.keyid']],
    ];
    for (const [query, paths] of cases) {
      const { status, body } = await control.call('GET', `/api/v1/requests?${query}`);
      assert.equal(status, 400, query);
      assert.deepEqual(body.errors.map(({ path }: { path: string }) => path).toSorted(), paths, query);
    }
  });

  test('is brought up to date before it is read', async () => {
    const control = createTestControl(await open());
    await control.call('GET', '/api/v1/requests');
    await control.call('GET', '/api/v1/requests/req_none');
    assert.equal(control.dataPlane.flushes, 2);
  });

  test('shows nobody the calls of another tenant', async () => {
    const database = await open();
    const { db } = database;
    const control = createTestControl({ db });
    await writeRecords(database, RECORDS);
    const hidden = await control.call('GET', `/api/v1/requests/${idOf(5)}`);
    assert.deepEqual([hidden.status, hidden.body.code], [404, 'not_found']);
    const as = operatorPrincipal({ tenantId: 'ten_other' });
    const own = await control.call('GET', '/api/v1/requests', { as });
    assert.deepEqual(
      own.body.data.map(({ id }: { id: string }) => id),
      [idOf(5)],
    );
    assert.equal((await control.call('GET', `/api/v1/requests/${idOf(1)}`, { as })).status, 404);
  });

  test('is for holders of either permission only', async () => {
    const control = createTestControl(await open());
    for (const [scopes, status] of [
      [['requests:read'], 200],
      [['admin:logs:read'], 200],
      [['requests:write', 'admin:keys:*', 'logs:read'], 403],
      [[], 403],
    ] as const) {
      assert.equal((await control.call('GET', '/api/v1/requests', { as: keyPrincipal(scopes) })).status, status);
      assert.equal(
        (await control.call('GET', '/api/v1/requests/x', { as: keyPrincipal(scopes) })).status,
        status === 200 ? 404 : 403,
      );
    }
  });
});
