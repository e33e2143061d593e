import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createTestControl,
  keyPrincipal,
  NOW_MS,
  operatorPrincipal,
  type TestControl,
} from '../../../test/harness/control.ts';
import type { Json } from '../../../test/harness/api.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { readVersion } from '../../db/installation.ts';
import { parsePublicId } from '../../lib/key-text.ts';

const DAY_MS = 86_400_000;
const PARTNER = { name: 'Partner', contactEmail: 'tech@example.com' };
const APPLICANT = { clientName: 'App', clientType: 'integration', contactEmail: 'app@example.com' };

async function make(control: TestControl, body: object = {}): Promise<Json> {
  const answer = await control.call('POST', '/api/v1/api-clients', { body: { ...PARTNER, ...body } });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data;
}

async function register(control: TestControl, body: object = {}): Promise<Json> {
  const answer = await control.call('POST', '/api/clients/register', { body: { ...APPLICANT, ...body } });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data;
}

async function makeKey(control: TestControl, clientId: string, body: object = {}): Promise<Json> {
  const answer = await control.call('POST', '/api/v1/api-keys', { body: { clientId, name: 'key', ...body } });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data;
}

function pathsOf(answer: { readonly body: Json }): string[] {
  return (answer.body.errors ?? []).map(({ path }: { path: string }) => path);
}

