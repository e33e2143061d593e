// The process as its operator meets it: starts that fail, threads that die, stops in the middle of work.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server, type ServerResponse } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createApi, type Json } from '../harness/api.ts';
import { freePort } from '../harness/free-port.ts';
import { createSandbox, type Sandbox } from '../harness/tollgate.ts';

describe('a start that cannot succeed', () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await createSandbox();
  });
  after(() => sandbox.remove());

  const cases: readonly { readonly name: string; readonly env: Record<string, string>; readonly says: RegExp }[] = [
    {
      name: 'a wrong value',
      env: { TOLLGATE_PORT: 'eighty' },
      says: /^tollgate: TOLLGATE_PORT: "eighty" must be integer, 0 to 65535\n$/,
    },
    {
      name: 'an unknown name',
      env: { TOLLGATE_PROT: '1' },
      says: /^tollgate: TOLLGATE_PROT: there is no such setting; did you mean TOLLGATE_PORT\?\n$/,
    },
    {
      name: 'an unreachable database',
      env: { TOLLGATE_DATABASE_URL: 'postgres://u:hidden@127.0.0.1:1/x' },
      says: /^tollgate: DATABASE_URL: cannot reach PostgreSQL at 127\.0\.0\.1:1\/x as u: nothing listens there \(connection refused\)\n$/,
    },
    {
      name: 'an unreachable Redis',
      env: { TOLLGATE_REDIS_URL: 'redis://127.0.0.1:1' },
      says: /^tollgate: REDIS_URL: .*\n$/,
    },
    {
      name: 'a strange address',
      env: { TOLLGATE_HOST: '203.0.113.7' },
      says: /^tollgate: HOST: 203\.0\.113\.7 is not an address of this machine.*\n$/,
    },
    {
      name: 'a missing settings file',
      env: { TOLLGATE_CONFIG: '/nonexistent.yaml' },
      says: /^tollgate: TOLLGATE_CONFIG: .*\n$/,
    },
  ];
  for (const { name, env, says } of cases) {
    it(`names the setting in one line and ends with 2: ${name}`, async () => {
      const { code, log } = await sandbox.run([], env);
      assert.match(log, says);
      assert.equal(code, 2);
    });
  }

  it('tells every fault at once', async () => {
    const file = join(sandbox.dataDir, 'tollgate.yaml');
    await writeFile(file, 'prot: 80\nthreads: many\n');
    const { code, log } = await sandbox.run([], {
      TOLLGATE_CONFIG: file,
      TOLLGATE_THREADS: '',
      TOLLGATE_LOG_LEVEL: 'loud',
    });
    assert.equal(code, 2);
    assert.equal(log.trim().split('\n').length, 3, log);
    assert.match(
      log,
      /THREADS \(.*tollgate\.yaml\): "many" must be integer, 1 to 256/,
      'an empty variable leaves the file its word',
    );
    assert.match(log, /prot: there is no such setting; did you mean port\?/);
    assert.match(log, /LOG_LEVEL: "loud" must be one of/);
  });

  it('names the port that is in use, also by a listener that would share it', async () => {
    const holder = createServer().listen({ port: 0, host: '0.0.0.0', reusePort: true });
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const { code, log } = await sandbox.run([], { TOLLGATE_PORT: String(port) });
    holder.close();
    assert.equal(code, 2);
    assert.match(
      log,
      new RegExp(`^tollgate: PORT: ${port} is in use by another program; .*TOLLGATE_PORT=${port + 1}\n$`),
    );
  });

  it('refuses a data directory that another Tollgate uses', async () => {
    const first = await sandbox.start();
    const { code, log } = await sandbox.run([]);
    assert.equal(code, 2);
    assert.match(log, /^tollgate: DATA_DIR: .* is in use: process \d+ uses it; stop it, or choose another folder\n$/);
    await first.kill();
  });

  it('refuses a database that was made with another secret', async () => {
    const { code, log } = await sandbox.run([], { TOLLGATE_HMAC_SECRET: 'x'.repeat(64) });
    assert.equal(code, 2);
    assert.match(log, /^tollgate: HMAC_SECRET: not the one that this database was made with;.*\n$/);
  });
});

describe('tollgate config', () => {
  it('prints the values in force and where they come from, secrets masked', async () => {
    const sandbox = await createSandbox();
    const secret = 'f'.repeat(64);
    const { code, output } = await sandbox.run(['config'], {
      TOLLGATE_HMAC_SECRET: secret,
      TOLLGATE_DATABASE_URL: 'postgres://app:hunter2@db.example:5432/tollgate',
    });
    await sandbox.remove();
    assert.equal(code, 0);
    assert.match(output, /^DATABASE_URL +postgres:\/\/app:\*\*\*@db\.example:5432\/tollgate +\[environment\]$/m);
    assert.match(output, /^HMAC_SECRET +\*\*\* +\[environment\]$/m);
    assert.match(output, /^LOG_LEVEL +info +\[default\]$/m);
    assert.ok(!output.includes(secret) && !output.includes('hunter2'));
  });
});

