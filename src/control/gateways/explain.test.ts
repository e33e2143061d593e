import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, keyPrincipal, operatorPrincipal, type TestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';

const SHOP = {
  name: 'shop',
  cors: { allowOrigins: ['*'] },
  upstreamServices: [
    {
      name: 'orders',
      targets: [{ url: 'http://127.0.0.1:9000' }, { url: 'http://127.0.0.1:9001' }],
      stripPrefix: true,
      timeout: 500,
    },
  ],
  endpoints: [
    { method: 'GET', path: '/orders/{id}', requiredScopes: ['orders:read'], rateLimit: { requestsPerMinute: 5 } },
    { method: 'POST', path: '/orders', deprecated: true },
  ],
};

async function explained(control: TestControl, query: string, options = {}): Promise<ReturnType<typeof JSON.parse>> {
  const answer = await control.call('GET', `/api/v1/gateways/explain?${query}`, options);
  assert.equal(answer.status, 200, answer.text);
  return answer.body.data;
}

forEachDatabase('an explanation', (open) => {
  test('names the endpoint, every policy in the order in which it runs, the service and its targets', async () => {
    const control = createTestControl(await open());
    await control.call('POST', '/api/v1/gateways/apply', { body: { gateways: [SHOP] } });
    const data = await explained(control, 'path=/shop/orders/7');
    const { id, ...endpoint } = data.endpoint;
    assert.match(id, /^ep_/);
    assert.deepEqual(endpoint, { method: 'GET', path: '/shop/orders/{id}' });
    assert.deepEqual([data.outcome, data.gateway.name], ['forwarded', 'shop']);
    assert.deepEqual(
      data.policies.map(({ stage, name }: { stage: string; name: string }) => `${stage} ${name}`),
      ['guard cors', 'authenticate api-key', 'authorize client', 'authorize scopes', 'limit rate-limit'],
    );
    assert.deepEqual(data.policies[3].config, { required: ['orders:read'] });
    assert.deepEqual(data.service, {
      name: 'orders',
      targets: ['http://127.0.0.1:9000', 'http://127.0.0.1:9001'],
      weights: [1, 1],
      loadBalancingStrategy: 'round_robin',
      stripPrefix: true,
      path: '/orders/7',
      timeoutMs: 500,
      retries: 1,
    });
  });

  test('tells how the targets share requests, what opens their breakers, and which path they get', async () => {
    const control = createTestControl(await open());
    const [service] = SHOP.upstreamServices;
    const upstreamServices = [
      {
        ...service,
        targets: [{ url: 'http://a', weight: 9 }, { url: 'http://b' }],
        loadBalancingStrategy: 'weighted',
        retry: { attempts: 0 },
        circuitBreaker: { failureThreshold: 4 },
        pathRewrite: { '^/orders/(\\d+)': '/v1/order/$1' },
      },
    ];
    await control.call('POST', '/api/v1/gateways/apply', { body: { gateways: [{ ...SHOP, upstreamServices }] } });
    const { service: told } = await explained(control, 'path=/shop/orders/7');
    assert.deepEqual(told, {
      name: 'orders',
      targets: ['http://a', 'http://b'],
      weights: [9, 1],
      loadBalancingStrategy: 'weighted',
      stripPrefix: true,
      path: '/v1/order/7',
      timeoutMs: 500,
      retries: 0,
      circuitBreaker: { failureThreshold: 4, resetMs: 30_000, trials: 1 },
    });
  });

  test('tells that the gateway answers a preflight, whatever version or endpoint it is about', async () => {
    const control = createTestControl(await open());
    const v2 = { ...SHOP, name: 'v2', routePrefix: '/v', version: 'v2', versioning: { by: 'header' } };
    const { cors: _cors, ...bare } = { ...SHOP, name: 'bare' };
    await control.call('POST', '/api/v1/gateways/apply', { body: { gateways: [SHOP, v2, bare] } });
    const asked = 'method=OPTIONS&header=Origin:%20https://a.example&header=Access-Control-Request-Method:%20POST';
    for (const path of ['/shop/orders', '/v/orders']) {
      const data = await explained(control, `${asked}&path=${path}`);
      assert.deepEqual([data.outcome, data.status], ['answered', 204]);
      assert.match(data.detail, /preflight/);
      assert.ok(data.policies.some(({ name }: { name: string }) => name === 'cors'));
    }
    assert.doesNotMatch((await explained(control, `${asked}&path=/bare/orders`)).detail, /preflight/);
    assert.doesNotMatch((await explained(control, 'method=OPTIONS&path=/shop/orders')).detail, /preflight/);
  });

  test('tells whether a page of the origin may call and read', async () => {
    const control = createTestControl(await open());
    const cors = { allowOrigins: ['https://a.example', 'https://*.b.example'], allowMethods: ['GET', 'POST'] };
    await control.call('POST', '/api/v1/gateways/apply', { body: { gateways: [{ ...SHOP, cors }] } });
    const preflightOf = (method: string): string =>
      `path=/shop/orders&method=OPTIONS&header=Access-Control-Request-Method:%20${method}&header=Origin:%20`;
    const table: readonly [query: string, detail: RegExp][] = [
      [`${preflightOf('POST')}https://a.example`, /preflight.* Pages of https:\/\/a.example may read the answer\.$/],
      [`${preflightOf('POST')}https://x.b.example`, /may read the answer\.$/],
      [`${preflightOf('POST')}https://evil.example`, /preflight.* not among the origins/],
      [`${preflightOf('PUT')}https://a.example`, /PUT is not among the methods/],
      ['path=/shop/orders/7&header=Origin:%20https://a.example', /^Goes to .* may read the answer\.$/],
      ['path=/shop/orders/7&header=Origin:%20https://evil.example', /^Goes to .* not among the origins/],
      ['path=/shop/orders/7', /^Goes to the service orders of gateway shop\.$/],
    ];
    for (const [query, detail] of table) assert.match((await explained(control, query)).detail, detail, query);
  });

  test('tells why a request would lead nowhere', async () => {
    const control = createTestControl(await open());
    const v2 = { ...SHOP, name: 'v2', routePrefix: '/v', version: 'v2', versioning: { by: 'header' } };
    await control.call('POST', '/api/v1/gateways/apply', { body: { gateways: [SHOP, v2] } });
    const table: readonly [query: string, outcome: string, status: number | undefined, detail: RegExp][] = [
      ['path=/nowhere', 'refused', 404, /Nothing is published at GET \/nowhere/],
      ['path=/shop/../x', 'refused', 400, /dot segments/],
      ['method=PUT&path=/shop/orders', 'refused', 405, /POST, OPTIONS/],
      ['method=OPTIONS&path=/shop/orders', 'answered', 204, /POST, OPTIONS/],
      ['path=/v/orders/7', 'refused', 400, /v2|2 \(header/],
      ['path=/v/orders/7&header=X-API-Version:%202', 'forwarded', undefined, /service orders/],
      ['path=/v/orders/7&header=a:b&header=x-api-version:v2', 'forwarded', undefined, /service orders/],
      ['path=/api/v1/keys', 'forwarded', undefined, /management API/],
    ];
    for (const [query, outcome, status, detail] of table) {
      const data = await explained(control, query);
      assert.deepEqual([data.outcome, data.status], [outcome, status], query);
      assert.match(data.detail, detail, query);
    }
    const miss = await explained(control, 'method=PUT&path=/shop/orders');
    assert.deepEqual(
      miss.policies.map(({ name }: { name: string }) => name),
      ['cors'],
    );
  });

  test('tells nobody of another tenant’s gateways', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    await db
      .insertInto('tenants')
      .values({ id: 'ten_other', name: 'Other', slug: 'other', created_at: new Date() })
      .execute();
    await control.call('POST', '/api/v1/gateways/apply', { body: { gateways: [SHOP] } });
    const as = operatorPrincipal({ tenantId: 'ten_other' });
    for (const query of ['path=/shop/orders/7', 'method=PUT&path=/shop/orders', 'method=OPTIONS&path=/shop/orders']) {
      const data = await explained(control, query, { as });
      assert.deepEqual(data, {
        outcome: 'forwarded',
        detail: 'Belongs to a gateway that is not yours.',
        policies: [],
      });
    }
    const refused = await control.call('GET', '/api/v1/gateways/explain?path=/x', { as: keyPrincipal(['keys:read']) });
    assert.equal(refused.status, 403);
  });
});