forEachDatabase('clients', (open) => {
  test('are made as the ecosystem document writes it', async () => {
    const control = createTestControl(await open());
    const body = {
      name: 'My Partner Application',
      description: 'Integration for lead management',
      redirectUris: ['https://example.com/callback'],
      website: 'https://example.com',
      contactEmail: 'tech@example.com',
      rateLimitTier: 'standard',
      scopes: ['leads:read', 'leads:write'],
    };
    const answer = await control.call('POST', '/api/v1/api-clients', { body });
    assert.equal(answer.status, 201, answer.text);
    const { id, ...rest } = answer.body.data;
    assert.match(id, /^cli_/);
    assert.deepEqual(rest, {
      ...body,
      status: 'active',
      requestedScopes: [],
      metadata: {},
      createdBy: 'usr_operator',
      createdAt: '2026-03-01T12:00:00.000Z',
      updatedAt: '2026-03-01T12:00:00.000Z',
      approvedBy: 'usr_operator',
      approvedAt: '2026-03-01T12:00:00.000Z',
    });
    const got = await control.call('GET', `/api/v1/api-clients/${id}`);
    assert.deepEqual(got.body.data, answer.body.data);
  });

  test('are registered, approved and changed as the gateway specification writes it', async () => {
    const control = createTestControl(await open());
    const body = {
      clientName: 'Photo Sync',
      clientType: 'web_app',
      organizationName: 'Acme Weddings',
      contactEmail: 'dev@acme.example',
      requestedScopes: ['guests:read', 'guests:write'],
    };
    const registered = await control.call('POST', '/api/clients/register', { body });
    assert.equal(registered.status, 201, registered.text);
    const { id, ...rest } = registered.body.data;
    assert.deepEqual(rest, {
      ...body,
      clientId: id,
      status: 'pending',
      allowedScopes: [],
      redirectUris: [],
      metadata: {},
      createdBy: 'usr_operator',
      createdAt: '2026-03-01T12:00:00.000Z',
      updatedAt: '2026-03-01T12:00:00.000Z',
    });

    const approved = await control.call('POST', `/api/clients/${id}/approve`);
    assert.equal(approved.status, 200, approved.text);
    assert.deepEqual(
      [approved.body.data.status, approved.body.data.allowedScopes, approved.body.data.approvedBy],
      ['active', ['guests:read', 'guests:write'], 'usr_operator'],
    );

    const changed = await control.call('PUT', `/api/clients/${id}`, {
      body: { allowedScopes: ['guests:read'], rateLimits: { requestsPerMinute: 20 }, subscriptionTier: 'professional' },
    });
    assert.equal(changed.status, 200, changed.text);
    const { allowedScopes, rateLimits, subscriptionTier } = changed.body.data;
    assert.deepEqual(
      { allowedScopes, rateLimits, subscriptionTier },
      { allowedScopes: ['guests:read'], rateLimits: { requestsPerMinute: 20 }, subscriptionTier: 'professional' },
    );

    await makeKey(control, id, { name: 'Production Key' });
    const got = await control.call('GET', `/api/clients/${id}`);
    assert.deepEqual(
      got.body.data.credentials.map(({ name }: { name: string }) => name),
      ['Production Key'],
    );
    assert.equal(got.body.data.status, 'active');
    assert.doesNotMatch(got.text, /apiKey|hash/);
  });

  test('are one resource under both names', async () => {
    const control = createTestControl(await open());
    const { id } = await register(control, { clientDescription: 'about', requestedScopes: ['a:read'] });
    const asClient = await control.call('GET', `/api/v1/api-clients/${id}`);
    assert.deepEqual(
      [asClient.body.data.name, asClient.body.data.description, asClient.body.data.status],
      ['App', 'about', 'pending'],
    );
    await control.call('PUT', `/api/v1/api-clients/${id}`, { body: { name: 'Renamed', rateLimitTier: 'free' } });
    const asRegistered = await control.call('GET', `/api/v1/clients/${id}`);
    assert.deepEqual([asRegistered.body.data.clientName, asRegistered.body.data.subscriptionTier], ['Renamed', 'free']);
    const wrongName = await control.call('PUT', `/api/clients/${id}`, { body: { name: 'x' } });
    assert.deepEqual([wrongName.status, pathsOf(wrongName)], [400, ['body.name']]);
  });

  test('change by what is given; the rest stays, null clears', async () => {
    const control = createTestControl(await open(), {
      clients: { isApprovalAutomatic: false, areCountriesKnown: true },
    });
    const full = {
      description: 'b',
      clientType: 'internal',
      organizationName: 'c',
      contactPerson: 'd',
      website: 'https://e.example/?f=g',
      logoUrl: 'https://e.example/logo.png',
      rateLimitTier: 'basic',
      rateLimits: { requestsPerDay: 7 },
      allowedEndpoints: ['GET /shop/*'],
      ipWhitelist: ['192.0.2.1', '2001:db8::/32'],
      allowedCountries: ['DE', 'XK'],
      expiresAt: '2026-03-02',
    };
    const { id } = await make(control, full);
    control.setNow(NOW_MS + 5);
    const first = await control.call('PUT', `/api/v1/api-clients/${id}`, {
      body: { contactEmail: 'new@example.com', metadata: { a: 1 } },
    });
    const { contactEmail, metadata, updatedAt, ...rest } = first.body.data;
    assert.deepEqual([contactEmail, metadata, updatedAt], ['new@example.com', { a: 1 }, '2026-03-01T12:00:00.005Z']);
    for (const [field, value] of Object.entries(full)) {
      assert.deepEqual(rest[field], field === 'expiresAt' ? '2026-03-02T00:00:00.000Z' : value, field);
    }
    const body = Object.fromEntries(Object.keys(full).map((field) => [field, null]));
    const cleared = await control.call('PUT', `/api/v1/api-clients/${id}`, { body });
    assert.equal(cleared.status, 200, cleared.text);
    assert.deepEqual(
      Object.keys(full).filter((field) => field in cleared.body.data),
      [],
    );
  });

  test('move between their statuses as each allows, and refuse with 409 what it does not', async () => {
    const control = createTestControl(await open());
    const moves = [
      { to: 'reject', from: 'pending', becomes: 'rejected', reason: 'No contract.' },
      { to: 'suspend', from: 'rejected', becomes: undefined },
      { to: 'reactivate', from: 'rejected', becomes: undefined },
      { to: 'reject', from: 'rejected', becomes: undefined },
      { to: 'approve', from: 'rejected', becomes: 'active' },
      { to: 'approve', from: 'active', becomes: undefined },
      { to: 'reactivate', from: 'active', becomes: 'active' },
      { to: 'suspend', from: 'active', becomes: 'suspended', reason: 'Unpaid.' },
      { to: 'suspend', from: 'suspended', becomes: 'suspended', keeps: 'Unpaid.' },
      { to: 'approve', from: 'suspended', becomes: undefined },
      { to: 'reactivate', from: 'suspended', becomes: 'active' },
    ];
    const { id } = await register(control);
    for (const { to, from, becomes, reason, keeps } of moves) {
      const before = await control.call('GET', `/api/clients/${id}`);
      assert.equal(before.body.data.status, from);
      const body = reason === undefined ? undefined : { reason };
      const answer = await control.call('POST', `/api/clients/${id}/${to}`, { body });
      if (becomes === undefined) {
        assert.deepEqual([answer.status, answer.body.code], [409, 'client_status_conflict'], `${to} of ${from}`);
        assert.match(answer.body.detail, new RegExp(`The client is ${from}`));
      } else {
        assert.equal(answer.status, 200, answer.text);
        assert.deepEqual([answer.body.data.status, answer.body.data.statusReason], [becomes, reason ?? keeps]);
      }
    }
  });

  test('are suspended and let go on by their status too, but not approved by it', async () => {
    const control = createTestControl(await open());
    const { id } = await make(control);
    const put = (body: object) => control.call('PUT', `/api/v1/api-clients/${id}`, { body });
    assert.equal((await put({ status: 'suspended', name: 'Other' })).body.data.status, 'suspended');
    assert.equal((await put({ status: 'active' })).body.data.status, 'active');
    assert.equal((await put({ status: 'expired' })).status, 400);
    const pending = await make(control, { status: 'pending', scopes: ['a:read'] });
    const refused = await control.call('PUT', `/api/v1/api-clients/${pending.id}`, { body: { status: 'active' } });
    assert.deepEqual([refused.status, refused.body.code], [409, 'client_status_conflict']);
    assert.match(refused.body.detail, /approve/);
    const approved = await control.call('POST', `/api/clients/${pending.id}/approve`);
    assert.deepEqual(approved.body.data.allowedScopes, ['a:read']);
  });

  test('show as expired from the moment on, and go on when it is moved', async () => {
    const control = createTestControl(await open());
    const { id } = await make(control, { expiresAt: '2026-03-01T12:00:01Z' });
    const status = async (nowMs: number): Promise<string> => {
      control.setNow(nowMs);
      return (await control.call('GET', `/api/v1/api-clients/${id}`)).body.data.status;
    };
    assert.equal(await status(NOW_MS + 999), 'active');
    assert.equal(await status(NOW_MS + 1_000), 'expired');
    await control.call('PUT', `/api/v1/api-clients/${id}`, { body: { expiresAt: '2027-01-01' } });
    assert.equal(await status(NOW_MS + 1_000), 'active');
  });

  test('are refused with every fault at once, of the schema and beyond it', async () => {
    const control = createTestControl(await open());
    const answer = await control.call('POST', '/api/v1/api-clients', {
      body: {
        nmae: 'x',
        contactEmail: 'nobody',
        rateLimitTier: '',
        allowedCountries: ['DE'],
        ipWhitelist: ['10.0.0.0/8', '10.0.0.0/33', 'fe80::1%eth0'],
        expiresAt: '2020-01-01T00:00:00Z',
        metadata: { big: 'x'.repeat(5_000) },
      },
    });
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.body.errors, [
      { path: 'body.name', message: 'is required' },
      { path: 'body.nmae', message: 'is not known here; did you mean name?' },
      { path: 'body.contactEmail', message: 'must be an e-mail address such as ada@example.com' },
      {
        path: 'body.rateLimitTier',
        message: 'must not be empty',
      },
      ...[1, 2].map((i) => ({
        path: `body.ipWhitelist[${i}]`,
        message: 'must be an address such as 192.0.2.7 or 2001:db8::1, or a range such as 10.0.0.0/8 or fd00::/8',
      })),
      { path: 'body.metadata', message: 'must have at most 4096 bytes as JSON' },
      { path: 'body.expiresAt', message: 'must lie in the future' },
      {
        path: 'body.allowedCountries',
        message:
          'would shut everybody out: nothing tells the country of a caller here; set GEOIP_DATABASE, or COUNTRY_HEADER with TRUSTED_PROXIES',
      },
    ]);
  });

  const faulty: readonly (readonly [body: object, path: string])[] = [
    [{ name: 'x'.repeat(256) }, 'body.name'],
    [{ scopes: ['NOT A SCOPE'] }, 'body.scopes[0]'],
    [{ scopes: ['a:b', 'a:b'] }, 'body.scopes'],
    [{ scopes: Array.from({ length: 51 }, (_, i) => `a:b${i}`) }, 'body.scopes'],
    [{ redirectUris: ['javascript:alert(1)'] }, 'body.redirectUris[0]'],
    [{ redirectUris: ['http://example.com/cb'] }, 'body.redirectUris[0]'],
    [{ redirectUris: ['https://u:p@example.com/cb'] }, 'body.redirectUris[0]'],
    [{ redirectUris: ['https://example.com/cb#x'] }, 'body.redirectUris[0]'],
    [{ redirectUris: ['https://*.example.com/cb'] }, 'body.redirectUris[0]'],
    [{ redirectUris: ['data:text/html,x'] }, 'body.redirectUris[0]'],
    [{ website: 'ftp://example.com' }, 'body.website'],
    [{ ipWhitelist: [] }, 'body.ipWhitelist'],
    [{ ipWhitelist: ['localhost'] }, 'body.ipWhitelist[0]'],
    [{ allowedCountries: ['XX'] }, 'body.allowedCountries[0]'],
    [{ allowedCountries: ['de'] }, 'body.allowedCountries[0]'],
    [{ allowedCountries: ['UK'] }, 'body.allowedCountries[0]'],
    [{ allowedEndpoints: ['/shop'] }, 'body.allowedEndpoints[0]'],
    [{ allowedEndpoints: ['GET /a', 'ep_1'] }, 'body.allowedEndpoints[1]'],
    [{ allowedEndpoints: ['ep_00000000000000000000000000'] }, 'body.allowedEndpoints[0]'],
    [{ rateLimits: {} }, 'body.rateLimits'],
    [{ rateLimits: { requestsPerMinute: 0 } }, 'body.rateLimits.requestsPerMinute'],
    [{ monthlyQuota: 0 }, 'body.monthlyQuota'],
    [{ rateLimitTier: 'gold' }, 'body.rateLimitTier'],
    [{ status: 'suspended' }, 'body.status'],
    [{ expiresAt: '2026-02-30' }, 'body.expiresAt'],
  ];
  test('are refused with the path of what is wrong', async () => {
    const control = createTestControl(await open(), {
      clients: { isApprovalAutomatic: false, areCountriesKnown: true },
    });
    for (const [body, path] of faulty) {
      const answer = await control.call('POST', '/api/v1/api-clients', { body: { ...PARTNER, ...body } });
      assert.deepEqual([answer.status, answer.body.code, pathsOf(answer)], [400, 'invalid_request', [path]]);
    }
    const { id } = await make(control, { redirectUris: ['http://127.0.0.1:5000/cb', 'com.example.app:/cb'] });
    for (const [body, path] of faulty.filter(([given]) => !('status' in given))) {
      const answer = await control.call('PUT', `/api/v1/api-clients/${id}`, { body });
      assert.deepEqual([answer.status, pathsOf(answer)], [400, [path]]);
    }
  });

  test('are listed a page at a time, sorted, and found by status, tier, address and words', async () => {
    const control = createTestControl(await open());
    const rows = [
      { name: 'beta', contactEmail: 'Tech@one.example', rateLimitTier: 'basic', expiresAt: '2026-03-01T12:00:05Z' },
      { name: 'Alpha', contactEmail: 'b@two.example', organizationName: 'Oneness', rateLimitTier: 'free' },
      { name: 'gamma', contactEmail: 'c@100%_sure.example', status: 'pending' },
    ];
    for (const [i, row] of rows.entries()) {
      control.setNow(NOW_MS + i);
      await make(control, row);
    }
    control.setNow(NOW_MS + 10_000);
    const cases: [string, string[]][] = [
      ['', ['gamma', 'Alpha', 'beta']],
      ['sortBy=name&sortOrder=asc', ['Alpha', 'beta', 'gamma']],
      ['sortBy=expiresAt&sortOrder=asc&status=expired', ['beta']],
      ['status=active', ['Alpha']],
      ['status=pending', ['gamma']],
      ['status=suspended', []],
      ['rateLimitTier=basic', ['beta']],
      ['contactEmail=TECH@', ['beta']],
      ['contactEmail=100%25_s', ['gamma']],
      ['search=one', ['Alpha', 'beta']],
      ['page=2&limit=2', ['beta']],
    ];
    for (const [query, names] of cases) {
      const answer = await control.call('GET', `/api/v1/api-clients?${query}`);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(
        answer.body.data.map(({ name }: { name: string }) => name),
        names,
        query,
      );
    }
    const byCursor: string[] = [];
    let cursor = '';
    do {
      const { body } = await control.call('GET', `/api/v1/api-clients?pageSize=1${cursor}`);
      byCursor.push(...body.data.map(({ name }: { name: string }) => name));
      cursor = body.meta.nextCursor === null ? '' : `&cursor=${body.meta.nextCursor}`;
    } while (cursor !== '');
    assert.deepEqual(byCursor, ['gamma', 'Alpha', 'beta']);
    const refused = await control.call('GET', '/api/v1/api-clients?tier=gold&status=asleep&page=0');
    assert.deepEqual(pathsOf(refused).toSorted(), ['query.page', 'query.status', 'query.tier']);
  });

  test('have a dashboard of their keys and limits, and of nothing that is not counted', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const client = await make(control, { rateLimitTier: 'premium' });
    const empty = await control.call('GET', `/api/v1/api-clients/${client.id}/dashboard`);
    assert.deepEqual(empty.body.data, {
      client,
      keys: { total: 0, usable: 0 },
      limits: {
        tier: 'premium',
        rateLimit: { requestsPerMinute: 300, requestsPerHour: 15_000, requestsPerDay: 150_000, burst: 50 },
      },
    });
    const used = await makeKey(control, client.id);
    const revoked = await makeKey(control, client.id);
    await makeKey(control, client.id, { expiresAt: '2026-03-02' });
    await control.call('DELETE', `/api/v1/keys/${revoked.id}`);
    const last_used_at = new Date(NOW_MS + 7);
    await db.updateTable('keys').set({ last_used_at }).where('id', '=', used.id).execute();
    control.setNow(NOW_MS + DAY_MS);
    const full = await control.call('GET', `/api/v1/api-clients/${client.id}/dashboard`);
    assert.deepEqual(full.body.data.keys, { total: 3, usable: 1, lastUsedAt: last_used_at.toISOString() });
  });

  test('go with their keys revoked, which stay in the list', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { id } = await make(control);
    const key = await makeKey(control, id);
    const gone = await control.call('DELETE', `/api/v1/api-clients/${id}`);
    assert.deepEqual(gone.body.data, { id, deleted: true, revokedKeys: 1 });
    assert.deepEqual(control.dataPlane.forgotten, [parsePublicId(key.apiKey)]);
    assert.equal((await control.call('GET', `/api/v1/api-clients/${id}`)).status, 404);
    assert.equal((await control.call('GET', `/api/v1/keys/${key.id}`)).body.data.status, 'revoked');
    assert.equal((await control.call('DELETE', `/api/v1/api-clients/${id}`)).status, 404);
  });

  test('take all their keys out of every thread when anything about them changes', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { id } = await make(control);
    const ids = [await makeKey(control, id), await makeKey(control, id)].map((key) => parsePublicId(key.apiKey));
    await makeKey(control, (await make(control)).id);
    const before = await readVersion(db);
    for (const [method, path, body] of [
      ['PUT', `/api/v1/api-clients/${id}`, { rateLimitTier: 'free' }],
      ['POST', `/api/clients/${id}/suspend`, undefined],
      ['POST', `/api/clients/${id}/reactivate`, undefined],
    ] as const) {
      control.dataPlane.forgotten.length = 0;
      assert.equal((await control.call(method, path, { body })).status, 200);
      assert.deepEqual(control.dataPlane.forgotten.toSorted(), ids.toSorted(), path);
    }
    assert.equal(await readVersion(db), before + 3);
  });

  test('of another tenant are not there: 404 to read, change and delete, nothing in lists', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    await db
      .insertInto('tenants')
      .values({ id: 'ten_other', name: 'Other', slug: 'other', created_at: new Date() })
      .execute();
    const { id } = await make(control);
    const key = await makeKey(control, id);
    const as = operatorPrincipal({ tenantId: 'ten_other' });
    const calls = [
      ['GET', `/api/v1/api-clients/${id}`],
      ['PUT', `/api/v1/api-clients/${id}`, {}],
      ['DELETE', `/api/v1/api-clients/${id}`],
      ['GET', `/api/v1/api-clients/${id}/dashboard`],
      ['GET', `/api/v1/clients/${id}`],
      ['PUT', `/api/v1/clients/${id}`, {}],
      ['POST', `/api/v1/clients/${id}/approve`],
      ['POST', `/api/v1/clients/${id}/reject`],
      ['POST', `/api/v1/clients/${id}/suspend`],
      ['POST', `/api/v1/clients/${id}/reactivate`],
      ['GET', `/api/v1/api-clients/${id}/api-keys`],
      ['GET', `/api/v1/api-clients/${id}/api-keys/${key.id}`],
      ['DELETE', `/api/v1/api-clients/${id}/api-keys/${key.id}`],
    ] as const;
    for (const [method, path, body] of calls) {
      const answer = await control.call(method, path, { as, body });
      assert.deepEqual([answer.status, answer.body.code], [404, 'not_found'], `${method} ${path}`);
    }
    const foreign = await control.call('POST', '/api/v1/api-keys', { as, body: { clientId: id, name: 'k' } });
    assert.deepEqual([foreign.status, pathsOf(foreign)], [400, ['body.clientId']]);
    assert.deepEqual((await control.call('GET', '/api/v1/api-clients', { as })).body.data, []);
    assert.deepEqual((await control.call('GET', `/api/v1/keys?clientId=${id}`, { as })).body.data, []);
    assert.equal((await control.call('GET', `/api/v1/api-clients/${id}`)).body.data.status, 'active');
  });

  test('need the permission: 403 names it, before anything is looked at', async () => {
    const control = createTestControl(await open());
    const { id } = await make(control);
    const cases = [
      ['POST', '/api/v1/api-clients', 'admin:clients:create'],
      ['POST', '/api/v1/clients/register', 'admin:clients:register'],
      ['GET', '/api/v1/api-clients', 'admin:clients:read'],
      ['GET', `/api/v1/api-clients/${id}`, 'admin:clients:read'],
      ['GET', `/api/v1/clients/${id}`, 'admin:clients:read'],
      ['GET', `/api/v1/api-clients/${id}/dashboard`, 'admin:clients:read'],
      ['PUT', `/api/v1/api-clients/${id}`, 'admin:clients:update'],
      ['PUT', `/api/v1/clients/${id}`, 'admin:clients:update'],
      ['POST', `/api/v1/clients/${id}/approve`, 'admin:clients:approve'],
      ['POST', `/api/v1/clients/${id}/reject`, 'admin:clients:approve'],
      ['POST', `/api/v1/clients/${id}/suspend`, 'admin:clients:update'],
      ['POST', `/api/v1/clients/${id}/reactivate`, 'admin:clients:update'],
      ['DELETE', `/api/v1/api-clients/${id}`, 'admin:clients:delete'],
    ] as const;
    for (const [method, path, needs] of cases) {
      const as = keyPrincipal(['orders:read', 'admin:keys:*', 'admin:clientsx:*']);
      const body = method === 'GET' ? undefined : { rubbish: true };
      const refused = await control.call(method, path, { as, body });
      assert.deepEqual([refused.status, refused.body.code], [403, 'insufficient_scope'], path);
      assert.match(refused.body.detail, new RegExp(needs));
      const holder = keyPrincipal([needs]);
      assert.notEqual((await control.call(method, path, { as: holder, body })).status, 403, path);
      assert.equal((await control.call(method, path, { as: null })).status, 401);
    }
  });
});
