// The walking skeleton, as a person meets it on the first day: from an empty folder to a proxied, authenticated, limited and
// recorded request, and through a power cut. The same on both databases.

import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { after, before, it } from 'node:test';
import { createApi, type Api, type Json } from '../harness/api.ts';
import { forEachDatabaseUrl } from '../harness/databases.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

forEachDatabaseUrl('the first day', (databaseUrl) => {
  const env = (): Record<string, string> =>
    databaseUrl() === undefined ? {} : { TOLLGATE_DATABASE_URL: databaseUrl() ?? '' };
  const seen: Seen[] = [];
  let upstream: Server;
  let upstreamUrl = '';
  let sandbox: Sandbox;
  let tollgate: RunningTollgate;
  let admin: Api;
  let anonymous: Api;
  let gatewayId = '';
  let key: Json;

  before(async () => {
    upstream = createServer((request, response) => {
      seen.push({ method: request.method, url: request.url, headers: request.headers });
      response.setHeader('content-type', 'application/json');
      response.end('{"hello":"world"}');
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const address = upstream.address();
    upstreamUrl = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
    sandbox = await createSandbox();
    tollgate = await sandbox.start(env());
    anonymous = createApi(tollgate.url);
  });

  after(async () => {
    await sandbox.remove();
    upstream.close();
  });

  it('sets up the first operator once, and prints its key once', async () => {
    const made = await anonymous.call('POST', '/setup', { name: 'Super Admin', email: 'admin@example.com' });
    assert.equal(made.status, 201);
    assert.match(made.body.apiKey, /^tg_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/);
    admin = createApi(tollgate.url, made.body.apiKey);
    const again = await anonymous.call('POST', '/setup', { name: 'Mallory', email: 'mallory@example.com' });
    assert.equal(again.status, 409);
    assert.equal(again.body.code, 'already_set_up');
  });

  it('asks for the token when the setup seems to come from elsewhere', async () => {
    const other = await createSandbox();
    try {
      const fresh = await other.start();
      const api = createApi(fresh.url);
      const body = { name: 'Super Admin', email: 'admin@example.com' };
      const forwarded = { 'x-forwarded-for': '203.0.113.9' };
      const refused = await api.call('POST', '/setup', body, forwarded);
      assert.equal(refused.status, 403);
      assert.equal(refused.body.code, 'setup_token_required');
      const token = /X-Setup-Token: ([^']+)'/.exec(fresh.output())?.[1] ?? '';
      const admitted = await api.call('POST', '/setup', body, { ...forwarded, 'x-setup-token': token });
      assert.equal(admitted.status, 201);
    } finally {
      await other.remove();
    }
  });

  it('publishes a gateway: create, add endpoints, deploy', async () => {
    const gateway = await admin.call('POST', '/api/v1/gateways', {
      name: 'shop',
      routePrefix: '/shop',
      upstreamServices: [{ name: 'orders', targets: [{ url: upstreamUrl }] }],
    });
    assert.equal(gateway.status, 201, JSON.stringify(gateway.body));
    gatewayId = gateway.body.data.id;
    const open = await admin.call('POST', `/api/v1/gateways/${gatewayId}/endpoints`, {
      method: 'GET',
      path: '/open',
      authRequired: false,
    });
    assert.equal(open.status, 201, JSON.stringify(open.body));
    await admin.call('POST', `/api/v1/gateways/${gatewayId}/endpoints`, { method: 'GET', path: '/orders/{id}' });
    await admin.call('POST', `/api/v1/gateways/${gatewayId}/endpoints`, {
      method: 'GET',
      path: '/reports',
      requiredScopes: ['reports:read'],
    });
    assert.equal((await anonymous.call('GET', '/shop/open')).status, 404, 'a draft is not live');
    const deploy = await admin.call('POST', `/api/v1/gateways/${gatewayId}/deploy`);
    assert.equal(deploy.status, 200, JSON.stringify(deploy.body));
    assert.equal((await anonymous.call('GET', '/shop/open')).status, 200);
  });

  it('lets five of six calls through a limit of five a minute, with the right headers', async () => {
    const created = await admin.call('POST', '/api/v1/keys', {
      name: 'Alex Dev Key',
      scopes: ['read:requests', 'write:requests'],
      rateLimit: { requestsPerMinute: 5 },
    });
    assert.equal(created.status, 201, JSON.stringify(created.body));
    key = created.body.data;
    const caller = createApi(tollgate.url, key.apiKey);
    await awayFromTheMinutesEnd();
    for (let call = 1; call <= 5; call++) {
      const answer = await caller.call('GET', `/shop/orders/${call}?b=2&a=1&c=%2F+x`);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.equal(answer.headers.get('x-ratelimit-limit'), '5');
      assert.equal(answer.headers.get('x-ratelimit-remaining'), String(5 - call));
      assert.match(answer.headers.get('x-ratelimit-reset') ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
    }
    const refused = await caller.call('GET', '/shop/orders/6');
    assert.equal(refused.status, 429);
    assert.equal(refused.body.code, 'rate_limited');
    const retryAfter = Number(refused.headers.get('retry-after'));
    // The minute slides: the fifth part of the next one has to pass before one of the five counts no more.
    assert.ok(retryAfter >= 1 && retryAfter <= 72, `Retry-After: ${retryAfter}`);
    assert.equal(refused.headers.get('x-ratelimit-remaining'), '0');
  });

  it('hands the upstream the query byte for byte, and never the key', () => {
    const request = seen.find((one) => one.url?.startsWith('/shop/orders/1') === true);
    assert.equal(request?.url, '/shop/orders/1?b=2&a=1&c=%2F+x');
    assert.ok(!JSON.stringify(seen).includes(key.apiKey));
    assert.equal(request?.headers['x-api-key'], undefined);
  });

  it('refuses no key, a wrong key and a missing scope', async () => {
    const none = await anonymous.call('GET', '/shop/orders/1');
    assert.equal(none.status, 401);
    assert.equal(none.body.code, 'missing_credentials');
    assert.ok(none.headers.has('www-authenticate'));
    const last = String(key.apiKey).at(-8) === 'a' ? 'b' : 'a';
    const wrong = await createApi(
      tollgate.url,
      String(key.apiKey).slice(0, -8) + last + String(key.apiKey).slice(-7),
    ).call('GET', '/shop/orders/1');
    assert.equal(wrong.status, 401);
    assert.equal(wrong.body.code, 'invalid_key');
    const other = await admin.call('POST', '/api/v1/keys', { name: 'no scopes' });
    const scopeless = await createApi(tollgate.url, other.body.data.apiKey).call('GET', '/shop/reports');
    assert.equal(scopeless.status, 403);
    assert.equal(scopeless.body.code, 'insufficient_scope');
    assert.match(scopeless.body.detail, /reports:read/);
  });

  it('finds the refused and the unauthorised calls in the request log, without secrets', async () => {
    const limited = await admin.call('GET', '/api/v1/requests?rateLimited=true');
    assert.equal(limited.status, 200, JSON.stringify(limited.body));
    assert.deepEqual(
      limited.body.data.map((item: Json) => [item.status, item.path, item.keyId]),
      [[429, '/shop/orders/6', key.id]],
    );
    const unauthorised = await admin.call('GET', '/api/v1/requests?status=401');
    assert.equal(unauthorised.body.data.length, 2);
    const everything = JSON.stringify((await admin.call('GET', '/api/v1/requests?pageSize=1000')).body);
    assert.ok(!everything.includes(key.apiKey));
    assert.ok(
      everything.includes('"X-Api-Key":"***"') || everything.toLowerCase().includes('"x-api-key":"***"'),
      'headers are there, masked',
    );
  });

  it('names both faults of a body', async () => {
    const answer = await admin.call('POST', '/api/v1/keys', { name: 7, rateLimit: { requestsPerMinute: -1 } });
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.body.errors.map((fault: Json) => fault.path).toSorted(), [
      'body.name',
      'body.rateLimit.requestsPerMinute',
    ]);
  });

  it('revokes a key at once on every thread', async () => {
    const created = await admin.call('POST', '/api/v1/keys', { name: 'short life' });
    const caller = createApi(tollgate.url, created.body.data.apiKey);
    for (let i = 0; i < 8; i++) assert.equal((await caller.call('GET', '/shop/orders/1')).status, 200);
    await admin.call('DELETE', `/api/v1/keys/${created.body.data.id}`);
    for (let i = 0; i < 8; i++) assert.equal((await caller.call('GET', '/shop/orders/1')).body.code, 'key_revoked');
  });

  it('comes back from kill -9 with keys, gateways and what was live', async () => {
    const late = await admin.call('POST', '/api/v1/keys', {
      name: 'made just before the power cut',
      rateLimit: { requestsPerMinute: 1000 },
    });
    await tollgate.kill();
    tollgate = await sandbox.start(env());
    const caller = createApi(tollgate.url, late.body.data.apiKey);
    assert.equal((await caller.call('GET', '/shop/orders/1')).status, 200);
    const listed = await createApi(tollgate.url, late.body.data.apiKey).call('GET', '/api/v1/gateways');
    assert.equal(listed.status, 403, 'a key without permissions manages nothing');
    assert.doesNotMatch(tollgate.output(), /X-Setup-Token/, 'the setup is not offered again');
  });

  it('ends on SIGTERM with exit code 0, after the request in flight', async () => {
    tollgate.signal('SIGTERM');
    assert.equal(await tollgate.ended(), 0);
    assert.doesNotMatch(tollgate.log(), /"level":(50|60)/);
  });
});

/** The six calls must fall into one minute. */
async function awayFromTheMinutesEnd(): Promise<void> {
  const leftMs = 60_000 - (Date.now() % 60_000);
  if (leftMs < 5000) await new Promise((resolve) => setTimeout(resolve, leftMs + 50));
}
