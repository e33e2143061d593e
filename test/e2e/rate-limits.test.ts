// Limits as their documents write them, and as people change them while they are used: on two gateway threads, on both databases, with the
// counters in memory and in Redis.

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { createApi, type Api, type Json } from '../harness/api.ts';
import { forEachDatabaseUrl, withPostgresUrl } from '../harness/databases.ts';
import { createSandbox, type Sandbox } from '../harness/tollgate.ts';

const redisUrl = process.env['TEST_REDIS_URL'] ?? '';

interface Place {
  readonly admin: Api;
  readonly url: string;
  readonly endpointId: string;
}

/** A shop behind a gateway, on nodes with these settings. */
function settle(nodes: () => readonly Readonly<Record<string, string>>[]): () => Place & { urls: readonly string[] } {
  const sandboxes: Sandbox[] = [];
  let upstream: Server;
  let place: (Place & { urls: readonly string[] }) | undefined;

  before(async () => {
    upstream = createServer((_request, response) => response.end('{}'));
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const address = upstream.address();
    const target = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
    const urls: string[] = [];
    for (const env of nodes()) {
      const sandbox = await createSandbox();
      sandboxes.push(sandbox);
      urls.push((await sandbox.start({ TOLLGATE_KEY_PREFIX: 'dh_live', ...env })).url);
    }
    const [url = ''] = urls;
    const setup = await createApi(url).call('POST', '/setup', { name: 'Admin', email: 'admin@example.com' });
    assert.equal(setup.status, 201, JSON.stringify(setup.body));
    const admin = createApi(url, setup.body.apiKey);
    const gateway = await admin.call('POST', '/api/gateways', {
      name: 'shop',
      routePrefix: '/shop',
      upstreamServices: [{ name: 'orders', targets: [{ url: target }] }],
    });
    const path = `/api/gateways/${gateway.body.data.id}`;
    const endpoint = await admin.call('POST', `${path}/endpoints`, { method: 'GET', path: '/orders' });
    assert.equal((await admin.call('POST', `${path}/deploy`)).status, 200);
    place = { admin, url, urls, endpointId: endpoint.body.data.id };
  });

  after(async () => {
    for (const sandbox of sandboxes) await sandbox.remove();
    upstream.closeAllConnections();
    upstream.close();
  });

  return () => {
    if (place === undefined) throw new Error('asked for the place before it was there');
    return place;
  };
}

async function makeKey({ admin }: Place, body: object = {}): Promise<{ id: string; key: string }> {
  const made = await admin.call('POST', '/api/v1/keys', { name: 'x', ...body });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return { id: made.body.data.id, key: made.body.data.apiKey };
}

async function makeClient({ admin }: Place, body: object): Promise<{ id: string; keys: string[] }> {
  const client = await admin.call('POST', '/api/v1/api-clients', { name: 'P', contactEmail: 'a@b.c', ...body });
  assert.equal(client.status, 201, JSON.stringify(client.body));
  const clientId: string = client.body.data.id;
  const keys: string[] = [];
  for (let i = 0; i < 2; i++) {
    const key = await admin.call('POST', '/api/v1/api-keys', { clientId, name: 'k' });
    keys.push(key.body.data.key);
  }
  return { id: clientId, keys };
}

/** What is left after a call, and its status. */
async function order(url: string, key: string): Promise<[status: number, remaining: string | null]> {
  const { status, headers } = await createApi(url, key).call('GET', '/shop/orders');
  return [status, headers.get('x-ratelimit-remaining')];
}

