import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createTestControl,
  keyPrincipal,
  NOW_MS,
  operatorPrincipal,
  type TestControl,
} from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { parsePublicId } from '../../lib/key-text.ts';
import { loadCredential } from '../publish/credentials.ts';

const DAY_MS = 86_400_000;

async function make(control: TestControl, body: object): Promise<{ id: string; apiKey: string }> {
  const answer = await control.call('POST', '/api/v1/keys', { body });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data;
}

forEachDatabase('keys', (open) => {
  test('are made as journey 1 calls it, with the default limits', async () => {
    const control = createTestControl(await open());
    const answer = await control.call('POST', '/api/v1/keys', {
      body: { name: 'Alex Dev Key', scopes: ['read:requests', 'write:requests'] },
    });
    assert.equal(answer.status, 201);
    const { id, apiKey, key, keyPrefix, ...rest } = answer.body.data;
    assert.match(id, /^key_/);
    assert.match(apiKey, /^tg_test_/);
    assert.equal(key, apiKey);
    assert.equal(keyPrefix, `tg_test_${parsePublicId(apiKey)}`);
    assert.deepEqual(rest, {
      name: 'Alex Dev Key',
      scopes: ['read:requests', 'write:requests'],
      status: 'active',
      rateLimit: { requestsPerMinute: 100, requestsPerHour: 1_000, requestsPerDay: 10_000 },
      metadata: {},
      createdBy: 'usr_operator',
      createdAt: '2026-03-01T12:00:00.000Z',
      updatedAt: '2026-03-01T12:00:00.000Z',
    });
  });

  test('are made as journey 7 calls it: a given rate limit replaces the defaults as a whole', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    control.setNow(Date.parse('2024-06-01T00:00:00Z'));
    const body = {
      name: 'Partner: Acme Corp',
      description: 'API access for Acme Corp integration',
      scopes: ['read:requests', 'write:webhooks'],
      rateLimit: { requestsPerMinute: 1000, requestsPerHour: 50_000 },
      metadata: { partner: 'acme-corp', contract: 'PARTNER-2024-001', tier: 'premium' },
      expiresAt: '2025-01-15T00:00:00Z',
    };
    const answer = await control.call('POST', '/api/v1/keys', { body });
    assert.equal(answer.status, 201);
    const { name, description, scopes, rateLimit, metadata, expiresAt } = answer.body.data;
    const expected = { ...body, expiresAt: '2025-01-15T00:00:00.000Z' };
    assert.deepEqual({ name, description, scopes, rateLimit, metadata, expiresAt }, expected);
    const credential = await loadCredential(db, parsePublicId(answer.body.data.apiKey) ?? '', { requestsPerDay: 1 });
    assert.deepEqual(credential?.principal.limits, [
      { window: 'minute', limit: 1000 },
      { window: 'hour', limit: 50_000 },
    ]);
    assert.deepEqual(credential?.principal.scopes, ['requests:read', 'webhooks:write']);
    assert.equal(credential?.expiresAtMs, Date.parse('2025-01-15T00:00:00Z'));
  });

  test('live their life on the compact surface as the guide shows it', async () => {
    const control = createTestControl(await open());
    const made = await control.call('POST', '/keys', {
      body: {
        name: 'Service API Key',
        owner: 'Example Service',
        scopes: ['read:data', 'write:data'],
        expiresInDays: 365,
      },
    });
    assert.equal(made.status, 201);
    const { id, key, ...shown } = made.body;
    assert.match(key, /^tg_test_/);
    assert.deepEqual(shown, {
      name: 'Service API Key',
      owner: 'Example Service',
      scopes: ['read:data', 'write:data'],
      status: 'active',
      createdAt: NOW_MS,
      expiresAt: NOW_MS + 365 * DAY_MS,
    });
    const listed = await control.call('GET', '/keys');
    assert.deepEqual(listed.body, { keys: [{ id, ...shown }], count: 1, cursor: null });
    const got = await control.call('GET', `/keys/${id}`);
    assert.deepEqual(got.body, { id, ...shown });
    control.setNow(NOW_MS + 1_000);
    const revoked = await control.call('DELETE', `/keys/${id}`);
    assert.deepEqual(revoked.body, { id, status: 'revoked', revokedAt: NOW_MS + 1_000 });
  });

  test('never show their secret again, and keep it nowhere', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { id, apiKey } = await make(control, { name: 'secret' });
    const secret = apiKey.slice(-49);
    for (const path of ['/api/v1/keys', `/api/v1/keys/${id}`, '/keys', `/keys/${id}`]) {
      const answer = await control.call('GET', path);
      assert.equal(answer.status, 200);
      assert.doesNotMatch(answer.text, new RegExp(secret));
      assert.doesNotMatch(answer.text, /hash/);
    }
    const rows = JSON.stringify(await db.selectFrom('keys').selectAll().execute());
    assert.doesNotMatch(rows, new RegExp(secret));
    assert.doesNotMatch(rows, new RegExp(secret.slice(0, 43)));
    assert.doesNotMatch(control.logged.join(''), new RegExp(secret));
  });

  test('are refused with every fault at once, of the schema and beyond it', async () => {
    const control = createTestControl(await open());
    const answer = await control.call('POST', '/api/v1/keys', {
      body: {
        nmae: 'x',
        scopes: ['read:data', 'NOT A SCOPE'],
        rateLimit: { requestsPerMinute: '5', requestsPerYear: 1 },
        metadata: { big: 'x'.repeat(5_000) },
        expiresAt: '2020-01-01T00:00:00Z',
        expiresInDays: 3,
      },
    });
    assert.equal(answer.status, 400);
    assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8');
    assert.deepEqual(answer.body.errors, [
      { path: 'body.name', message: 'is required' },
      { path: 'body.nmae', message: 'is not known here; did you mean name?' },
      {
        path: 'body.scopes[1]',
        message:
          'must be a scope such as orders:read (words of small letters, joined by colons; * for any rest), at most 100 characters',
      },
      { path: 'body.rateLimit.requestsPerYear', message: 'is not known here; did you mean requestsPerHour?' },
      { path: 'body.rateLimit.requestsPerMinute', message: 'must be a whole number' },
      { path: 'body.metadata', message: 'must have at most 4096 bytes as JSON' },
      { path: 'body.expiresAt', message: 'must lie in the future' },
      { path: 'body.expiresInDays', message: 'goes without expiresAt: send one of the two' },
    ]);
  });

  const refusals = [
    { body: {}, path: 'body.name' },
    { body: { name: '' }, path: 'body.name' },
    { body: { name: 'x'.repeat(201) }, path: 'body.name' },
    { body: { name: 7 }, path: 'body.name' },
    { body: [], path: 'body' },
    { body: 'null', path: 'body' },
    { body: { name: 'x', scopes: 'read:data' }, path: 'body.scopes' },
    { body: { name: 'x', scopes: Array.from({ length: 51 }, (_, i) => `a:b${i}`) }, path: 'body.scopes' },
    { body: { name: 'x', rateLimit: {} }, path: 'body.rateLimit' },
    { body: { name: 'x', rateLimit: { requestsPerMinute: 0 } }, path: 'body.rateLimit.requestsPerMinute' },
    { body: { name: 'x', rateLimit: { requestsPerHour: 1.5 } }, path: 'body.rateLimit.requestsPerHour' },
    { body: { name: 'x', expiresAt: 'tomorrow' }, path: 'body.expiresAt' },
    { body: { name: 'x', expiresAt: '2026-02-30T00:00:00Z' }, path: 'body.expiresAt' },
    { body: { name: 'x', expiresAt: '9999-12-31T23:59:59-10:00' }, path: 'body.expiresAt' },
    { body: { name: 'x', expiresInDays: 0 }, path: 'body.expiresInDays' },
    { body: { name: 'x', allowedIps: [] }, path: 'body.allowedIps' },
    { body: { name: 'x', clientId: 'cli_1' }, path: 'body.clientId' },
    { body: { name: 'x', allowedIps: ['10.0.0.0/8', '10.0.0.0/33'] }, path: 'body.allowedIps[1]' },
    { body: { name: 'x', allowedIps: ['localhost'] }, path: 'body.allowedIps[0]' },
    { body: { name: 'x', allowedIps: ['::1', '::1'] }, path: 'body.allowedIps' },
    { body: { name: 'x', allowedIps: '::1' }, path: 'body.allowedIps' },
    { body: { name: 'x', environment: 'Live' }, path: 'body.environment' },
    { body: { name: 'x', environment: 'a'.repeat(17) }, path: 'body.environment' },
    { body: { name: 'x', rateLimit: { requestsPerMinute: 1, burst: 0 } }, path: 'body.rateLimit.burst' },
    { body: { name: 'x', rateLimit: { requestsPerDay: 1, burst: 1 } }, path: 'body.rateLimit.burst' },
    { body: { name: 'x', rateLimit: { requestsPerMinute: 1, burst: 2 ** 31 - 1 } }, path: 'body.rateLimit.burst' },
    { body: { name: 'x', rateLimit: { requestsPerMonth: 2 ** 31 } }, path: 'body.rateLimit.requestsPerMonth' },
  ];
  test('are refused with the path of what is wrong', async () => {
    const control = createTestControl(await open());
    for (const { body, path } of refusals) {
      const answer = await control.call('POST', '/api/v1/keys', { body });
      assert.deepEqual(
        [answer.status, answer.body.code, answer.body.errors[0].path],
        [400, 'invalid_request', path],
        answer.text,
      );
    }
  });

  test('change by what is given; the rest stays, null clears', async () => {
    const control = createTestControl(await open());
    const { id, apiKey } = await make(control, {
      name: 'a',
      description: 'b',
      owner: 'c',
      scopes: ['x:read'],
      expiresInDays: 1,
    });
    control.setNow(NOW_MS + 5);
    const first = await control.call('PUT', `/api/v1/keys/${id}`, {
      body: { name: 'A', rateLimit: { requestsPerMinute: 7 } },
    });
    assert.equal(first.status, 200);
    const { name, description, owner, scopes, rateLimit, updatedAt } = first.body.data;
    assert.deepEqual(
      { name, description, owner, scopes, rateLimit, updatedAt },
      {
        name: 'A',
        description: 'b',
        owner: 'c',
        scopes: ['x:read'],
        rateLimit: { requestsPerMinute: 7 },
        updatedAt: '2026-03-01T12:00:00.005Z',
      },
    );
    const second = await control.call('PUT', `/api/v1/keys/${id}`, {
      body: { description: null, owner: null, expiresAt: null },
    });
    assert.deepEqual(
      Object.keys(second.body.data).filter((field) => ['description', 'owner', 'expiresAt'].includes(field)),
      [],
    );
    assert.deepEqual(control.dataPlane.forgotten, [parsePublicId(apiKey), parsePublicId(apiKey)]);
    assert.equal(first.text.includes(apiKey), false);
  });

  test('are revoked once and for all, at once, and twice is the same', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { id, apiKey } = await make(control, { name: 'a' });
    const first = await control.call('DELETE', `/api/v1/keys/${id}`);
    control.setNow(NOW_MS + 60_000);
    const second = await control.call('DELETE', `/api/v1/keys/${id}`);
    assert.deepEqual(first.body.data, { id, status: 'revoked', revokedAt: '2026-03-01T12:00:00.000Z' });
    assert.deepEqual(second.body, first.body);
    assert.equal(control.dataPlane.forgotten[0], parsePublicId(apiKey));
    assert.equal((await loadCredential(db, parsePublicId(apiKey) ?? '', {}))?.status, 'revoked');
    const change = await control.call('PUT', `/api/v1/keys/${id}`, { body: { name: 'b' } });
    assert.deepEqual([change.status, change.body.code], [409, 'key_is_revoked']);
  });

  test('of an operator cannot be revoked when it is the last', async () => {
    const control = createTestControl(await open());
    const setup = await control.call('POST', '/setup', { as: null, body: { name: 'A', email: 'a@b.c' } });
    const answer = await control.call('DELETE', `/api/v1/keys/${setup.body.keyId}`);
    assert.deepEqual([answer.status, answer.body.code], [409, 'last_operator_key']);
  });

  test('show as expired from the moment on', async () => {
    const control = createTestControl(await open());
    const { id } = await make(control, { name: 'a', expiresAt: '2026-03-01T12:00:01Z' });
    const statusAt = async (nowMs: number): Promise<string> => {
      control.setNow(nowMs);
      return (await control.call('GET', `/api/v1/keys/${id}`)).body.data.status;
    };
    assert.equal(await statusAt(NOW_MS + 999), 'active');
    assert.equal(await statusAt(NOW_MS + 1_000), 'expired');
  });

  test('of another tenant are not there: 404 to read, change and revoke, nothing in lists', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    await db
      .insertInto('tenants')
      .values({ id: 'ten_other', name: 'Other', slug: 'other', created_at: new Date() })
      .execute();
    const { id } = await make(control, { name: 'a' });
    const as = operatorPrincipal({ tenantId: 'ten_other' });
    for (const [method, body] of [
      ['GET', undefined],
      ['PUT', { name: 'b' }],
      ['DELETE', undefined],
    ] as const) {
      for (const path of method === 'PUT' ? ['/api/v1/keys'] : ['/api/v1/keys', '/keys']) {
        const answer = await control.call(method, `${path}/${id}`, { as, body });
        assert.deepEqual([answer.status, answer.body.code], [404, 'not_found']);
      }
    }
    const list = await control.call('GET', '/api/v1/keys', { as });
    assert.deepEqual([list.body.data, list.body.meta.total], [[], 0]);
    const unknown = await control.call('GET', '/api/v1/keys/key_nothing');
    assert.equal(unknown.status, 404);
  });

  test('are listed newest first, a page or a cursor at a time, each exactly once', async () => {
    const control = createTestControl(await open());
    for (let i = 0; i < 7; i++) {
      // Three made in the same millisecond: the id decides.
      control.setNow(NOW_MS + Math.floor(i / 3));
      await make(control, { name: `key ${i}` });
    }
    const all = await control.call('GET', '/api/v1/keys');
    const ids = all.body.data.map(({ id }: { id: string }) => id);
    assert.equal(ids.length, 7);
    assert.deepEqual(all.body.meta, { page: 1, pageSize: 20, total: 7, nextCursor: null });

    const byPage: string[] = [];
    for (const page of [1, 2, 3, 4]) {
      const answer = await control.call('GET', `/api/v1/keys?page=${page}&pageSize=3`);
      byPage.push(...answer.body.data.map(({ id }: { id: string }) => id));
      assert.equal(answer.body.meta.page, page);
    }
    assert.deepEqual(byPage, ids);

    const byCursor: string[] = [];
    let query = '';
    for (let turn = 0; turn < 4; turn++) {
      const { body } = await control.call('GET', `/api/v1/keys?limit=2${query}`);
      byCursor.push(...body.data.map(({ id }: { id: string }) => id));
      query = `&cursor=${body.meta.nextCursor}`;
      if (turn === 3) assert.equal(body.meta.nextCursor, null);
    }
    assert.deepEqual(byCursor, ids);
  });

  test('are sorted by every field, both ways; never used comes before longest ago', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const rows = [
      { name: 'beta', expiresInDays: 2, used: 3 },
      { name: 'Alpha', expiresInDays: undefined, used: undefined },
      { name: 'gamma', expiresInDays: 1, used: 1 },
    ];
    for (const [i, { used, ...body }] of rows.entries()) {
      control.setNow(NOW_MS + i);
      const { id } = await make(control, body);
      if (used !== undefined)
        await db
          .updateTable('keys')
          .set({ last_used_at: new Date(NOW_MS + used) })
          .where('id', '=', id)
          .execute();
    }
    const expected = {
      createdAt: ['beta', 'Alpha', 'gamma'],
      name: ['Alpha', 'beta', 'gamma'],
      expiresAt: ['gamma', 'beta', 'Alpha'],
      lastUsedAt: ['Alpha', 'gamma', 'beta'],
    };
    for (const [sortBy, names] of Object.entries(expected)) {
      for (const sortOrder of ['asc', 'desc']) {
        const found: string[] = [];
        let cursor = '';
        do {
          const { body } = await control.call(
            'GET',
            `/api/v1/keys?sortBy=${sortBy}&sortOrder=${sortOrder}&pageSize=1${cursor}`,
          );
          found.push(...body.data.map(({ name }: { name: string }) => name));
          cursor = body.meta.nextCursor === null ? '' : `&cursor=${body.meta.nextCursor}`;
        } while (cursor !== '');
        assert.deepEqual(found, sortOrder === 'asc' ? names : names.toReversed(), `${sortBy} ${sortOrder}`);
      }
    }
  });

  test('are found by status, owner, words and disuse', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    control.setNow(NOW_MS - 40 * DAY_MS);
    const used = await make(control, { name: 'used', owner: 'ops' });
    await make(control, { name: 'idle', description: '100%_sure' });
    const revoked = await make(control, { name: 'gone' });
    await make(control, { name: 'old', expiresInDays: 1 });
    control.setNow(NOW_MS);
    await make(control, { name: 'fresh', owner: 'ops team' });
    await control.call('DELETE', `/api/v1/keys/${revoked.id}`);
    await db
      .updateTable('keys')
      .set({ last_used_at: new Date(NOW_MS - DAY_MS) })
      .where('id', '=', used.id)
      .execute();

    const cases: [string, string[]][] = [
      ['status=active', ['fresh', 'idle', 'used']],
      ['status=revoked', ['gone']],
      ['status=expired', ['old']],
      ['owner=ops', ['used']],
      ['search=OPS', ['fresh', 'used']],
      ['search=100%25_s', ['idle']],
      ['search=1__%25', []],
      ['unusedDays=30', ['gone', 'idle', 'old']],
      ['unusedDays=30&status=active', ['idle']],
    ];
    for (const [query, names] of cases) {
      const { body } = await control.call('GET', `/api/v1/keys?sortBy=name&sortOrder=asc&${query}`);
      assert.deepEqual(
        body.data.map(({ name }: { name: string }) => name),
        names,
        query,
      );
      assert.equal(body.meta.total, names.length);
    }
  });

  test('refuse to be listed by what is not there, every fault at once', async () => {
    const control = createTestControl(await open());
    const cases: [string, string[]][] = [
      ['stauts=active', ['query.stauts']],
      ['status=asleep', ['query.status']],
      ['page=0&pageSize=101', ['query.page', 'query.pageSize']],
      ['page=1&cursor=abc', ['query.cursor', 'query.cursor']],
      ['pageSize=1&limit=1', ['query.limit']],
      ['sortBy=hash&sortOrder=up', ['query.sortBy', 'query.sortOrder']],
      ['status=active&status=revoked', ['query.status']],
      ['pageSize=', ['query.pageSize']],
      ['unusedDays=soon', ['query.unusedDays']],
      [`cursor=${Buffer.from('["name:asc","a","b"]').toString('base64url')}`, ['query.cursor']],
    ];
    for (const [query, paths] of cases) {
      const answer = await control.call('GET', `/api/v1/keys?${query}`);
      assert.equal(answer.status, 400, query);
      assert.deepEqual(
        answer.body.errors.map(({ path }: { path: string }) => path).toSorted(),
        paths.toSorted(),
        query,
      );
    }
  });

  test('need the permission: 403 names it, before anything is looked at', async () => {
    const control = createTestControl(await open());
    const { id } = await make(control, { name: 'a' });
    const cases = [
      { method: 'POST', path: '/api/v1/keys', needs: 'admin:keys:create' },
      { method: 'GET', path: '/api/v1/keys', needs: 'admin:keys:read' },
      { method: 'GET', path: `/api/v1/keys/${id}`, needs: 'admin:keys:read' },
      { method: 'PUT', path: `/api/v1/keys/${id}`, needs: 'admin:keys:update' },
      { method: 'DELETE', path: `/api/v1/keys/${id}`, needs: 'admin:keys:delete' },
    ];
    for (const { method, path, needs } of cases) {
      const as = keyPrincipal(['orders:read', 'admin:logs:*', 'admin:keysets:*']);
      const refused = await control.call(method, path, { as, body: method === 'GET' ? undefined : { rubbish: true } });
      assert.deepEqual([refused.status, refused.body.code], [403, 'insufficient_scope']);
      assert.match(refused.body.detail, new RegExp(needs));
      const holder = keyPrincipal([needs]);
      assert.notEqual(
        (await control.call(method, path, { as: holder, body: method === 'GET' ? undefined : { name: 'n' } })).status,
        403,
      );
      const unknown = await control.call(method, path, { as: null });
      assert.equal(unknown.status, 401);
    }
  });

  test('get no scope that their maker does not hold', async () => {
    const control = createTestControl(await open());
    const plain = keyPrincipal(['keys:create', 'orders:write', 'reports:*']);
    const admin = operatorPrincipal({ scopes: ['admin:keys:*'] });
    const cases = [
      { as: plain, scopes: ['orders:create', 'write:orders', 'reports:read', 'reports:*', 'keys:create'], refused: [] },
      {
        as: plain,
        scopes: ['*', 'orders:read', 'orders:*', 'admin:keys:read', 'keys:*', 'shop:read'],
        refused: [0, 1, 2, 3, 4, 5],
      },
      { as: admin, scopes: ['shop:read', 'read:users', 'shop:*', 'admin:keys:read', 'admin:keys:*'], refused: [] },
      {
        as: admin,
        scopes: ['*', 'admin:*', 'read:requests', 'requests:*', 'keys:read', 'gateways:write', 'admin:users:read'],
        refused: [0, 1, 2, 3, 4, 5, 6],
      },
      { as: operatorPrincipal(), scopes: ['*', 'admin:*', 'anything:at_all'], refused: [] },
      { as: keyPrincipal(['admin:keys:*']), scopes: ['shop:read'], refused: [0] },
    ];
    for (const { as, scopes, refused } of cases) {
      const answer = await control.call('POST', '/api/v1/keys', { as, body: { name: 'x', scopes } });
      if (refused.length === 0) assert.equal(answer.status, 201, answer.text);
      else {
        assert.deepEqual([answer.status, answer.body.code], [403, 'scope_not_grantable']);
        assert.deepEqual(
          answer.body.errors.map(({ path }: { path: string }) => path),
          refused.map((i) => `body.scopes[${i}]`),
        );
      }
    }
  });

  test('get no such scope by a change either, but keep what they have', async () => {
    const control = createTestControl(await open());
    const { id } = await make(control, { name: 'a', scopes: ['requests:read'] });
    const as = keyPrincipal(['keys:update', 'orders:read']);
    const kept = await control.call('PUT', `/api/v1/keys/${id}`, {
      as,
      body: { scopes: ['requests:read', 'orders:read'] },
    });
    assert.equal(kept.status, 200);
    const refused = await control.call('PUT', `/api/v1/keys/${id}`, {
      as,
      body: { scopes: ['requests:read', 'requests:write'] },
    });
    assert.deepEqual([refused.status, refused.body.errors[0].path], [403, 'body.scopes[1]']);
    assert.deepEqual((await control.call('GET', `/api/v1/keys/${id}`)).body.data.scopes, [
      'requests:read',
      'orders:read',
    ]);
  });

  test('count every change in the configuration version, and no refusal', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const version = async (): Promise<number> =>
      (await db.selectFrom('installation').select('version').executeTakeFirstOrThrow()).version;
    const { id } = await make(control, { name: 'a' });
    assert.equal(await version(), 0, 'nobody can have asked for a key that did not exist yet');
    await control.call('PUT', `/api/v1/keys/${id}`, { body: { name: 'b' } });
    await control.call('PUT', `/api/v1/keys/${id}`, { as: keyPrincipal(['keys:update']), body: { scopes: ['*'] } });
    assert.equal(await version(), 1);
    await control.call('POST', `/api/v1/keys/${id}/rotate`, { body: {} });
    await control.call('POST', `/api/v1/keys/${id}/rotate`, { body: {} });
    assert.equal(await version(), 2);
    await control.call('DELETE', `/api/v1/keys/${id}`);
    await control.call('DELETE', `/api/v1/keys/${id}`);
    assert.equal(await version(), 3);
  });
});
