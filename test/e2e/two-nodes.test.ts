// Two nodes on one PostgreSQL and one Redis: one configuration, one limit for both, and no open door when Redis goes away.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { after, before, it } from 'node:test';
import { RedisProxy } from '../../src/limits/redis-proxy.fixture.ts';
import { createApi, type Answer, type Api } from '../harness/api.ts';
import { withPostgresUrl } from '../harness/databases.ts';
import { createSandbox, type Sandbox } from '../harness/tollgate.ts';

const redisUrl = process.env['TEST_REDIS_URL'] ?? '';

withPostgresUrl('two nodes', (databaseUrl) => {
  const sandboxes: Sandbox[] = [];
  let redis: RedisProxy;
  let upstream: Server;
  let first = '';
  let second = '';
  let admin: Api;
  let key = '';

  before(async () => {
    redis = await RedisProxy.start(redisUrl);
    upstream = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const env = {
      TOLLGATE_DATABASE_URL: databaseUrl(),
      TOLLGATE_REDIS_URL: redis.url,
      TOLLGATE_HMAC_SECRET: 'h'.repeat(64),
      TOLLGATE_ENCRYPTION_KEY: 'e'.repeat(64),
      TOLLGATE_THREADS: '1',
      // Of a machine that is busy with other tests.
      TOLLGATE_REDIS_TIMEOUT_MS: '10000',
    };
    const start = async (onFailure: string): Promise<string> => {
      const sandbox = await createSandbox();
      sandboxes.push(sandbox);
      return (await sandbox.start({ ...env, TOLLGATE_LIMITS_ON_FAILURE: onFailure })).url;
    };
    // Both at once: one of them migrates, the other waits for it.
    [first, second] = await Promise.all([start('local'), start('deny')]);
    const setup = await createApi(first).call('POST', '/setup', { name: 'Admin', email: 'admin@example.com' });
    admin = createApi(first, setup.body.apiKey);
  });

  after(async () => {
    for (const sandbox of sandboxes) await sandbox.remove();
    upstream.closeAllConnections();
    upstream.close();
    await redis.stop();
  });

  it('serves on the second node what was deployed on the first', async () => {
    const address = upstream.address();
    const target = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
    const gateway = await admin.call('POST', '/api/v1/gateways', {
      name: 'shop',
      routePrefix: '/shop',
      upstreamServices: [{ name: 'orders', targets: [{ url: target }] }],
    });
    await admin.call('POST', `/api/v1/gateways/${gateway.body.data.id}/endpoints`, { method: 'GET', path: '/orders' });
    await admin.call('POST', `/api/v1/gateways/${gateway.body.data.id}/deploy`);
    const created = await admin.call('POST', '/api/v1/keys', { name: 'caller', rateLimit: { requestsPerDay: 6 } });
    key = created.body.data.apiKey;
    const there = createApi(second);
    while ((await there.call('GET', '/shop/orders')).status === 404);
    assert.equal((await there.call('GET', '/shop/orders')).status, 401);
  });

  it('counts one limit over both', async () => {
    const nodes = [createApi(first, key), createApi(second, key)];
    const answers: Answer[] = [];
    for (let call = 0; call < 8; call++) answers.push(await pick(nodes, call).call('GET', '/shop/orders'));
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [200, 200, 200, 200, 200, 200, 429, 429],
    );
    assert.deepEqual(
      answers.map((answer) => answer.headers.get('x-ratelimit-remaining')),
      ['5', '4', '3', '2', '1', '0', '0', '0'],
    );
  });

  it('refuses on the second node a key that was revoked on the first', async () => {
    const created = await admin.call('POST', '/api/v1/keys', {
      name: 'short life',
      rateLimit: { requestsPerDay: 1_000_000 },
    });
    const caller = createApi(second, created.body.data.apiKey);
    assert.equal((await caller.call('GET', '/shop/orders')).status, 200);
    await admin.call('DELETE', `/api/v1/keys/${created.body.data.id}`);
    let answer: Answer;
    do answer = await caller.call('GET', '/shop/orders');
    while (answer.status === 200);
    assert.equal(answer.body.code, 'key_revoked');
  });

  it('stops on the second node the keys of a client that was suspended on the first', async () => {
    const client = await admin.call('POST', '/api/v1/api-clients', {
      name: 'Partner',
      contactEmail: 'a@b.c',
      rateLimits: { requestsPerDay: 1_000_000 },
    });
    const clientId: string = client.body.data.id;
    const created = await admin.call('POST', '/api/v1/api-keys', { clientId, name: 'k' });
    const caller = createApi(second, created.body.data.key);
    assert.equal((await caller.call('GET', '/shop/orders')).status, 200);
    await admin.call('POST', `/api/v1/clients/${clientId}/suspend`);
    let answer: Answer;
    do answer = await caller.call('GET', '/shop/orders');
    while (answer.status === 200);
    assert.equal(answer.body.code, 'client_suspended');
  });

  it('counts on by itself, or refuses limited calls, while Redis is away, says so, and goes on when it is back', async () => {
    const ready = createApi(second);
    await redis.stop();
    const known = await createApi(first, key).call('GET', '/shop/orders');
    assert.equal(known.status, 429, 'it knows that all was used');
    const created = await admin.call('POST', '/api/v1/keys', { name: 'new', rateLimit: { requestsPerDay: 2 } });
    const newcomer = createApi(first, created.body.data.apiKey);
    const counting = await admin.call('POST', '/api/v1/keys', { name: 'many', rateLimit: { requestsPerDay: 1000 } });
    const many = [first, second].map((node) => createApi(node, counting.body.data.apiKey));
    for (let call = 0; call < 5; call++) await pick(many, 0).call('GET', '/shop/orders');
    const statuses: number[] = [];
    for (let call = 0; call < 3; call++) statuses.push((await newcomer.call('GET', '/shop/orders')).status);
    assert.deepEqual(statuses, [200, 200, 429]);
    const refused = await createApi(second, key).call('GET', '/shop/orders');
    assert.equal(refused.status, 503);
    assert.equal(refused.body.code, 'limits_unavailable');
    const health = await ready.call('GET', '/health/ready');
    assert.equal(health.status, 503);
    assert.match(JSON.stringify(health.body), /"redis"/);
    await redis.restore();
    let back: Answer;
    do back = await createApi(second, key).call('GET', '/shop/orders');
    while (back.status === 503);
    assert.equal(back.status, 429, 'what was counted before is still counted');
    assert.equal((await newcomer.call('GET', '/shop/orders')).status, 429);
    let remaining: string | null;
    let counted = 5;
    do {
      remaining = (await pick(many, ++counted).call('GET', '/shop/orders')).headers.get('x-ratelimit-remaining');
    } while (counted % 2 === 0 || remaining !== String(1000 - counted));
    assert.equal((await createApi(second, created.body.data.apiKey).call('GET', '/shop/orders')).status, 429);
  });
});

function pick(nodes: readonly Api[], call: number): Api {
  const node = nodes[call % nodes.length];
  if (node === undefined) throw new Error('no nodes');
  return node;
}