forEachDatabaseUrl('limits', (databaseUrl) => {
  const at = settle(() => [databaseUrl() === undefined ? {} : { TOLLGATE_DATABASE_URL: databaseUrl() ?? '' }]);

  it('first-time setup: a developer makes a key and sees where it stands', async () => {
    const { admin, url } = at();
    const created = await admin.call('POST', '/api/v1/keys', {
      name: 'Alex Dev Key',
      scopes: ['read:requests', 'write:requests'],
    });
    assert.match(created.body.data.apiKey, /^dh_live_/);
    const status = await createApi(url, created.body.data.apiKey).call('GET', '/api/v1/rate-limits/status');
    assert.equal(status.status, 200);
    assert.equal(status.body.success, true);
    const { limits } = status.body.data;
    assert.deepEqual(Object.keys(limits), ['key-minute', 'key-hour', 'key-day']);
    const { resetAt, ...hour } = limits['key-hour'];
    assert.deepEqual(hour, { of: 'key', window: 'hour', limit: 1_000, used: 1, remaining: 999 });
    assert.ok(Date.parse(resetAt) > Date.now() - 60_000);
  });

  it('partner onboarding: limits of a partner’s key are adjusted without a new key', async () => {
    const place = at();
    const created = await place.admin.call('POST', '/api/v1/keys', {
      name: 'Partner: Acme Corp',
      description: 'API access for Acme Corp integration',
      scopes: ['read:requests', 'write:webhooks'],
      rateLimit: { requestsPerMinute: 1000, requestsPerHour: 50000 },
      metadata: { partner: 'acme-corp', contract: 'PARTNER-2024-001', tier: 'premium' },
      expiresAt: new Date(Date.now() + 365 * 86_400_000).toISOString(),
    });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    const { id, apiKey } = created.body.data;
    assert.deepEqual(await order(place.url, apiKey), [200, '999']);
    const body = { requestsPerMinute: 2000, requestsPerHour: 90000 };
    const adjusted = await place.admin.call('PUT', `/api/v1/rate-limits/keys/${id}`, body);
    assert.deepEqual(adjusted.body.data.effective, body);
    assert.deepEqual(await order(place.url, apiKey), [200, '1998']);
  });

  it('lists the tiers as the ecosystem document shows them', async () => {
    const { data } = (await at().admin.call('GET', '/api/v1/rate-limits')).body;
    const { burst, ...premium } = data.premium;
    assert.deepEqual(premium, { requestsPerMinute: 300, requestsPerHour: 15000, requestsPerDay: 150000 });
    assert.equal(burst, 50);
  });

  it('raises the limit of a client on every thread without resetting: used 5 of 10, raised to 20, 15 are left', async () => {
    const place = at();
    const { id, keys } = await makeClient(place, { rateLimits: { requestsPerDay: 10 } });
    for (let i = 0; i < 5; i++) await order(place.url, keys[i % 2] ?? '');
    const raised = { rateLimits: { requestsPerDay: 20 }, subscriptionTier: 'professional' };
    assert.equal((await place.admin.call('PUT', `/api/clients/${id}`, raised)).status, 200);
    const left: unknown[] = [];
    for (let i = 0; i < 16; i++) left.push(await order(place.url, keys[i % 2] ?? ''));
    assert.deepEqual(left, [...Array.from({ length: 15 }, (_, i) => [200, String(14 - i)]), [429, '0']]);
  });

  it('follows a tier that is changed, for all its clients, without resetting', async () => {
    const place = at();
    const tier = '/api/v1/rate-limits/tiers/gold';
    await place.admin.call('PUT', tier, { requestsPerDay: 4 });
    const clients = [
      await makeClient(place, { rateLimitTier: 'gold' }),
      await makeClient(place, { rateLimitTier: 'gold' }),
    ];
    for (const { keys } of clients) for (const key of keys) assert.equal((await order(place.url, key))[0], 200);
    await place.admin.call('PUT', tier, { requestsPerDay: 3 });
    for (const { keys } of clients) {
      assert.deepEqual(await order(place.url, keys[0] ?? ''), [200, '0']);
      assert.deepEqual(await order(place.url, keys[1] ?? ''), [429, '0']);
    }
    const refused = await place.admin.call('DELETE', tier);
    assert.deepEqual([refused.status, refused.body.total], [409, 2]);
  });

  it('holds what is said of an endpoint at once: what it costs, for each client, and without a word', async () => {
    const place = at();
    const path = `/api/v1/rate-limits/endpoints/${place.endpointId}`;
    const { key } = await makeKey(place, { rateLimit: { requestsPerDay: 100 } });
    assert.deepEqual(await order(place.url, key), [200, '99']);
    await place.admin.call('PUT', path, { cost: 10, perClient: { requestsPerDay: 25 }, expose: false });
    assert.deepEqual(await order(place.url, key), [200, '89']);
    assert.deepEqual(await order(place.url, key), [200, '79']);
    const refused = await createApi(place.url, key).call('GET', '/shop/orders');
    assert.deepEqual([refused.status, refused.body['violated-policies']], [429, undefined]);
    await place.admin.call('DELETE', path);
    assert.deepEqual(await order(place.url, key), [200, '78']);
  });

  it('tells once that a quota is used, whichever threads counted', async (t) => {
    const url = databaseUrl();
    if (url === undefined) return t.skip('nobody else can look into an embedded database');
    const place = at();
    const { id, keys } = await makeClient(place, { monthlyQuota: 5 });
    for (let i = 0; i < 8; i++) await order(place.url, keys[i % 2] ?? '');
    const events = await until(url, id);
    assert.deepEqual(
      events.map(({ type, data }) => [type, data.quota]),
      [
        ['quota.exceeded', 5],
        ['quota.warning', 5],
      ],
    );
  });

  it('multiplies the limits of a tenant', async () => {
    const place = at();
    const { key } = await makeKey(place, { rateLimit: { requestsPerDay: 10 } });
    assert.deepEqual(await order(place.url, key), [200, '9']);
    const path = '/api/v1/rate-limits/tenants/ten_00000000000000000000000000';
    await place.admin.call('PUT', path, { multiplier: 1.5 });
    assert.deepEqual(await order(place.url, key), [200, '13']);
    await place.admin.call('DELETE', path);
    assert.deepEqual(await order(place.url, key), [200, '7']);
  });
});

