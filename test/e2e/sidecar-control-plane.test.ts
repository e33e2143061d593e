// A sidecar whose keys another Tollgate keeps: two programs, as their users start them; and one that asks programs which are no Tollgate.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newKeyText, parsePublicId } from '../../src/lib/key-text.ts';
import { createApi, type Api, type Json } from '../harness/api.ts';
import { createCertificate } from '../harness/certificates.ts';
import { forgeKeyText } from '../harness/forged-key.ts';
import { freePort } from '../harness/free-port.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';
import { findDeadUrl, startUpstream, type Upstream } from '../harness/upstream.ts';

const CONFIG = (url: string): string => `gateways:
  - name: shop
    upstreamServices: [{ name: orders, targets: [{ url: "${url}" }] }]
    endpoints:
      - { method: GET, path: /orders, requiredScopes: ["orders:read"] }
`;

interface Called {
  readonly status: number;
  readonly code: string | undefined;
  readonly retryAfter: string | null;
}

async function call(url: string, key?: string): Promise<Called> {
  const answer = await fetch(url, key === undefined ? {} : { headers: { 'x-api-key': key } });
  const body: Json = await answer.json();
  return { status: answer.status, code: body.code, retryAfter: answer.headers.get('retry-after') };
}

async function callUntil(status: number, url: string, key: string): Promise<Called> {
  const deadline = AbortSignal.timeout(60_000);
  for (;;) {
    const called = await call(url, key);
    if (called.status === status) return called;
    await sleep(100, undefined, { signal: deadline });
  }
}

let upstream: Upstream;
before(async () => {
  upstream = await startUpstream((request, response) => response.end(JSON.stringify({ url: request.url })));
});
after(() => upstream.close());

