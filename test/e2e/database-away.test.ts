// Two nodes on one PostgreSQL, and the one that serves loses it: keys that it remembers go on, others are refused, nothing is let through,
// and once the database is back, it knows what the other node changed meanwhile.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { after, before, it } from 'node:test';
import { newKeyText } from '../../src/lib/key-text.ts';
// Passes bytes on, whatever they mean.
import { RedisProxy as Proxy } from '../../src/limits/redis-proxy.fixture.ts';
import { createApi, type Answer, type Api, type Json } from '../harness/api.ts';
import { withPostgresUrl } from '../harness/databases.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';

withPostgresUrl('a node that loses its database', (databaseUrl) => {
  const sandboxes: Sandbox[] = [];
  let proxy: Proxy;
  let upstream: Server;
  let serving: RunningTollgate;
  let admin: Api;

  const start = async (url: string, env: Readonly<Record<string, string>> = {}): Promise<RunningTollgate> => {
    const sandbox = await createSandbox();
    sandboxes.push(sandbox);
    return sandbox.start({
      TOLLGATE_DATABASE_URL: url,
      TOLLGATE_HMAC_SECRET: 'h'.repeat(64),
      TOLLGATE_ENCRYPTION_KEY: 'e'.repeat(64),
      TOLLGATE_THREADS: '1',
      ...env,
    });
  };
  const issue = async (body: object = {}): Promise<Json> => {
    const made = await admin.call('POST', '/api/v1/keys', {
      name: 'caller',
      rateLimit: { requestsPerDay: 1_000_000 },
      ...body,
    });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    return made.body.data;
  };
  const use = (key: string): Promise<Answer> => createApi(serving.url, key).call('GET', '/shop/orders');
  /** Calls until the answer is another one, and returns that. */
  const useWhile = async (key: string, status: number): Promise<Answer> => {
    let answer: Answer;
    do answer = await use(key);
    while (answer.status === status);
    return answer;
  };

  /** What was missed makes the node forget all keys, and it may hear of that late: not later than of this. */
  const catchUp = async (): Promise<void> => {
    const { id, apiKey } = await issue();
    assert.equal((await useWhile(apiKey, 503)).status, 200);
    await admin.call('DELETE', `/api/v1/keys/${id}`);
    while ((await useWhile(apiKey, 200)).body.code !== 'key_revoked');
  };

  before(async () => {
    proxy = await Proxy.start(databaseUrl());
    upstream = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const managing = await start(databaseUrl());
    // So short an age that every key is old by the time that matters.
    serving = await start(proxy.url, { TOLLGATE_KEY_CACHE_SECONDS: '1' });
    const setup = await createApi(managing.url).call('POST', '/setup', { name: 'Admin', email: 'admin@example.com' });
    admin = createApi(managing.url, setup.body.apiKey);
    const address = upstream.address();
    const target = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
    const gateway = await admin.call('POST', '/api/v1/gateways', {
      name: 'shop',
      routePrefix: '/shop',
      upstreamServices: [{ name: 'orders', targets: [{ url: target }] }],
    });
    const path = `/api/v1/gateways/${gateway.body.data.id}`;
    await admin.call('POST', `${path}/endpoints`, { method: 'GET', path: '/orders' });
    await admin.call('POST', `${path}/deploy`);
    const anonymous = createApi(serving.url);
    while ((await anonymous.call('GET', '/shop/orders')).status === 404);
  });

  after(async () => {
    for (const sandbox of sandboxes) await sandbox.remove();
    upstream.closeAllConnections();
    upstream.close();
    await proxy.stop();
  });

  it('hears of a rotation, a change and a revocation on the other node', async () => {
    const rotated = await issue();
    const bound = await issue();
    const revoked = await issue();
    for (const { apiKey } of [rotated, bound, revoked]) assert.equal((await use(apiKey)).status, 200);
    await admin.call('POST', `/api/v1/keys/${rotated.id}/rotate`, { deprecationPeriod: 0 });
    await admin.call('PUT', `/api/v1/keys/${bound.id}`, { allowedIps: ['192.0.2.1'] });
    await admin.call('DELETE', `/api/v1/keys/${revoked.id}`);
    assert.equal((await useWhile(rotated.apiKey, 200)).body.code, 'key_superseded');
    assert.equal((await useWhile(bound.apiKey, 200)).body.code, 'address_not_allowed');
    assert.equal((await useWhile(revoked.apiKey, 200)).body.code, 'key_revoked');
  });

  const outages = {
    'that does not answer any more': { begin: () => proxy.freeze(), end: async () => proxy.thaw() },
    'that refuses connections': { begin: () => proxy.stop(), end: () => proxy.restore() },
  };
  for (const [what, outage] of Object.entries(outages)) {
    it(`goes on with the keys that it remembers, and with no others, on a database ${what}`, async () => {
      const known = await issue();
      const revoked = await issue();
      const expiring = await issue({ expiresAt: new Date(Date.now() + 4_000).toISOString() });
      // Of an outage before, a connection that was frozen may fail once more.
      await catchUp();
      for (const { apiKey } of [known, revoked, expiring]) assert.equal((await useWhile(apiKey, 503)).status, 200);
      await outage.begin();
      const unknown = await issue();
      await admin.call('DELETE', `/api/v1/keys/${revoked.id}`);

      for (const key of [unknown.apiKey, newKeyText('tg_live').text]) {
        const refused = await use(key);
        assert.deepEqual([refused.status, refused.body.code], [503, 'credentials_unavailable']);
        assert.equal(refused.headers.get('retry-after'), '1');
      }
      // By now the others are older than their age.
      for (let i = 0; i < 3; i++) assert.equal((await use(known.apiKey)).status, 200);
      assert.equal((await useWhile(expiring.apiKey, 200)).body.code, 'key_expired', 'time goes on all the same');
      assert.equal((await use(revoked.apiKey)).status, 200, 'of a revocation it cannot know');

      await outage.end();
      assert.equal((await useWhile(revoked.apiKey, 200)).body.code, 'key_revoked');
      assert.equal((await useWhile(unknown.apiKey, 503)).status, 200);
      assert.equal((await useWhile(known.apiKey, 503)).status, 200);
    });
  }

  it('tells of each outage and of each return, and not once for every call', () => {
    const count = (pattern: RegExp): number => serving.log().match(pattern)?.length ?? 0;
    const told = count(/keys cannot be looked up/g);
    // A connection that was frozen may fail once more after the return.
    assert.ok(told >= 2 && told <= 6, `${told} outages`);
    assert.equal(count(/keys can be looked up again/g), told);
  });
});
