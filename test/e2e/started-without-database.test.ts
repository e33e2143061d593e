// A node starts while its database is away: it serves what it served last, says what is missing, lets nobody in whom it cannot know,
// and takes up the database's configuration when that is back.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { RedisProxy } from '../../src/limits/redis-proxy.fixture.ts';
import { createApi, type Answer } from '../harness/api.ts';
import { withPostgresUrl } from '../harness/databases.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';

withPostgresUrl('a node whose database is away', (databaseUrl) => {
  let proxy: RedisProxy;
  let upstream: Server;
  let sandbox: Sandbox;
  let other: Sandbox;
  let node: RunningTollgate;
  let key = '';
  let adminKey = '';

  const env = (url: string): Record<string, string> => ({
    TOLLGATE_DATABASE_URL: url,
    TOLLGATE_HMAC_SECRET: 'h'.repeat(64),
    TOLLGATE_ENCRYPTION_KEY: 'e'.repeat(64),
    TOLLGATE_THREADS: '1',
  });
  const call = (method: string, path: string, body?: unknown, as?: string): Promise<Answer> =>
    createApi(node.url, as).call(method, path, body);

  before(async () => {
    // It passes bytes on and knows nothing of what they mean.
    proxy = await RedisProxy.start(databaseUrl());
    upstream = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    sandbox = await createSandbox();
    other = await createSandbox();
    node = await sandbox.start(env(proxy.url));
    const setup = await call('POST', '/setup', { name: 'Admin', email: 'admin@example.com' });
    adminKey = setup.body.apiKey;
    const address = upstream.address();
    const target = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
    const shop = {
      name: 'shop',
      upstreamServices: [{ name: 'orders', targets: [{ url: target }] }],
      endpoints: [
        { method: 'GET', path: '/open', authRequired: false },
        { method: 'GET', path: '/closed' },
      ],
    };
    const applied = await call('POST', '/api/v1/gateways/apply', { gateways: [shop] }, adminKey);
    assert.equal(applied.status, 200, JSON.stringify(applied.body));
    key = (await call('POST', '/api/v1/keys', { name: 'caller' }, adminKey)).body.data.apiKey;
    assert.equal((await call('GET', '/shop/closed', undefined, key)).status, 200);
    node.signal('SIGTERM');
    await node.ended();
    await proxy.stop();
  });

  after(async () => {
    await sandbox.remove();
    await other.remove();
    upstream.closeAllConnections();
    upstream.close();
    await proxy.stop().catch(() => undefined);
  });

  it('starts, serves public routes, and says that it is not ready and why', async () => {
    node = await sandbox.start(env(proxy.url));
    assert.equal((await call('GET', '/shop/open')).body, 'hello');
    const ready = await call('GET', '/health/ready');
    assert.equal(ready.status, 503);
    assert.match(JSON.stringify(ready.body), /"database"/);
    assert.equal((await call('GET', '/health/live')).status, 200);
  });

  it('lets nobody in whom it cannot know, and answers management calls with 503', async () => {
    const refused = await call('GET', '/shop/closed', undefined, key);
    assert.deepEqual([refused.status, refused.body.code], [503, 'credentials_unavailable']);
    assert.equal((await call('GET', '/shop/closed')).status, 401);
    const validated = await call('POST', '/setup', { name: 'Eve', email: 'eve@example.com' });
    assert.equal(validated.status, 503);
  });

  it('keeps no key on the disk', async () => {
    const text = await readFile(join(sandbox.dataDir, 'last-good-snapshot.json'), 'utf8');
    assert.match(text, /"shop"/);
    assert.ok(!text.includes(key) && !text.includes(key.split('_')[2] ?? key));
  });

  it('does not start without a snapshot of its own', async () => {
    const failed = await other.run([], env(proxy.url));
    assert.equal(failed.code, 2);
    assert.match(failed.log, /DATABASE_URL: cannot reach PostgreSQL/);
  });

  it('takes the database up when it is back: keys are known, and what changed meanwhile is served', async () => {
    const second = await other.start(env(databaseUrl()));
    const gone = await createApi(second.url, adminKey).call('GET', '/api/v1/gateways');
    await createApi(second.url, adminKey).call('DELETE', `/api/v1/gateways/${gone.body.data[0].id}`);
    assert.equal((await call('GET', '/shop/open')).status, 200);
    await proxy.restore();
    while ((await call('GET', '/shop/open')).status !== 404);
    while ((await call('GET', '/health/ready')).status !== 200);
    assert.equal((await call('GET', '/api/v1/keys', undefined, adminKey)).status, 200);
    assert.match(node.log(), /the database is back/);
  });
});