describe('a sidecar of a Tollgate', () => {
  let home: Sandbox;
  let beside: Sandbox;
  let tollgate: RunningTollgate;
  let sidecar: RunningTollgate;
  let admin: Api;
  let ownKey = '';
  let port = '';

  before(async () => {
    [home, beside] = [await createSandbox(), await createSandbox()];
    port = String(await freePort());
    tollgate = await home.start({ TOLLGATE_PORT: port });
    const setup = await createApi(tollgate.url).call('POST', '/setup', { name: 'Ada', email: 'ada@example.com' });
    admin = createApi(tollgate.url, setup.body.apiKey);
    ownKey = (await make({ name: 'sidecar', scopes: ['admin:keys:verify'], rateLimit: { requestsPerMinute: 60_000 } }))
      .apiKey;
    await writeFile(join(beside.dataDir, 'own-key'), `${ownKey}\n`, { mode: 0o600 });
    await writeFile(join(beside.dataDir, 'api.yaml'), CONFIG(upstream.url));
    const args = ['sidecar', '--config', 'api.yaml', '--control-plane', tollgate.url, '--control-plane-key', 'own-key'];
    sidecar = await beside.start({ TOLLGATE_KEY_CACHE_SECONDS: '1' }, [...args, '--log-requests']);
  });
  after(async () => {
    await Promise.all([home.remove(), beside.remove()]);
  });

  async function make(body: object): Promise<{ id: string; apiKey: string }> {
    const made = await admin.call('POST', '/api/v1/keys', { name: 'a', scopes: ['orders:read'], ...body });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    return made.body.data;
  }

  const orders = (): string => `${sidecar.url}/shop/orders`;

  test('lets in whom the Tollgate knows, and nobody else', async () => {
    assert.match(sidecar.output(), new RegExp(`keys of ${tollgate.url}`));
    const { apiKey } = await make({});
    assert.equal((await call(orders(), apiKey)).status, 200);
    assert.equal((await call(orders())).code, 'missing_credentials');
    assert.equal((await call(orders(), newKeyText('tg_live').text)).code, 'invalid_key');
    assert.equal((await call(orders(), apiKey.slice(0, -1))).code, 'invalid_key');
    // Whoever has seen the public id takes nothing from whoever holds the key.
    const { apiKey: fresh } = await make({});
    assert.equal((await call(orders(), forgeKeyText(parsePublicId(fresh) ?? ''))).code, 'invalid_key');
    assert.equal((await call(orders(), fresh)).status, 200);
    assert.equal((await call(orders(), forgeKeyText(parsePublicId(fresh) ?? ''))).code, 'invalid_key');
  });

  test('holds callers to what their keys say: scopes, limits, addresses, clients', async () => {
    const { apiKey: without } = await make({ scopes: ['invoices:read'] });
    assert.equal((await call(orders(), without)).code, 'insufficient_scope');
    const { apiKey: limited } = await make({ rateLimit: { requestsPerDay: 2 } });
    const codes = [await call(orders(), limited), await call(orders(), limited), await call(orders(), limited)];
    assert.deepEqual(
      codes.map(({ status }) => status),
      [200, 200, 429],
    );
    const { apiKey: elsewhere } = await make({ allowedIps: ['192.0.2.1'] });
    assert.equal((await call(orders(), elsewhere)).code, 'address_not_allowed');

    const partner = { name: 'Acme', contactEmail: 'a@b.c', scopes: ['orders:read'] };
    const { id: clientId } = (await admin.call('POST', '/api/v1/api-clients', partner)).body.data;
    const { apiKey: ofClient } = await make({ clientId });
    assert.equal((await call(orders(), ofClient)).status, 200);
    const terms = { allowedEndpoints: ['POST /shop/orders'] };
    await admin.call('PUT', `/api/v1/clients/${clientId}`, terms);
    assert.equal((await callUntil(403, orders(), ofClient)).code, 'endpoint_not_allowed');
  });

  test('notices within its time that a key was revoked', async () => {
    const { id, apiKey } = await make({});
    assert.equal((await call(orders(), apiKey)).status, 200);
    await admin.call('DELETE', `/api/v1/keys/${id}`);
    assert.equal((await callUntil(401, orders(), apiKey)).code, 'key_revoked');
  });

  test('lets known keys go on while the Tollgate is away, and tells others when to come back', async () => {
    const { apiKey: known } = await make({});
    const { apiKey: unknown } = await make({});
    assert.equal((await call(orders(), known)).status, 200);
    await tollgate.kill();
    const refused = await call(orders(), unknown);
    assert.deepEqual([refused.status, refused.code], [503, 'credentials_unavailable']);
    assert.ok(Number(refused.retryAfter) >= 1);
    await sleep(1_500); // Older than it is believed without a question.
    assert.equal((await call(orders(), known)).status, 200);
    assert.equal((await call(orders(), 'x'.repeat(300))).status, 401);

    tollgate = await home.start({ TOLLGATE_PORT: port });
    await callUntil(200, orders(), unknown);
    assert.equal((await call(orders(), known)).status, 200);
  });

  test('tells nobody a key: not in its log, not in its records', () => {
    const said = sidecar.output() + sidecar.log();
    assert.match(sidecar.log(), /the control plane cannot be asked: keys that are known go on/);
    assert.match(sidecar.log(), /the control plane answers again/);
    assert.doesNotMatch(said, /tg_live_[0-9A-Za-z]{12}_/);
    assert.match(sidecar.output(), /"keyId":"key_/);
  });

  test('says at its start what is wrong with the key that it asks with, and takes no other way', async () => {
    const { apiKey: mayNot } = await make({});
    const run = (env: Readonly<Record<string, string>>, ...more: string[]) =>
      beside.run(['sidecar', '--upstream', upstream.url, '--control-plane', tollgate.url, ...more], env);
    const mine = { TOLLGATE_API_KEY: ownKey };
    const cases: [Readonly<Record<string, string>>, string[], RegExp][] = [
      [{}, [], /needs a key to ask with: set TOLLGATE_API_KEY, or name a file/],
      [{ TOLLGATE_API_KEY: newKeyText('tg_live').text }, [], /does not know this key \(401\); TOLLGATE_API_KEY must/],
      [{ TOLLGATE_API_KEY: mayNot }, [], /refuses this key \(403\); .*admin:keys:verify/],
      [{ TOLLGATE_API_KEY: 'two words' }, [], /must hold a key and nothing else/],
      [{}, ['--control-plane-key', 'none'], /none cannot be read \(ENOENT\)/],
      [mine, ['--keys', 'keys.yaml'], /--keys goes without --control-plane/],
      [mine, ['--open'], /--open goes without --control-plane/],
    ];
    for (const [env, more, message] of cases) {
      const { code, log } = await run(env, ...more);
      assert.equal(code, 2, log);
      assert.match(log, message);
      assert.doesNotMatch(log, /tg_live_[0-9A-Za-z]{12}_/);
    }
  });
});

describe('a sidecar that asks', () => {
  let sandbox: Sandbox;
  let other: Upstream | undefined;
  const env = { TOLLGATE_API_KEY: newKeyText('tg_live').text };

  beforeEach(async () => {
    sandbox = await createSandbox();
  });
  afterEach(async () => {
    await sandbox.remove();
    await other?.close();
    other = undefined;
  });

  const argsFor = (url: string): string[] => ['sidecar', '--upstream', upstream.url, '--control-plane', url];

  async function stranger(listener: RequestListener): Promise<string> {
    other = await startUpstream(listener);
    return other.url;
  }

  test('what is no Tollgate says so at its start, and what is not proved to be one', async () => {
    const { certificate, key } = createCertificate(['localhost']);
    const nobody = JSON.stringify({ data: { isValid: false } });
    const tls = createServer({ cert: certificate, key }, (_request, response) => response.end(nobody)).listen(0);
    const tlsUrl = `https://localhost:${(tls.address() as AddressInfo).port}`;
    const html = await stranger((request, response) => {
      if (request.url?.startsWith('/moved/')) response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
      else if (request.url?.startsWith('/none/')) response.writeHead(404).end('{}');
      else if (request.url?.startsWith('/long/')) response.end(Buffer.alloc(1_000_000, 0x20));
      else response.end('<!doctype html><title>Hello</title>');
    });
    const cases: [string, RegExp][] = [
      [html, /its answer is none that is understood here; give the address/],
      [`${html}/moved`, /it sends on to another address \(302\)/],
      [`${html}/none`, /it answers 404, as no Tollgate does/],
      [`${html}/long`, /longer than 262144 bytes/],
      [tlsUrl, /its certificate is not trusted \(\w+\); .*NODE_EXTRA_CA_CERTS/],
      ['tollgate.example', /is no address of a Tollgate/],
    ];
    try {
      for (const [url, message] of cases) {
        const { code, log } = await sandbox.run(argsFor(url), env);
        assert.equal(code, 2, log);
        assert.match(log, message);
      }
      const authority = join(sandbox.dataDir, 'authority.pem');
      await writeFile(authority, certificate);
      const running = await sandbox.start({ ...env, NODE_EXTRA_CA_CERTS: authority }, argsFor(tlsUrl));
      assert.equal((await call(running.url, newKeyText('tg_live').text)).status, 401);
    } finally {
      tls.close();
      tls.closeAllConnections();
    }
  });

  test('nobody who answers starts all the same, and lets nobody in', async () => {
    const running = await sandbox.start(env, argsFor(await findDeadUrl()));
    const refused = await call(running.url, newKeyText('tg_live').text);
    assert.deepEqual([refused.status, refused.code, refused.retryAfter], [503, 'credentials_unavailable', '1']);
    assert.equal((await call(running.url)).status, 401);
    assert.match(running.log(), /it cannot be reached \(ECONNREFUSED\)/);
  });

  test('one that falls silent, breaks or lies after its start lets nobody in by that', async () => {
    let mood: 'well' | 'silent' | 'failing' | 'lying' | 'broken' = 'well';
    let asked = 0;
    const url = await stranger((request, response) => {
      asked++;
      void readAll(request).then(() => {
        switch (mood) {
          case 'well':
            return response.end(JSON.stringify({ success: true, data: { isValid: false, reason: 'invalid_key' } }));
          case 'silent':
            return undefined;
          case 'failing':
            return response.writeHead(500).end('<h1>500</h1>');
          case 'lying':
            return response.end('{"success":true,"data":{"isValid":true}}');
          case 'broken':
            return response.destroy();
        }
      });
    });
    const running = await sandbox.start(env, argsFor(url));
    assert.equal((await call(running.url, newKeyText('tg_live').text)).status, 401);
    for (const next of ['silent', 'failing', 'lying', 'broken'] as const) {
      mood = next;
      assert.equal((await callUntil(503, running.url, newKeyText('tg_live').text)).retryAfter, '1', next);
      mood = 'well';
      await callUntil(401, running.url, newKeyText('tg_live').text);
    }
    // The file of keys that a sidecar makes at its first start has no place here.
    assert.match(running.output(), /keys of http/);

    const askedBefore = asked;
    const flood = Array.from({ length: 800 }, () => call(running.url, newKeyText('tg_live').text));
    const statuses = new Set((await Promise.all(flood)).map(({ status }) => status));
    assert.deepEqual(
      [...statuses].filter((status) => status !== 401 && status !== 503),
      [],
    );
    assert.ok(statuses.has(503) && asked - askedBefore < 800, `${asked - askedBefore} of 800 guesses were passed on`);
  });
});
