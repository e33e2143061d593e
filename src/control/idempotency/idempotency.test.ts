import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { CHANGES, CHANGING } from '../../../test/harness/changes.ts';
import {
  createTestControl,
  keyPrincipal,
  NOW_MS,
  operatorPrincipal,
  type Answered,
  type CallOptions,
  type TestControl,
} from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { DEFAULT_TENANT_ID } from '../../db/schema.ts';
import { deriveKey } from '../../lib/derive-key.ts';
import { digestOf } from '../../lib/foreign-key-text.ts';
import { Problem } from '../../lib/problem.ts';
import { recordAudit } from '../audit/record.ts';
import { tidy } from '../upkeep.ts';
import { once } from './once.ts';
import { claimCall, type Claim } from './store.ts';

const KEYS = '/api/v1/keys';
const SHOP = { name: 'shop', upstreamServices: [{ name: 'orders', targets: [{ url: 'http://127.0.0.1:9000' }] }] };
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

/** POST /keys under an Idempotency-Key. */
async function make(control: TestControl, key: string, options: CallOptions = {}): Promise<Answered> {
  return control.call('POST', KEYS, { body: { name: 'x' }, ...options, headers: { 'idempotency-key': key } });
}

async function countKeys(control: TestControl): Promise<number> {
  return (await control.call('GET', KEYS)).body.meta.total;
}