withPostgresUrl('limits over two nodes', (databaseUrl) => {
  describe('with Redis', { skip: redisUrl === '' }, () => {
    const at = settle(() => {
      const env = {
        TOLLGATE_DATABASE_URL: databaseUrl(),
        TOLLGATE_REDIS_URL: redisUrl,
        TOLLGATE_HMAC_SECRET: 'h'.repeat(64),
        TOLLGATE_ENCRYPTION_KEY: 'e'.repeat(64),
        // Of a machine that is busy with other tests.
        TOLLGATE_REDIS_TIMEOUT_MS: '10000',
      };
      return [env, env];
    });

    it('tells where a caller stands, wherever it called', async () => {
      const place = at();
      const [first = '', second = ''] = place.urls;
      const { key } = await makeKey(place, { rateLimit: { requestsPerDay: 10 } });
      await order(first, key);
      const status = await createApi(second, key).call('GET', '/api/v1/rate-limits/status');
      assert.equal(status.body.data.limits['key-day'].used, 2);
    });

    it('raises a limit on the other node within a second, without resetting', async () => {
      const place = at();
      const [first = '', second = ''] = place.urls;
      const { id, key } = await makeKey(place, { rateLimit: { requestsPerDay: 1_000 } });
      for (const url of [first, second, second]) await order(url, key);
      await place.admin.call('PUT', `/api/v1/rate-limits/keys/${id}`, { requestsPerDay: 100_000 });
      let used = 3;
      let remaining = 0;
      while (remaining < 10_000) {
        remaining = Number((await order(second, key))[1]);
        used += 1;
      }
      assert.equal(remaining, 100_000 - used);
    });

    it('tells once that a quota is used, on whichever nodes and threads it was', async () => {
      const place = at();
      const { id, keys } = await makeClient(place, { monthlyQuota: 10 });
      const statuses: number[] = [];
      for (let i = 0; i < 13; i++) statuses.push((await order(place.urls[i % 2] ?? '', keys[(i >> 1) % 2] ?? ''))[0]);
      assert.deepEqual(
        statuses.filter((status) => status === 429),
        [429, 429, 429],
      );
      const events = await until(databaseUrl(), id);
      assert.deepEqual(
        events.map(({ type, data }) => [type, data.clientId, data.quota]),
        [
          ['quota.exceeded', id, 10],
          ['quota.warning', id, 10],
        ],
      );
    });
  });
});

/** The events about the quota, once there are two. */
async function until(databaseUrl: string, clientId: string): Promise<readonly { type: string; data: Json }[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    while (true) {
      const text = `select type, data from events where type like 'quota.%' and data ->> 'clientId' = $1 order by type`;
      const { rows } = await client.query(text, [clientId]);
      if (rows.length >= 2) return rows;
    }
  } finally {
    await client.end();
  }
}
