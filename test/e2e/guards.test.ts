// What stands before the endpoints of a gateway, over the sockets of a whole Tollgate: CORS, deprecation, maintenance, security headers,
// and the length of bodies.

import assert from 'node:assert/strict';
import { request, type IncomingHttpHeaders } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { createApi, type Api } from '../harness/api.ts';
import { openWire } from '../harness/data-plane.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';
import { startUpstream, type Upstream } from '../harness/upstream.ts';

const PAGE = 'https://app.example.com';
const MAX_BODY_BYTES = 1_000;

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe('the guards of a gateway', () => {
  let sandbox: Sandbox;
  let tollgate: RunningTollgate;
  let upstream: Upstream;
  let admin: Api;
  let path = '';
  let received = 0;

  before(async () => {
    sandbox = await createSandbox();
    upstream = await startUpstream((incoming, response) => {
      received++;
      incoming.resume().on('end', () => response.end(incoming.url));
    });
    tollgate = await sandbox.start();
    const setup = await createApi(tollgate.url).call('POST', '/setup', { name: 'Ada', email: 'ada@example.com' });
    admin = createApi(tollgate.url, setup.body.apiKey);
    const open = { authRequired: false };
    const applied = await admin.call('POST', '/api/v1/gateways/apply', {
      gateways: [
        {
          name: 'shop',
          upstreamServices: [{ name: 'orders', targets: [{ url: upstream.url }] }],
          cors: { allowOrigins: [PAGE] },
          securitySettings: {
            maxBodyBytes: MAX_BODY_BYTES,
            headers: { frameOptions: 'DENY', strictTransportSecurity: 'max-age=1' },
          },
          endpoints: [
            { method: 'GET', path: '/orders' },
            { method: 'POST', path: '/orders', ...open },
            { method: 'GET', path: '/often', ...open, rateLimit: { requestsPerMinute: 1 } },
            {
              method: 'GET',
              path: '/old',
              ...open,
              sunsetDate: '2020-01-01T00:00:00Z',
              goneAfterSunset: true,
              successor: '/shop/orders',
            },
            { method: 'GET', path: '/dated', ...open, sunsetDate: '2020-01-01T00:00:00Z' },
          ],
        },
      ],
    });
    assert.equal(applied.status, 200, JSON.stringify(applied.body));
    path = `/api/v1/gateways/${applied.body.data.deployments[0].gatewayId}`;
  });
  after(async () => {
    await sandbox.remove();
    await upstream.close();
  });

  /** By node:http: fetch has its own mind about `Origin`. */
  const call = (
    method: string,
    url: string,
    headers: Readonly<Record<string, string>> = {},
    body?: string,
  ): Promise<Answer> => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    request(tollgate.url + url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: text }));
    })
      .on('error', reject)
      .end(body);
    return promise;
  };

  it('answer a preflight themselves, without a key and without the service', async () => {
    received = 0;
    const asked = {
      origin: PAGE,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'x-api-key',
    };
    const { status, headers } = await call('OPTIONS', '/shop/orders', asked);
    assert.equal(status, 204);
    assert.equal(headers['access-control-allow-origin'], PAGE);
    assert.match(headers['access-control-allow-methods'] ?? '', /\bGET\b/);
    assert.equal(headers['access-control-allow-headers'], 'x-api-key');
    const stranger = await call('OPTIONS', '/shop/orders', { ...asked, origin: 'https://evil.example.com' });
    assert.equal(stranger.headers['access-control-allow-origin'], undefined);
    assert.equal(received, 0);
  });

  it('let a page read why it was refused: 401 and 429 carry the fields of CORS', async () => {
    const keyless = await call('GET', '/shop/orders', { origin: PAGE });
    await call('GET', '/shop/often', { origin: PAGE });
    const often = await call('GET', '/shop/often', { origin: PAGE });
    assert.deepEqual([keyless.status, often.status], [401, 429]);
    for (const { headers } of [keyless, often]) assert.equal(headers['access-control-allow-origin'], PAGE);
    assert.match(often.headers['access-control-expose-headers'] ?? '', /Retry-After/);
    assert.ok(often.headers['retry-after'] !== undefined);
  });

  it('put security headers on refusals, too, and those for TLS on answers over TLS only', async () => {
    const { status, headers } = await call('GET', '/shop/orders');
    assert.deepEqual(
      [status, headers['x-frame-options'], headers['strict-transport-security']],
      [401, 'DENY', undefined],
    );
  });

  it('answer 410 after the sunset where that is asked for, and name what comes after', async () => {
    const gone = await call('GET', '/shop/old');
    assert.deepEqual([gone.status, JSON.parse(gone.body).code], [410, 'endpoint_gone']);
    assert.equal(gone.headers['sunset'], 'Wed, 01 Jan 2020 00:00:00 GMT');
    assert.equal(gone.headers['link'], '</shop/orders>; rel="successor-version"');
    assert.equal((await call('GET', '/shop/dated')).status, 200);
  });

  it('refuse a body that is too long: before the service has seen it where its length is told, and for all that in chunks', async () => {
    assert.equal((await call('POST', '/shop/orders', {}, 'x'.repeat(MAX_BODY_BYTES))).status, 200);
    received = 0;
    const told = await call('POST', '/shop/orders', { origin: PAGE }, 'x'.repeat(MAX_BODY_BYTES + 1));
    assert.deepEqual([told.status, JSON.parse(told.body).code, received], [413, 'body_too_large', 0]);
    assert.equal(told.headers['access-control-allow-origin'], PAGE);
    const wire = await openWire(Number(new URL(tollgate.url).port));
    const size = (MAX_BODY_BYTES + 1).toString(16);
    wire.send(
      `POST /shop/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\n${'x'.repeat(MAX_BODY_BYTES + 1)}\r\n0\r\n\r\n`,
    );
    assert.equal((await wire.readAnswer()).status, 413);
    wire.socket.destroy();
  });

  it('turn everybody away during maintenance, at once and without a deploy, and say when to come back', async () => {
    assert.equal((await admin.call('PUT', path, { status: 'maintenance' })).status, 200);
    received = 0;
    const refused = await call('POST', '/shop/orders', { origin: PAGE });
    assert.deepEqual([refused.status, JSON.parse(refused.body).code, received], [503, 'gateway_in_maintenance', 0]);
    assert.equal(refused.headers['retry-after'], '60');
    assert.equal(refused.headers['access-control-allow-origin'], PAGE);
    assert.equal((await admin.call('PUT', path, { status: 'active' })).status, 200);
    assert.equal((await call('POST', '/shop/orders')).status, 200);
  });
});