describe('a running process', () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await createSandbox();
  });
  after(() => sandbox.remove());

  it('restarts a gateway thread that died, says so, and goes on serving', async () => {
    // Threads cannot be killed from outside; a preloaded module makes the first one throw.
    const bomb = new URL('../harness/thread-bomb.ts', import.meta.url).href;
    const tollgate = await sandbox.start({ NODE_OPTIONS: `--import=${bomb}`, TOLLGATE_THREADS: '2' });
    const api = createApi(tollgate.url);
    // Connections of the thread that dies break; all others are served meanwhile.
    const served = { calls: 0 };
    while (!tollgate.log().includes('the gateway thread listens again')) {
      const answer = await api.call('GET', '/health/live').catch(() => undefined);
      if (answer?.status === 200) served.calls++;
    }
    assert.ok(served.calls > 0);
    assert.match(tollgate.log(), /a gateway thread died and is restarted/);
    assert.equal((await api.call('GET', '/health/live')).status, 200);
    await tollgate.kill();
  });

  it('on SIGTERM says 503, lets the request in flight finish, and ends with 0', async (t) => {
    let held: ServerResponse | undefined;
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const upstream = createHttpServer((_request, response) => {
      held = response;
      resolve();
    }).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    t.after(() => close(upstream));
    const { port } = upstream.address() as AddressInfo;
    const tollgate = await sandbox.start({ TOLLGATE_DRAIN_DELAY_SECONDS: '1', TOLLGATE_THREADS: '1' });
    await publishOpenEndpoint(tollgate.url, `http://127.0.0.1:${port}`);

    const inFlight = createApi(tollgate.url).call('GET', '/slow/thing');
    await arrived;
    tollgate.signal('SIGTERM');
    let ready: Json;
    do ready = await createApi(tollgate.url).call('GET', '/health/ready');
    while (ready.status === 200);
    assert.equal(ready.status, 503);
    await refusesConnections(Number(new URL(tollgate.url).port));
    held?.end('finished');
    const answer = await inFlight;
    assert.equal(answer.status, 200);
    assert.equal(answer.body, 'finished');
    assert.equal(await tollgate.ended(), 0);

    const again = await sandbox.start();
    const log = await createApi(again.url, adminKey).call('GET', '/api/v1/requests?path=/slow/thing');
    assert.equal(log.body.data.length, 1, 'the last request was saved before the end');
    await again.kill();
  });

  it('breaks what has not finished when the time for it is over', async (t) => {
    const upstream = createHttpServer(() => {}).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    t.after(() => close(upstream));
    const { port } = upstream.address() as AddressInfo;
    const other = await createSandbox();
    t.after(() => other.remove());
    const tollgate = await other.start({ TOLLGATE_DRAIN_SECONDS: '0' });
    await publishOpenEndpoint(tollgate.url, `http://127.0.0.1:${port}`);
    const received = once(upstream, 'request');
    const stuck = createApi(tollgate.url).call('GET', '/slow/thing');
    await received;
    tollgate.signal('SIGTERM');
    await assert.rejects(stuck);
    assert.equal(await tollgate.ended(), 0);
  });

  it('leaves the demo out, with a warning, when its port is taken', async (t) => {
    const port = await freePort();
    const holder = createServer().listen(port, '127.0.0.1');
    await once(holder, 'listening');
    t.after(() => holder.close());
    const other = await createSandbox();
    t.after(() => other.remove());
    const tollgate = await other.start({ TOLLGATE_DEMO: 'true', TOLLGATE_DEMO_PORT: String(port) });
    assert.match(tollgate.log(), /DEMO_PORT is in use: the demo is left out/);
    assert.equal((await createApi(tollgate.url).call('GET', '/health')).status, 200);
  });
});

function close(server: Server): void {
  server.closeAllConnections();
  server.close();
}

let adminKey = '';

async function publishOpenEndpoint(url: string, target: string): Promise<void> {
  const setup = await createApi(url).call('POST', '/setup', { name: 'Admin', email: 'admin@example.com' });
  adminKey = setup.body.apiKey;
  const admin = createApi(url, adminKey);
  const gateway = await admin.call('POST', '/api/v1/gateways', {
    name: 'slow',
    routePrefix: '/slow',
    upstreamServices: [{ name: 'slow', targets: [{ url: target }] }],
  });
  const { id } = gateway.body.data;
  await admin.call('POST', `/api/v1/gateways/${id}/endpoints`, { method: 'GET', path: '/thing', authRequired: false });
  assert.equal((await admin.call('POST', `/api/v1/gateways/${id}/deploy`)).status, 200);
}

/** Waits, without a clock, until nobody listens on the port any more. */
async function refusesConnections(port: number): Promise<void> {
  while (true) {
    const socket = connect(port, '127.0.0.1');
    const refused = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false));
      socket.once('error', () => resolve(true));
    });
    socket.destroy();
    if (refused) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