forEachDatabase('an Idempotency-Key', (open) => {
  for (const { id } of CHANGING.filter(({ standards }) => standards.isRepeatable)) {
    test(`makes the call safe to repeat: ${id}`, async () => {
      const { db } = await open();
      const control = createTestControl({ db });
      const { method, path, ...options } = (await CHANGES[id]?.prepare(control)) ?? assert.fail(id);
      const call = () => control.call(method, path, { ...options, headers: { 'idempotency-key': 'k1' } });
      const first = await call();
      const entries = await db.selectFrom('audit_logs').select('id').execute();
      const again = await call();
      assert.deepEqual(
        [again.status, again.text, again.headers['etag']],
        [first.status, first.text, first.headers['etag']],
      );
      assert.deepEqual(
        [first.headers['idempotent-replayed'], again.headers['idempotent-replayed']],
        [undefined, 'true'],
      );
      assert.deepEqual(await db.selectFrom('audit_logs').select('id').execute(), entries);
    });
  }

  test('gives the key again that was made the first time, and makes no other', async () => {
    const control = createTestControl(await open());
    const first = await make(control, 'k1');
    const again = await make(control, '"k1"');
    assert.match(first.body.data.apiKey, /^tg_test_/);
    assert.equal(again.body.data.apiKey, first.body.data.apiKey);
    const other = await make(control, 'k2');
    assert.notEqual(other.body.data.id, first.body.data.id);
    assert.equal(await countKeys(control), 2);
  });

  test('is refused with 422 under another request: another body, query, resource or form', async () => {
    const control = createTestControl(await open());
    const headers = { 'idempotency-key': 'k1' };
    await make(control, 'k1', { body: { name: 'x', scopes: ['a:read', 'b:read'] } });
    const same = await make(control, 'k1', { body: { scopes: ['a:read', 'b:read'], name: 'x' } });
    assert.equal(same.status, 201);
    for (const body of [{ name: 'y' }, { name: 'x' }, { name: 'x', scopes: ['b:read', 'a:read'] }]) {
      const refused = await make(control, 'k1', { body });
      assert.deepEqual([refused.status, refused.body.code], [422, 'idempotency_key_reused']);
    }
    const compact = await control.call('POST', '/keys', { body: { name: 'x', scopes: ['a:read', 'b:read'] }, headers });
    assert.equal(compact.status, 422);
    const gateways = [];
    for (const name of ['a', 'b']) {
      const made = await control.call('POST', '/api/v1/gateways', { body: { ...SHOP, name } });
      gateways.push(`/api/v1/gateways/${made.body.data.id}/endpoints`);
    }
    const statuses = [];
    for (const path of gateways) {
      const body = { method: 'GET', path: '/x', service: 'orders' };
      statuses.push((await control.call('POST', path, { body, headers })).status);
    }
    assert.deepEqual(statuses, [201, 422]);
    assert.equal(await countKeys(control), 1);
  });

  test('lets one of many at once through; the others wait or get its answer', async () => {
    const control = createTestControl(await open());
    const answers = await Promise.all(Array.from({ length: 10 }, () => make(control, 'k1')));
    const made = answers.filter(({ status }) => status === 201);
    const refused = answers.filter(({ status }) => status !== 201);
    assert.equal(new Set(made.map(({ body }) => body.data.apiKey)).size, 1);
    for (const { status, body, headers } of refused)
      assert.deepEqual([status, body.code, headers['retry-after']], [409, 'idempotency_key_in_use', '1']);
    assert.equal(await countKeys(control), 1);
    assert.equal((await make(control, 'k1')).body.data.apiKey, made[0]?.body.data.apiKey);
  });

  test('belongs to one caller of one tenant, and to one operation', async () => {
    const { db } = await open();
    const created_at = new Date(NOW_MS);
    await db.insertInto('tenants').values({ id: 'ten_other', name: 'Other', slug: 'other', created_at }).execute();
    const control = createTestControl({ db });
    const first = await make(control, 'k1');
    const callers = [
      operatorPrincipal({ operatorId: 'usr_eve', keyId: 'key_eve' }),
      operatorPrincipal({ tenantId: 'ten_other' }),
      keyPrincipal(['keys:create']),
    ];
    for (const as of callers) {
      const answer = await make(control, 'k1', { as });
      assert.notEqual(answer.body.data.id, first.body.data.id);
    }
    const gateway = await control.call('POST', '/api/v1/gateways', {
      body: SHOP,
      headers: { 'idempotency-key': 'k1' },
    });
    assert.equal(gateway.status, 201);
    const rotated = await make(control, 'k1', { as: operatorPrincipal({ keyId: 'key_new' }) });
    assert.equal(rotated.body.data.apiKey, first.body.data.apiKey);
  });

  test('is no way around a permission that was taken away meanwhile', async () => {
    const control = createTestControl(await open());
    await make(control, 'k1', { as: keyPrincipal(['keys:create']) });
    assert.equal((await make(control, 'k1', { as: keyPrincipal(['keys:read']) })).status, 403);
  });

  test('keeps its answer for 24 hours', async () => {
    const control = createTestControl(await open());
    const first = await make(control, 'k1');
    control.setNow(NOW_MS + 24 * HOUR_MS - 1);
    assert.equal((await make(control, 'k1')).body.data.id, first.body.data.id);
    control.setNow(NOW_MS + 24 * HOUR_MS);
    const anew = await make(control, 'k1', { body: { name: 'another request by now' } });
    assert.equal(anew.status, 201);
    assert.notEqual(anew.body.data.id, first.body.data.id);
  });

  test('keeps refusals too, but not those of a request that was wrong', async () => {
    const control = createTestControl(await open());
    const headers = { 'idempotency-key': 'k1' };
    const shop = await control.call('POST', '/api/v1/gateways', { body: SHOP });
    const refused = await control.call('POST', '/api/v1/gateways', { body: SHOP, headers });
    await control.call('DELETE', `/api/v1/gateways/${shop.body.data.id}`);
    const again = await control.call('POST', '/api/v1/gateways', { body: SHOP, headers });
    for (const { status, body } of [refused, again]) assert.deepEqual([status, body.code], [409, 'name_taken']);
    assert.deepEqual([again.body.detail, again.headers['idempotent-replayed']], [refused.body.detail, 'true']);
    assert.equal((await make(control, 'k2', { body: { name: '' } })).status, 400);
    assert.equal((await make(control, 'k2')).status, 201);
  });

  test('keeps no failure: the call can be tried again at once', async () => {
    const { db } = await open();
    let isBroken = true;
    const control = createTestControl({
      db: db.withPlugin({
        transformQuery({ node }) {
          if (isBroken && node.kind === 'InsertQueryNode' && JSON.stringify(node.into).includes('"keys"'))
            throw new Error('on purpose');
          return node;
        },
        transformResult: async ({ result }) => result,
      }),
    });
    assert.equal((await make(control, 'k1')).status, 500);
    assert.deepEqual(await db.selectFrom('idempotency_keys').select('operation').execute(), []);
    isBroken = false;
    assert.equal((await make(control, 'k1')).status, 201);
  });

  test('keeps the longest answer that there is: of the largest import, of what grows most in being said again', async () => {
    const control = createTestControl(await open());
    const metadata = { numbers: Array.from({ length: 180 }, () => 'NUMBER') };
    const keys = Array.from({ length: 500 }, (_, i) => ({
      hash: digestOf(String(i)),
      keyPrefix: 'k',
      name: `${i}`,
      description: 'x'.repeat(500),
      metadata,
    }));
    const body = JSON.stringify({ keys }).replaceAll('"NUMBER"', '1e20');
    assert.ok(body.length > 750_000 && body.length < 1_048_576, `${body.length} is not the largest`);
    const call = () => control.call('POST', `${KEYS}/import`, { body, headers: { 'idempotency-key': 'k1' } });
    const first = await call();
    assert.equal(first.status, 201, first.text.slice(0, 500));
    assert.ok(first.text.length > 2_000_000, `${first.text.length}`);
    const again = await call();
    assert.deepEqual([again.status, again.headers['idempotent-replayed']], [201, 'true']);
    assert.ok(again.text === first.text);
  });

  test('does nothing twice that was done before it failed, and says what was done', async () => {
    const { db } = await open();
    const broken = {
      publish: () => Promise.reject(new Error('on purpose')),
      forgetCredentials: async () => {},
      flushRecords: async () => {},
      health: async () => [],
    };
    const control = createTestControl({ db }, { dataPlane: broken });
    const { path, ...options } = (await CHANGES['deployGateway']?.prepare(control)) ?? assert.fail();
    const deploy = () => control.call('POST', path, { ...options, headers: { 'idempotency-key': 'k1' } });
    assert.equal((await deploy()).status, 500);
    const again = await deploy();
    assert.deepEqual([again.status, again.body.code], [409, 'idempotency_answer_lost']);
    assert.match(again.body.detail, /carried out and changed gw_\w+,/);
    assert.equal((await db.selectFrom('revisions').select('id').execute()).length, 1);
  });

  test('of a process that died is free again after two minutes, unless it was carried out', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const call = { db, principal: operatorPrincipal(), key: deriveKey('k', 'idempotency'), operation: 'x' };
    const died = new Promise<never>(() => undefined);
    const attempt = (nowMs: number, idempotencyKey: string, work: (claim: Claim) => Promise<never>) =>
      once({ ...call, nowMs, idempotencyKey, request: {} }, work);
    const isUnderWay = (error: unknown) => error instanceof Problem && error.code === 'idempotency_key_in_use';

    // Died before its change.
    await new Promise<void>((claimed) => {
      void attempt(NOW_MS, 'before', () => (claimed(), died));
    });
    await assert.rejects(
      attempt(NOW_MS + 119 * SECOND_MS, 'before', () => died),
      isUnderWay,
    );
    const taken = await once(
      { ...call, nowMs: NOW_MS + 120 * SECOND_MS, idempotencyKey: 'before', request: {} },
      async () => ({ status: 200, body: 1, headers: {} }),
    );
    assert.equal(taken.status, 200);

    // Died between its change and its answer.
    await new Promise<void>((changed) => {
      void attempt(NOW_MS, 'after', async (claim) => {
        const context = { principal: operatorPrincipal(), requestId: 'r', clientAddress: 'a', nowMs: NOW_MS, claim };
        const change = { action: 'key.create', resourceType: 'api_key', resourceId: 'key_made' };
        await db.transaction().execute((trx) => recordAudit(trx, { ...context, services: control.services }, change));
        changed();
        return died;
      });
    });
    await assert.rejects(
      attempt(NOW_MS + SECOND_MS, 'after', () => died),
      isUnderWay,
    );
    await assert.rejects(
      attempt(NOW_MS + HOUR_MS, 'after', () => died),
      (error) => error instanceof Problem && error.code === 'idempotency_answer_lost' && /key_made/.test(error.message),
    );
  });

  test('of a process that was only slow undoes its change when another has taken the call over', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const call = { db, principal: operatorPrincipal(), key: deriveKey('k', 'idempotency'), operation: 'x' };
    const repeatable = { ...call, idempotencyKey: 'k1', request: {} };
    const slow = Promise.withResolvers<void>();
    const claimed = Promise.withResolvers<void>();
    const first = once({ ...repeatable, nowMs: NOW_MS }, async (claim) => {
      claimed.resolve();
      await slow.promise;
      const context = { principal: operatorPrincipal(), requestId: 'r', clientAddress: 'a', nowMs: NOW_MS, claim };
      const change = { action: 'key.create', resourceType: 'api_key', resourceId: 'key_1' };
      await db.transaction().execute((trx) => recordAudit(trx, { ...context, services: control.services }, change));
      return { status: 201, body: 'slow', headers: {} };
    });
    await claimed.promise;
    const later = { ...repeatable, nowMs: NOW_MS + HOUR_MS };
    assert.equal((await once(later, async () => ({ status: 201, body: 'quick', headers: {} }))).body, 'quick');
    slow.resolve();
    await assert.rejects(first, (error) => error instanceof Problem && error.code === 'idempotency_key_in_use');
    assert.deepEqual(await db.selectFrom('audit_logs').select('id').execute(), []);
    const replayed = await once(later, () => assert.fail('carried out twice'));
    assert.deepEqual([replayed.body, replayed.headers], ['quick', { 'idempotent-replayed': 'true' }]);
  });

  test('is kept without any secret in clear, and its answer fits no other row', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    // Long enough not to turn up among random octets by chance.
    const repeated = 'repeated-0b1c2d3e4f';
    const first = await make(control, repeated, { body: { name: 'visible name' } });
    await make(control, 'k2');
    const [row] = await db
      .selectFrom('idempotency_keys')
      .selectAll()
      .where('resource_id', '=', first.body.data.id)
      .execute();
    const octets = Object.values(row ?? {}).map((value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value),
    );
    for (const word of [first.body.data.apiKey, 'visible name', repeated])
      assert.ok(!octets.some((text) => text.includes(word)));
    await sql`update idempotency_keys set answer = ${row?.answer ?? null}`.execute(db);
    const swapped = await make(control, 'k2');
    assert.deepEqual([swapped.status, swapped.body.code], [500, 'internal_error']);
    assert.ok(!swapped.text.includes(first.body.data.apiKey));
    assert.equal((await make(control, repeated, { body: { name: 'visible name' } })).status, 201);
  });

  test('that is malformed is refused by name', async () => {
    const control = createTestControl(await open());
    for (const key of ['', 'two words', 'x'.repeat(256), '"open', 'mid"dle', '""', 'ü']) {
      const answer = await make(control, key);
      assert.deepEqual([answer.status, answer.body.errors?.[0]?.path], [400, 'headers.idempotency-key'], key);
    }
    for (const key of ['x'.repeat(255), '"two words"', '8e03978e-40d5-43dd-bc93-6894a57f9324']) {
      assert.equal((await make(control, key)).status, 201, key);
    }
  });

  test('is not heard by calls that are safe to repeat anyway, nor by those that anybody may make', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const headers = { 'idempotency-key': 'k1' };
    const made = await make(control, 'k0');
    const path = `${KEYS}/${made.body.data.id}`;
    for (const name of ['a', 'b']) {
      const changed = await control.call('PUT', path, { body: { name }, headers });
      assert.equal(changed.body.data.name, name);
    }
    const ada = { name: 'Ada', email: 'ada@example.com' };
    const setups = [];
    for (let i = 0; i < 2; i++)
      setups.push((await control.call('POST', '/setup', { as: null, body: ada, headers })).status);
    assert.deepEqual(setups, [201, 409]);
    assert.equal((await db.selectFrom('idempotency_keys').select('operation').execute()).length, 1);
  });

  test('is thrown away when it is out of date, or beyond the newest 100,000 of its tenant', async () => {
    const { db } = await open();
    const insert = (tenant: string, count: number, at: number) =>
      sql`
      insert into idempotency_keys (tenant_id, caller_id, operation, key_hash, fingerprint, claim, claimed_until, created_at, expires_at)
      select ${tenant}, 'c', 'o', sha256(n::text::bytea), sha256('f'), '', now(), ${new Date(at)}::timestamptz + n * interval '1 ms',
        ${new Date(at + 24 * HOUR_MS)}::timestamptz
      from generate_series(1, ${count}::int) as n`.execute(db);
    await insert('ten_many', 100_003, NOW_MS);
    await insert('ten_few', 5, NOW_MS);
    await insert('ten_old', 1_200, NOW_MS - 24 * HOUR_MS);
    await tidy(db, new Date(NOW_MS));
    const { rows } = await sql`
      select tenant_id, count(*), min(created_at) as oldest from idempotency_keys group by tenant_id order by tenant_id`.execute(
      db,
    );
    assert.deepEqual(rows, [
      { tenant_id: 'ten_few', count: 5, oldest: new Date(NOW_MS + 1) },
      { tenant_id: 'ten_many', count: 100_000, oldest: new Date(NOW_MS + 4) },
    ]);
  });

  test('that is released between two statements of a repetition asks for another try', async () => {
    const { db } = await open();
    const call = { tenantId: DEFAULT_TENANT_ID, callerId: 'c', operation: 'o', keyHash: new Uint8Array(32) };
    const times = { now: new Date(NOW_MS), until: new Date(NOW_MS + 1), expiresAt: new Date(NOW_MS + 2) };
    const claim = { call, token: new Uint8Array([1]), fingerprint: new Uint8Array(32), ...times };
    assert.equal(await claimCall(db, claim), undefined);
    const vanishing = db.withPlugin({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        await db.deleteFrom('idempotency_keys').execute();
        return result;
      },
    });
    await assert.rejects(claimCall(vanishing, claim), (error) => error instanceof Problem && error.status === 409);
  });
});
