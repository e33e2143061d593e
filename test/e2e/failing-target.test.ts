// A target that fails, as whoever runs Tollgate sees it: over its API and among its events.

import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import pg from 'pg';
import { createApi, type Answer, type Api } from '../harness/api.ts';
import { forEachDatabaseUrl } from '../harness/databases.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';
import { findDeadUrl } from '../harness/upstream.ts';

forEachDatabaseUrl('a target that fails', (databaseUrl) => {
  let sandbox: Sandbox;
  let tollgate: RunningTollgate;
  let admin: Api;
  let path = '';
  let target = '';

  before(async () => {
    sandbox = await createSandbox();
    const url = databaseUrl();
    tollgate = await sandbox.start(url === undefined ? {} : { TOLLGATE_DATABASE_URL: url });
    const setup = await createApi(tollgate.url).call('POST', '/setup', { name: 'Ada', email: 'ada@example.com' });
    admin = createApi(tollgate.url, setup.body.apiKey);
    target = await findDeadUrl();
    const made = await admin.call('POST', '/api/v1/gateways', {
      name: 'shop',
      securitySettings: { authenticationRequired: false },
      upstreamServices: [
        { name: 'orders', targets: [{ url: target }], circuitBreaker: { failureThreshold: 1 }, retry: { attempts: 0 } },
      ],
    });
    path = `/api/v1/gateways/${made.body.data.id}`;
    await admin.call('POST', `${path}/endpoints`, { method: 'GET', path: '/orders' });
    assert.equal((await admin.call('POST', `${path}/deploy`)).status, 200);
  });
  after(() => sandbox.remove());

  const health = async (): Promise<Answer['body']> => (await admin.call('GET', `${path}/health`)).body.data;

  it('is up for every thread as long as nobody has called it', async () => {
    const { status, threads, services } = await health();
    const expected = { url: target, weight: 1, status: 'up', reasons: [], circuitBreaker: 'closed', inFlight: 0 };
    assert.deepEqual([status, threads, services[0].targets], ['healthy', 2, [expected]]);
  });

  it('is down with its reasons once threads have found it so, which then refuse to call it', async () => {
    const codes = new Set<string>();
    // A connection each, until one thread has had two of them.
    while (!codes.has('circuit_open')) {
      const answer = await createApi(tollgate.url).call('GET', '/shop/orders', undefined, { connection: 'close' });
      codes.add(answer.body.code);
    }
    assert.deepEqual([...codes], ['upstream_unreachable', 'circuit_open']);
    const { status, services } = await health();
    assert.match(status, /^(?:degraded|unavailable)$/);
    assert.deepEqual(services[0].targets[0].reasons, ['unreachable', 'circuit_open']);
    assert.equal(services[0].targets[0].circuitBreaker, 'open');
  });

  it('is told of as an event, once for all threads', async (t) => {
    const url = databaseUrl();
    if (url === undefined) return t.skip('nobody else can look into the embedded database');
    tollgate.signal('SIGTERM');
    assert.equal(await tollgate.ended(), 0);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const { rows } = await client.query(`select data from events where type = 'circuit.opened'`);
    await client.end();
    const gatewayId = path.split('/').at(-1);
    assert.deepEqual(rows, [{ data: { gatewayId, service: 'orders', target, state: 'open' } }]);
  });
});
