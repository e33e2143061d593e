// Clients as their documents call them, from registration to the last call, and what the gateway holds their keys to. The same on both
// databases.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { createApi, type Answer, type Api, type Json } from '../harness/api.ts';
import { forEachDatabaseUrl } from '../harness/databases.ts';
import { createMmdb } from '../harness/mmdb.ts';
import { createSandbox, type Sandbox } from '../harness/tollgate.ts';

const NETWORKS = { '192.0.2.0/24': 'DE', '198.51.100.0/24': 'FR' };
/** In both documents the dates lie in the past; a key that has expired cannot be made. */
const IN_A_YEAR = new Date(Date.now() + 365 * 86_400_000).toISOString();

forEachDatabaseUrl('clients', (databaseUrl) => {
  let upstream: Server;
  let sandbox: Sandbox;
  let url = '';
  let admin: Api;
  let ordersId = '';

  before(async () => {
    upstream = createServer((_request, response) => response.end('{}'));
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const address = upstream.address();
    const target = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
    sandbox = await createSandbox();
    const countries = join(sandbox.dataDir, 'countries.mmdb');
    await writeFile(countries, createMmdb({ networks: NETWORKS }));
    const tollgate = await sandbox.start({
      ...(databaseUrl() !== undefined && { TOLLGATE_DATABASE_URL: databaseUrl() ?? '' }),
      // The tests stand in for a proxy, which says whom it forwards for.
      TOLLGATE_TRUSTED_PROXIES: '127.0.0.1',
      TOLLGATE_COUNTRY_HEADER: 'CF-IPCountry',
      TOLLGATE_GEOIP_DATABASE: countries,
      TOLLGATE_KEY_PREFIX: 'ins',
    });
    url = tollgate.url;
    // Behind a trusted proxy nobody is local.
    const token = /X-Setup-Token: ([^']+)'/.exec(tollgate.output())?.[1] ?? '';
    const person = { name: 'Admin', email: 'admin@example.com' };
    const setup = await createApi(url).call('POST', '/setup', person, { 'x-setup-token': token });
    assert.equal(setup.status, 201, JSON.stringify(setup.body));
    admin = createApi(url, setup.body.apiKey);

    const gateway = await admin.call('POST', '/api/gateways', {
      name: 'shop',
      baseUrl: url,
      routePrefix: '/shop',
      upstreamServices: [{ name: 'orders', targets: [{ url: target }] }],
    });
    const id: string = gateway.body.data.id;
    const orders = await admin.call('POST', `/api/gateways/${id}/endpoints`, { method: 'GET', path: '/orders/{id}' });
    ordersId = orders.body.data.id;
    await admin.call('POST', `/api/gateways/${id}/endpoints`, {
      method: 'GET',
      path: '/leads',
      requiredScopes: ['leads:read'],
    });
    assert.equal((await admin.call('POST', `/api/gateways/${id}/deploy`)).status, 200);
  });

  after(async () => {
    await sandbox.remove();
    upstream.closeAllConnections();
    upstream.close();
  });

  async function make(body: object = {}): Promise<{ id: string; caller: Api; keyId: string }> {
    const client = await admin.call('POST', '/api/v1/api-clients', {
      name: 'Partner',
      contactEmail: 'tech@example.com',
      scopes: ['leads:read'],
      ...body,
    });
    assert.equal(client.status, 201, JSON.stringify(client.body));
    const id: string = client.body.data.id;
    const key = await admin.call('POST', '/api/v1/api-keys', { clientId: id, name: 'k', scopes: ['leads:read'] });
    assert.equal(key.status, 201, JSON.stringify(key.body));
    return { id, caller: createApi(url, key.body.data.key), keyId: key.body.data.id };
  }

  /** Often enough that every gateway thread is asked. */
  async function codesOf(caller: Api, path: string, headers: Record<string, string> = {}): Promise<Set<unknown>> {
    const codes = new Set<unknown>();
    for (let i = 0; i < 8; i++) {
      const answer = await caller.call('GET', path, undefined, headers);
      codes.add(answer.status === 200 ? 200 : answer.body.code);
    }
    return codes;
  }

  it('live as the ecosystem document writes it', async () => {
    const created = await admin.call('POST', '/api/v1/api-clients', {
      name: 'My Partner Application',
      description: 'Integration for lead management',
      redirectUris: ['https://example.com/callback'],
      website: 'https://example.com',
      contactEmail: 'tech@example.com',
      rateLimitTier: 'standard',
      scopes: ['leads:read', 'leads:write'],
    });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    const id: string = created.body.data.id;

    const listed = await admin.call(
      'GET',
      '/api/v1/api-clients?status=active&rateLimitTier=standard&contactEmail=tech@example.com&search=partner&page=1&limit=20',
    );
    assert.deepEqual(
      listed.body.data.map((client: Json) => client.id),
      [id],
    );
    assert.equal((await admin.call('GET', `/api/v1/api-clients/${id}`)).body.data.name, 'My Partner Application');
    const updated = await admin.call('PUT', `/api/v1/api-clients/${id}`, { rateLimitTier: 'premium' });
    assert.equal(updated.body.data.rateLimitTier, 'premium');
    const dashboard = await admin.call('GET', `/api/v1/api-clients/${id}/dashboard`);
    assert.equal(dashboard.body.data.limits.rateLimit.requestsPerMinute, 300);

    const key = await admin.call('POST', '/api/v1/api-keys', {
      clientId: id,
      name: 'Production Key',
      expiresAt: IN_A_YEAR,
      scopes: ['leads:read', 'leads:write'],
      rateLimitOverride: 200,
    });
    assert.equal(key.status, 201, JSON.stringify(key.body));
    const made = key.body.data;
    assert.match(made.key, /^ins_/);
    assert.ok(made.key.startsWith(made.keyId) && made.keyId.startsWith(made.keyPrefix));
    assert.deepEqual(
      [made.name, made.status, made.scopes],
      ['Production Key', 'active', ['leads:read', 'leads:write']],
    );

    const answer = await createApi(url).call('GET', '/shop/leads', undefined, { authorization: `Bearer ${made.key}` });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(answer.headers.get('x-ratelimit-limit'), '200');
    assert.equal(answer.headers.get('x-ratelimit-remaining'), '199');

    const keys = await admin.call('GET', `/api/v1/api-clients/${id}/api-keys`);
    assert.deepEqual(
      keys.body.data.map((one: Json) => one.id),
      [made.id],
    );
    assert.equal((await admin.call('DELETE', `/api/v1/api-clients/${id}/api-keys/${made.id}`)).status, 200);
    assert.deepEqual(await codesOf(createApi(url, made.key), '/shop/leads'), new Set(['key_revoked']));
    assert.equal((await admin.call('DELETE', `/api/v1/api-clients/${id}`)).status, 200);
    assert.equal((await admin.call('GET', `/api/v1/api-clients/${id}`)).status, 404);
  });

  it('live as the gateway specification writes it', async () => {
    const registered = await admin.call('POST', '/api/clients/register', {
      clientName: 'Photo Sync',
      clientType: 'integration',
      organizationName: 'Acme Weddings',
      contactEmail: 'dev@acme.example',
      requestedScopes: ['leads:read'],
    });
    assert.equal(registered.status, 201, JSON.stringify(registered.body));
    const { clientId, status } = registered.body.data;
    assert.equal(status, 'pending');
    const key = await admin.call('POST', '/api/v1/keys', { clientId, name: 'ahead', scopes: ['leads:read'] });
    const caller = createApi(url, key.body.data.apiKey);
    assert.deepEqual(await codesOf(caller, '/shop/leads'), new Set(['client_pending']));

    const approved = await admin.call('POST', `/api/clients/${clientId}/approve`);
    assert.equal(approved.body.data.status, 'active');
    assert.deepEqual(await codesOf(caller, '/shop/leads'), new Set([200]));
    const got = await admin.call('GET', `/api/clients/${clientId}`);
    assert.deepEqual([got.body.data.status, got.body.data.credentials.length], ['active', 1]);

    const updated = await admin.call('PUT', `/api/clients/${clientId}`, {
      allowedScopes: ['orders:read'],
      rateLimits: { requestsPerMinute: 1000 },
      subscriptionTier: 'professional',
    });
    assert.equal(updated.status, 200, JSON.stringify(updated.body));
    assert.deepEqual(await codesOf(caller, '/shop/leads'), new Set(['insufficient_scope']));
    const limited = await caller.call('GET', '/shop/orders/1');
    assert.equal(limited.headers.get('x-ratelimit-limit'), '1000');
  });

  it('stop with all their keys at once, on every thread, and go on when they may', async () => {
    const { id, caller } = await make({ rateLimits: { requestsPerMinute: 1_000_000 } });
    const second = await admin.call('POST', '/api/v1/api-keys', { clientId: id, name: 'k2' });
    const callers = [caller, createApi(url, second.body.data.key)];
    const expectAll = async (code: unknown): Promise<void> => {
      for (const one of callers) assert.deepEqual(await codesOf(one, '/shop/orders/1'), new Set([code]));
    };
    await expectAll(200);
    await admin.call('PUT', `/api/v1/api-clients/${id}`, { status: 'suspended' });
    await expectAll('client_suspended');
    await admin.call('POST', `/api/clients/${id}/reactivate`);
    await expectAll(200);
    const soon = new Date(Date.now() + 1_500).toISOString();
    await admin.call('PUT', `/api/v1/api-clients/${id}`, { expiresAt: soon });
    let answer: Answer;
    do answer = await caller.call('GET', '/shop/orders/1');
    while (answer.status === 200);
    assert.deepEqual([answer.status, answer.body.code], [403, 'client_expired']);
    assert.ok(Date.now() >= Date.parse(soon));
    await admin.call('DELETE', `/api/v1/api-clients/${id}`);
    await expectAll('key_revoked');
  });

  it('call from their addresses only', async () => {
    const { caller } = await make({ ipWhitelist: ['192.0.2.0/24', '2001:db8::7'] });
    const from = (address: string) => codesOf(caller, '/shop/orders/1', { 'x-forwarded-for': address });
    assert.deepEqual(await from('192.0.2.99'), new Set([200]));
    assert.deepEqual(await from('2001:db8::7'), new Set([200]));
    for (const address of ['192.0.3.1', '2001:db8::8', '192.0.2.99, 203.0.113.5'])
      assert.deepEqual(await from(address), new Set(['address_not_allowed']), address);
    assert.deepEqual(await codesOf(caller, '/shop/orders/1'), new Set(['address_not_allowed']), 'the peer itself');
  });

  it('call from their countries only, as the header of a trusted proxy or the database tells them', async () => {
    const { caller } = await make({ allowedCountries: ['DE'] });
    const from = (headers: Record<string, string>) => codesOf(caller, '/shop/orders/1', headers);
    assert.deepEqual(await from({ 'cf-ipcountry': 'DE' }), new Set([200]));
    assert.deepEqual(await from({ 'x-forwarded-for': '192.0.2.1' }), new Set([200]));
    for (const headers of [
      { 'cf-ipcountry': 'FR' },
      { 'cf-ipcountry': 'XX' },
      { 'x-forwarded-for': '198.51.100.1' },
      { 'x-forwarded-for': '203.0.113.1' },
      { 'cf-ipcountry': 'FR', 'x-forwarded-for': '192.0.2.1' },
    ])
      assert.deepEqual(await from(headers), new Set(['country_not_allowed']), JSON.stringify(headers));
  });

  it('call their endpoints only, those of the management API included', async () => {
    const { id, caller } = await make({ allowedEndpoints: [ordersId], scopes: ['leads:read', 'clients:read'] });
    assert.deepEqual(await codesOf(caller, '/shop/orders/1'), new Set([200]));
    assert.deepEqual(await codesOf(caller, '/shop/leads'), new Set(['endpoint_not_allowed']));
    assert.deepEqual(await codesOf(caller, `/api/v1/api-clients/${id}`), new Set(['endpoint_not_allowed']));
    await admin.call('PUT', `/api/v1/api-clients/${id}`, { allowedEndpoints: ['GET /shop/*'] });
    assert.deepEqual(await codesOf(caller, '/shop/leads'), new Set([200]));
    assert.deepEqual(await codesOf(caller, '/shop/%6Ceads'), new Set([200]), 'what the router decides counts');
  });

  it('see themselves with a key of theirs, and nobody else', async () => {
    const { id, keyId } = await make({
      scopes: ['leads:read', 'clients:read', 'keys:read'],
      ipWhitelist: ['127.0.0.1'],
    });
    const other = await make();
    const key = await admin.call('POST', '/api/v1/api-keys', {
      clientId: id,
      name: 'self',
      scopes: ['clients:read', 'keys:read'],
    });
    const self = createApi(url, key.body.data.key);
    assert.equal((await self.call('GET', `/api/clients/${id}`)).body.data.credentials.length, 2);
    assert.equal((await self.call('GET', `/api/clients/${other.id}`)).status, 404);
    const keys = await self.call('GET', '/api/v1/keys');
    assert.deepEqual(keys.body.data.map((one: Json) => one.id).toSorted(), [keyId, key.body.data.id].toSorted());
  });
});
