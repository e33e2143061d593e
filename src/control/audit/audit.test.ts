import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import {
  createTestControl,
  keyPrincipal,
  NOW_MS,
  operatorPrincipal,
  type TestControl,
} from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { DEFAULT_TENANT_ID } from '../../db/schema.ts';
import { recordAudit, recordProgramAudit } from './record.ts';

const OTHER_TENANT = { tenantId: 'ten_other' };
const ADA = { id: 'usr_ada', tenant_id: DEFAULT_TENANT_ID, name: 'Ada', email: 'ada@example.com', role: 'KEY_ADMIN' };
const SHOP = {
  name: 'shop',
  upstreamServices: [{ name: 'orders', targets: [{ url: 'http://127.0.0.1:9000' }] }],
};

async function makeKeys(control: TestControl, count: number): Promise<void> {
  for (let i = 1; i <= count; i++) {
    control.setNow(NOW_MS + i * 60_000);
    const made = await control.call('POST', '/api/v1/keys', { body: { name: `key ${i}` } });
    assert.equal(made.status, 201);
  }
}

forEachDatabase('the audit log', (open) => {
  test('tells of a change what the integration guide shows', async () => {
    const { db } = await open();
    await db
      .insertInto('operators')
      .values({ ...ADA, created_at: new Date(NOW_MS) })
      .execute();
    const control = createTestControl({ db });
    const body = { name: 'Service API Key', owner: 'Example Service', scopes: ['read:data', 'write:data'] };
    const as = operatorPrincipal({ operatorId: ADA.id, keyId: 'key_ada' });
    const made = await control.call('POST', '/keys', { as, body, address: '192.168.1.1' });
    const list = await control.call('GET', '/api/v1/audit-logs');
    const [{ id, hash, changes, ...entry }] = list.body.data;
    assert.match(id, /^aud_/);
    assert.match(hash, /^[\w-]{43}$/);
    assert.deepEqual(entry, {
      sequence: 1,
      timestamp: new Date(NOW_MS).toISOString(),
      action: 'key.create',
      actor: { type: 'operator', id: ADA.id, name: 'Ada', email: ADA.email, role: 'KEY_ADMIN', keyId: 'key_ada' },
      resource: { type: 'api_key', id: made.body.id },
      details: body,
      requestId: 'req_1',
      clientIp: '192.168.1.1',
    });
    assert.deepEqual(changes.name, { after: body.name });
    const one = await control.call('GET', `/api/v1/audit-logs/${id}`);
    assert.deepEqual(one.body.data, list.body.data[0]);
  });

  test('tells of an update each field before and after, and no other', async () => {
    const control = createTestControl(await open());
    const made = await control.call('POST', '/api/v1/keys', { body: { name: 'old', metadata: { a: 1 } } });
    control.setNow(NOW_MS + 1);
    const body = { name: 'new', metadata: { a: 1 }, description: 'more', rateLimit: { requestsPerDay: 5 } };
    await control.call('PUT', `/api/v1/keys/${made.body.data.id}`, { body });
    const list = await control.call('GET', '/api/v1/audit-logs?action=key.update');
    assert.deepEqual(list.body.data[0].changes, {
      name: { before: 'old', after: 'new' },
      description: { after: 'more' },
      rateLimit: {
        before: { requestsPerMinute: 100, requestsPerHour: 1_000, requestsPerDay: 10_000 },
        after: { requestsPerDay: 5 },
      },
    });
  });

  test('tells keys and the program itself from operators', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const as = keyPrincipal(['keys:create'], { keyId: 'key_robot', name: 'robot' });
    await control.call('POST', '/api/v1/keys', { as, body: { name: 'x' } });
    const program = { tenantId: DEFAULT_TENANT_ID, program: 'key-expiry', nowMs: NOW_MS, services: control.services };
    const change = { action: 'key.revoke', resourceType: 'api_key', resourceId: 'key_1' };
    await db.transaction().execute((trx) => recordProgramAudit(trx, program, change));
    const { body } = await control.call('GET', '/api/v1/audit-logs?sortOrder=asc');
    assert.deepEqual(
      body.data.map((entry: { actor: unknown }) => entry.actor),
      [
        { type: 'key', id: 'key_robot', name: 'robot' },
        { type: 'system', id: 'key-expiry', name: 'Tollgate' },
      ],
    );
    assert.deepEqual([body.data[1].requestId, body.data[1].clientIp], [undefined, undefined]);
  });

  test('writes nothing for what was refused, changed nothing or was undone', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const made = await control.call('POST', '/api/v1/keys', { body: { name: 'x' } });
    await control.call('DELETE', `/api/v1/keys/${made.body.data.id}`);
    for (const [method, path, body] of [
      ['DELETE', `/api/v1/keys/${made.body.data.id}`, undefined],
      ['PUT', `/api/v1/keys/${made.body.data.id}`, { name: 'y' }],
      ['PUT', '/api/v1/keys/key_none', { name: 'y' }],
      ['POST', '/api/v1/keys', { name: '' }],
    ] as const) {
      await control.call(method, path, { body });
    }
    const context = { principal: operatorPrincipal(), requestId: 'r', clientAddress: 'a', nowMs: NOW_MS };
    const undone = db.transaction().execute(async (trx) => {
      const change = { action: 'a', resourceType: 'b', resourceId: 'c' };
      await recordAudit(trx, { ...context, services: control.services }, change);
      throw new Error('on purpose');
    });
    await assert.rejects(undone, /on purpose/);
    const { body } = await control.call('GET', '/api/v1/audit-logs');
    assert.deepEqual(
      body.data.map((entry: { action: string; sequence: number }) => [entry.action, entry.sequence]),
      [
        ['key.revoke', 2],
        ['key.create', 1],
      ],
    );
    assert.equal((await control.call('GET', '/api/v1/audit-logs/verify')).body.data.isIntact, true);
  });

  const filters: [query: string, sequences: number[]][] = [
    ['', [4, 3, 2, 1]],
    ['sortOrder=asc', [1, 2, 3, 4]],
    ['action=gateway.create', [3]],
    ['action=key.*', [4, 2, 1]],
    ['action=k%25*', []],
    ['actorId=key_robot', [2]],
    ['resourceType=gateway', [3]],
    ['requestId=req_2', [2]],
    ['startDate=2026-03-01T12:02:00Z&endDate=2026-03-01T12:04:00Z', [3, 2]],
    ['dateFrom=2026-03-01T12:03:00Z', [4, 3]],
    ['pageSize=2', [4, 3]],
    ['pageSize=2&page=2', [2, 1]],
  ];
  test('finds entries by each filter, a page at a time', async () => {
    const control = createTestControl(await open());
    await makeKeys(control, 1);
    control.setNow(NOW_MS + 2 * 60_000);
    const as = keyPrincipal(['keys:create'], { keyId: 'key_robot' });
    await control.call('POST', '/api/v1/keys', { as, body: { name: 'b' } });
    control.setNow(NOW_MS + 3 * 60_000);
    const gateway = await control.call('POST', '/api/v1/gateways', { body: SHOP });
    control.setNow(NOW_MS + 4 * 60_000);
    await control.call('POST', '/api/v1/keys', { body: { name: 'c' } });
    for (const [query, sequences] of [...filters, [`resourceId=${gateway.body.data.id}`, [3]] as const]) {
      const { body } = await control.call('GET', `/api/v1/audit-logs?${query}`);
      assert.deepEqual(
        body.data.map((entry: { sequence: number }) => entry.sequence),
        sequences,
        query,
      );
    }
    const first = await control.call('GET', '/api/v1/audit-logs?pageSize=3');
    const second = await control.call('GET', `/api/v1/audit-logs?pageSize=3&cursor=${first.body.meta.nextCursor}`);
    assert.deepEqual([second.body.data[0].sequence, second.body.meta.nextCursor], [1, null]);
  });

  test('keeps the order of its entries where the time is the same', async () => {
    const control = createTestControl(await open());
    for (let i = 0; i < 12; i++) await control.call('POST', '/api/v1/keys', { body: { name: `${i}` } });
    const seen: number[] = [];
    let cursor = '';
    do {
      const { body } = await control.call('GET', `/api/v1/audit-logs?sortOrder=asc&pageSize=5${cursor}`);
      seen.push(...body.data.map((entry: { sequence: number }) => entry.sequence));
      cursor = body.meta.nextCursor === null ? '' : `&cursor=${body.meta.nextCursor}`;
    } while (cursor !== '');
    assert.deepEqual(
      seen,
      Array.from({ length: 12 }, (_, i) => i + 1),
    );
  });

  test('names every fault of a query', async () => {
    const control = createTestControl(await open());
    const query = 'actor=x&startDate=2026-02-30&dateTo=yesterday&pageSize=1001&checkpoint=1';
    const { status, body } = await control.call('GET', `/api/v1/audit-logs?${query}`);
    assert.deepEqual(
      [status, body.errors.map((fault: { path: string }) => fault.path).toSorted()],
      [400, ['query.actor', 'query.checkpoint', 'query.dateTo', 'query.pageSize', 'query.startDate']],
    );
    for (const path of ['export?format=xml', 'verify?checkpoint=12']) {
      assert.equal((await control.call('GET', `/api/v1/audit-logs/${path}`)).status, 400, path);
    }
  });

  test('is read with admin:logs:read or audit-logs:read, and with nothing else', async () => {
    const control = createTestControl(await open());
    await makeKeys(control, 1);
    const paths = ['', '/export', '/verify', '/aud_1'].map((path) => `/api/v1/audit-logs${path}`);
    for (const path of paths) {
      const answer = await control.call('GET', path, { as: keyPrincipal(['admin:keys:*', 'requests:read']) });
      assert.deepEqual([answer.status, answer.body.code], [403, 'insufficient_scope'], path);
      for (const scope of ['admin:logs:read', 'audit-logs:read']) {
        const allowed = await control.call('GET', path, { as: keyPrincipal([scope]) });
        assert.notEqual(allowed.status, 403, path);
      }
    }
  });

  test('shows another tenant nothing: empty lists, empty exports, 404', async () => {
    const control = createTestControl(await open());
    await makeKeys(control, 2);
    const { body } = await control.call('GET', '/api/v1/audit-logs');
    const as = operatorPrincipal(OTHER_TENANT);
    const list = await control.call('GET', '/api/v1/audit-logs', { as });
    assert.deepEqual([list.body.data, list.body.meta.total], [[], 0]);
    assert.equal((await control.call('GET', `/api/v1/audit-logs/${body.data[0].id}`, { as })).status, 404);
    assert.equal((await control.call('GET', '/api/v1/audit-logs/export', { as })).text, '');
    const verdict = await control.call('GET', '/api/v1/audit-logs/verify', { as });
    assert.deepEqual([verdict.body.data.isIntact, verdict.body.data.checked], [true, 0]);
  });

  test('lets nobody update, delete or truncate, the owner of its tables neither', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    await makeKeys(control, 2);
    const statements = [
      `update audit_logs set action = 'key.read'`,
      `update audit_logs set action = action where false`,
      `delete from audit_logs`,
      `truncate audit_logs`,
      `delete from audit_heads`,
      `truncate audit_heads`,
      `update audit_heads set count = 1`,
      `update audit_heads set count = count + 2`,
      `update audit_heads set tenant_id = 'ten_x', count = count + 1`,
    ];
    for (const statement of statements) {
      await assert.rejects(sql.raw(statement).execute(db), /is append-only/, statement);
    }
    assert.equal((await control.call('GET', '/api/v1/audit-logs/verify')).body.data.checked, 2);
  });

  test('keeps one chain a tenant without a gap when many change at once', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const tenants = [DEFAULT_TENANT_ID, 'ten_other'];
    const context = { requestId: 'r', clientAddress: 'a', nowMs: NOW_MS, services: control.services };
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        db.transaction().execute(async (trx) => {
          const principal = operatorPrincipal({ tenantId: tenants[i % 2] ?? '' });
          const change = { action: 'a', resourceType: 'b', resourceId: `${i}` };
          await recordAudit(trx, { ...context, principal }, change);
        }),
      ),
    );
    for (const tenantId of tenants) {
      const verdict = await control.call('GET', '/api/v1/audit-logs/verify', { as: operatorPrincipal({ tenantId }) });
      const { isIntact, isComplete, checked, faults } = verdict.body.data;
      assert.deepEqual([isIntact, isComplete, checked, faults], [true, true, 20, []]);
    }
  });

  test('masks secrets in details and in both sides of a change, and tells that they changed', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const context = { principal: operatorPrincipal(), requestId: 'r', clientAddress: 'a', nowMs: NOW_MS };
    const headers = (word: string) => ({ Authorization: `Bearer ${word}`, Accept: '*/*' });
    await db.transaction().execute((trx) =>
      recordAudit(
        trx,
        { ...context, services: control.services },
        {
          action: 'webhook.update',
          resourceType: 'webhook',
          resourceId: 'whk_1',
          details: { secretToken: 'hush-1', note: 'http://ada:hush-2@10.0.0.1/' },
          before: { secret: 'hush-3', services: [{ headers: headers('hush-4') }], same: 'hush' },
          after: { secret: 'hush-5', services: [{ headers: headers('hush-6') }], same: 'hush' },
        },
      ),
    );
    const { body, text } = await control.call('GET', '/api/v1/audit-logs');
    assert.doesNotMatch(text, /hush/);
    assert.deepEqual(body.data[0].changes.secret, { before: '***', after: '***' });
    assert.deepEqual(Object.keys(body.data[0].changes), ['secret', 'services']);
  });

  test('keeps of a value beyond 4,096 characters its length and its hash', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const context = { principal: operatorPrincipal(), requestId: 'r', clientAddress: 'a', nowMs: NOW_MS };
    const change = { action: 'a', resourceType: 'b', resourceId: 'c', after: { text: 'x'.repeat(5_000) } };
    await db.transaction().execute((trx) => recordAudit(trx, { ...context, services: control.services }, change));
    const { body } = await control.call('GET', '/api/v1/audit-logs');
    assert.equal(body.data[0].changes.text.after.omitted, '5002 characters');
    assert.match(body.data[0].changes.text.after.sha256, /^[0-9a-f]{64}$/);
  });
});
