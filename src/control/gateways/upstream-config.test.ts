// What a draft says of services and targets arrives in the data plane's configuration, and comes back as it was said.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { createTestControl, type TestControl } from '../../../test/harness/control.ts';

type Body = Readonly<Record<string, unknown>>;

/** A gateway with this service and an endpoint, deployed: what its service became. */
async function deployWith(control: TestControl, service: Body, gateway: Body = {}): Promise<unknown> {
  const never = { attempts: 0 };
  const upstreamServices = [{ name: 'orders', targets: [{ url: 'http://h' }], retry: never, ...service }];
  const made = await control.call('POST', '/api/v1/gateways', { body: { name: 'shop', upstreamServices, ...gateway } });
  assert.equal(made.status, 201, made.text);
  const { id } = made.body.data;
  assert.deepEqual(made.body.data.upstreamServices, upstreamServices);
  for (const [name, said] of Object.entries(gateway)) assert.deepEqual(made.body.data[name], said);
  const endpoint = { method: 'GET', path: '/a' };
  assert.equal((await control.call('POST', `/api/v1/gateways/${id}/endpoints`, { body: endpoint })).status, 201);
  const deployed = await control.call('POST', `/api/v1/gateways/${id}/deploy`);
  assert.equal(deployed.status, 200, deployed.text);
  return control.dataPlane.published.at(-1)?.gateways[1]?.services[0];
}

const ORDERS = { name: 'orders', targets: [{ url: 'http://h' }], stripPrefix: false };

forEachDatabase('what is said of a service', (open) => {
  const table: readonly [what: string, service: Body, gateway: Body, expected: Body][] = [
    [
      'services by SRV records',
      { targets: [{ url: 'https+srv://_api._tcp.example.com/base' }] },
      {},
      { targets: [{ url: 'https+srv://_api._tcp.example.com/base' }] },
    ],
    [
      'the room of targets',
      { targets: [{ url: 'http://a', maxConcurrentRequests: 5 }, { url: 'http://b' }] },
      {},
      { targets: [{ url: 'http://a', maxConcurrentRequests: 5 }, { url: 'http://b' }] },
    ],
    [
      'weights of targets',
      { targets: [{ url: 'http://a', weight: 5 }, { url: 'http://b', weight: 0 }, { url: 'http://c' }] },
      {},
      { targets: [{ url: 'http://a', weight: 5 }, { url: 'http://b', weight: 0 }, { url: 'http://c' }] },
    ],
    ['its strategy', { loadBalancingStrategy: 'ip_hash' }, {}, { loadBalancingStrategy: 'ip_hash' }],
    [
      'the strategy of its gateway',
      {},
      { loadBalancingStrategy: 'least_connections' },
      { loadBalancingStrategy: 'least_connections' },
    ],
    [
      'its strategy before that of its gateway',
      { loadBalancingStrategy: 'round_robin' },
      { loadBalancingStrategy: 'ip_hash' },
      {},
    ],
    [
      'its breaker, with what was not said',
      { circuitBreaker: {} },
      {},
      { circuitBreaker: { failureThreshold: 5, resetMs: 30_000, trials: 1 } },
    ],
    [
      'the breaker of its gateway',
      {},
      { circuitBreaker: { failureThreshold: 3, resetTimeoutSeconds: 7, halfOpenRequests: 2 } },
      { circuitBreaker: { failureThreshold: 3, resetMs: 7_000, trials: 2 } },
    ],
    [
      'its breaker before that of its gateway, by rate alone',
      { circuitBreaker: { failureRatePercent: 50 } },
      { circuitBreaker: { failureThreshold: 3 } },
      {
        circuitBreaker: {
          failureRate: { percent: 50, minimumCalls: 20, windowMs: 60_000 },
          resetMs: 30_000,
          trials: 1,
        },
      },
    ],
    [
      'the run of errors that takes a target out',
      { healthCheck: { errorThreshold: 4, ejectSeconds: 9 } },
      {},
      { healthCheck: { errorThreshold: 4, ejectMs: 9_000 } },
    ],
    [
      'how it is checked, with what was not said',
      { healthCheck: { path: '/up?x=1' } },
      {},
      {
        healthCheck: {
          check: { path: '/up?x=1', intervalMs: 10_000, timeoutMs: 5_000, healthyThreshold: 2, unhealthyThreshold: 3 },
        },
      },
    ],
    [
      'all of its health',
      {
        healthCheck: {
          path: '/up',
          intervalSeconds: 1,
          timeoutSeconds: 2,
          healthyThreshold: 3,
          unhealthyThreshold: 4,
          panicThresholdPercent: 50,
          slowStartSeconds: 60,
        },
      },
      {},
      {
        healthCheck: {
          check: { path: '/up', intervalMs: 1_000, timeoutMs: 2_000, healthyThreshold: 3, unhealthyThreshold: 4 },
          panicPercent: 50,
          slowStartMs: 60_000,
        },
      },
    ],
    [
      'what its gateway asks of all targets',
      { healthCheck: { errorThreshold: 4, intervalSeconds: 1 } },
      { healthCheckUrl: '/up?x=1' },
      {
        healthCheck: {
          check: { path: '/up?x=1', intervalMs: 1_000, timeoutMs: 5_000, healthyThreshold: 2, unhealthyThreshold: 3 },
          errorThreshold: 4,
          ejectMs: 30_000,
        },
      },
    ],
    [
      'what its gateway asks of all targets, at one of them',
      {},
      { healthCheckUrl: 'http://h:80/up' },
      {
        healthCheck: {
          check: { path: '/up', intervalMs: 10_000, timeoutMs: 5_000, healthyThreshold: 2, unhealthyThreshold: 3 },
        },
      },
    ],
    [
      'what it asks itself, whatever its gateway asks',
      { healthCheck: { path: '/own' } },
      { healthCheckUrl: '/up' },
      {
        healthCheck: {
          check: { path: '/own', intervalMs: 10_000, timeoutMs: 5_000, healthyThreshold: 2, unhealthyThreshold: 3 },
        },
      },
    ],
    [
      'how often it is tried again',
      { retry: { attempts: 3, statuses: [503] } },
      {},
      { retry: { attempts: 3, statuses: [503] } },
    ],
    [
      'that it is tried again, with what was not said',
      { retry: {} },
      {},
      { retry: { attempts: 1, statuses: [502, 503, 504] } },
    ],
    [
      'its timeouts',
      { timeouts: { connectMs: 100, handshakeMs: 200, betweenBytesMs: 300, totalMs: 400 } },
      {},
      { timeouts: { connectMs: 100, handshakeMs: 200, betweenBytesMs: 300, totalMs: 400 } },
    ],
    [
      'how it rewrites paths, the longest expression first',
      { pathRewrite: { '^/a': '/x', '^/a/b': '/y', '^/b': '/z' } },
      {},
      {
        pathRewrite: [
          { pattern: '^/a/b', replacement: '/y' },
          { pattern: '^/a', replacement: '/x' },
          { pattern: '^/b', replacement: '/z' },
        ],
      },
    ],
    [
      'headers of its requests, in the short form as well',
      { headers: { 'X-Internal-Service': 'gateway' }, requestHeaders: { add: { 'X-By': 'x' }, remove: ['Cookie'] } },
      {},
      {
        requestFields: {
          drop: ['cookie', 'x-internal-service'],
          put: [
            { name: 'x-by', value: 'x' },
            { name: 'x-internal-service', value: 'gateway' },
          ],
        },
      },
    ],
    [
      'headers of its answers',
      { responseHeaders: { set: { 'X-Served-By': '{gatewayId}' }, remove: ['Server'] } },
      {},
      { responseFields: { drop: ['server', 'x-served-by'], put: [{ name: 'x-served-by', value: '{gatewayId}' }] } },
    ],
    ['whose host it reads', { host: 'caller' }, {}, { host: 'caller' }],
    ['that it reads its own host', { host: 'target' }, {}, {}],
  ];
  for (const [what, service, gateway, expected] of table) {
    test(`is what the data plane gets: ${what}`, async () => {
      const control = createTestControl(await open());
      assert.deepEqual(await deployWith(control, service, gateway), { ...ORDERS, ...expected });
    });
  }

  const times: readonly [what: string, service: Body, timeoutMs: number][] = [
    ['milliseconds', { timeout: 1_500 }, 1_500],
    ['seconds', { timeoutSeconds: 7 }, 7_000],
    ['the seconds of its gateway', {}, 9_000],
  ];
  for (const [what, said, timeoutMs] of times) {
    test(`is how long its first byte may take, in ${what}`, async () => {
      const control = createTestControl(await open());
      await deployWith(control, said, { timeoutSeconds: 9 });
      assert.equal(control.dataPlane.published.at(-1)?.gateways[1]?.endpoints[0]?.timeoutMs, timeoutMs);
    });
  }

  test('is refused with two times to the first byte', async () => {
    const control = createTestControl(await open());
    const upstreamServices = [{ name: 'a', targets: [{ url: 'http://h' }], timeout: 1, timeoutSeconds: 1 }];
    const answer = await control.call('POST', '/api/v1/gateways', { body: { name: 'shop', upstreamServices } });
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.body.errors, [
      { path: 'body.upstreamServices[0].timeoutSeconds', message: 'goes without timeout: send one of the two' },
    ]);
  });

  test('is refused with every fault where it would rewrite what it must not', async () => {
    const control = createTestControl(await open());
    const service = {
      name: 'a',
      targets: [{ url: 'http://h' }],
      pathRewrite: { '(': '/x', '^/b': '/$1', '^/c': '/d e' },
      headers: { Host: 'x', 'a b': 'x', X: '{nobody}' },
      requestHeaders: { set: { x: '1', A: '1', a: '2' }, remove: ['content_length'] },
      responseHeaders: { add: { 'Transfer-Encoding': 'chunked' } },
    };
    const answer = await control.call('POST', '/api/v1/gateways', {
      body: { name: 'shop', upstreamServices: [service] },
    });
    assert.equal(answer.status, 400);
    const paths = answer.body.errors.map(({ path }: { path: string }) => path.replace('body.upstreamServices[0].', ''));
    assert.deepEqual(paths, [
      'pathRewrite["("]',
      'pathRewrite["^/b"]',
      'pathRewrite["^/c"]',
      'headers["Host"]',
      'headers["a b"]',
      'headers["X"]',
      'headers["X"]',
      'requestHeaders.set["a"]',
      'requestHeaders.remove[0]',
      'responseHeaders.add["Transfer-Encoding"]',
    ]);
  });

  test('of how many requests a gateway may have under way becomes a policy, and is cleared with null', async () => {
    const control = createTestControl(await open());
    await deployWith(control, {}, { maxConcurrentRequests: 50 });
    const [, gateway] = control.dataPlane.published.at(-1)?.gateways ?? [];
    assert.deepEqual(gateway?.policies, [{ name: 'concurrency', config: { requests: 50 } }]);
    const body = { maxConcurrentRequests: null };
    const cleared = await control.call('PUT', `/api/v1/gateways/${gateway?.id}`, { body });
    assert.deepEqual([cleared.status, cleared.body.data.maxConcurrentRequests], [200, undefined]);
  });

  test('of a gateway is cleared with null', async () => {
    const control = createTestControl(await open());
    const body = { name: 'shop', circuitBreaker: {} };
    const { id } = (await control.call('POST', '/api/v1/gateways', { body })).body.data;
    const cleared = await control.call('PUT', `/api/v1/gateways/${id}`, { body: { circuitBreaker: null } });
    assert.deepEqual([cleared.status, cleared.body.data.circuitBreaker], [200, undefined]);
  });

  test('is refused where a check asks for no path', async () => {
    const control = createTestControl(await open());
    for (const path of ['up', 'http://h/up', '/a b', '/a#b', '/ü']) {
      const upstreamServices = [{ name: 'orders', targets: [{ url: 'http://h' }], healthCheck: { path } }];
      const answer = await control.call('POST', '/api/v1/gateways', { body: { name: 'shop', upstreamServices } });
      const [fault] = answer.body.errors;
      assert.deepEqual([answer.status, fault.path], [400, 'body.upstreamServices[0].healthCheck.path']);
    }
  });

  test('is refused where a gateway asks for what is neither path nor URL, and cleared with null', async () => {
    const control = createTestControl(await open());
    for (const healthCheckUrl of ['up', 'ftp://h/up', '/a b', 'http://h/up?x=1', 'http://u:p@h/up', '']) {
      const answer = await control.call('POST', '/api/v1/gateways', { body: { name: 'shop', healthCheckUrl } });
      const [fault] = answer.body.errors;
      assert.deepEqual([answer.status, fault.path], [400, 'body.healthCheckUrl'], healthCheckUrl);
    }
    const made = await control.call('POST', '/api/v1/gateways', { body: { name: 'shop', healthCheckUrl: '/up' } });
    const cleared = await control.call('PUT', `/api/v1/gateways/${made.body.data.id}`, {
      body: { healthCheckUrl: null },
    });
    assert.deepEqual([cleared.status, cleared.body.data.healthCheckUrl], [200, undefined]);
  });

  test('is refused at the deploy where a check leads to none of the targets', async () => {
    const control = createTestControl(await open());
    const upstreamServices = [{ name: 'orders', targets: [{ url: 'http://h:8080/api' }] }];
    const body = { name: 'shop', upstreamServices, healthCheckUrl: 'http://h/up' };
    const made = await control.call('POST', '/api/v1/gateways', { body });
    const answer = await control.call('POST', `/api/v1/gateways/${made.body.data.id}/deploy`);
    const message =
      'is at http://h, which is none of the targets: name the path alone, and it is asked of each of them';
    assert.deepEqual([answer.status, answer.body.errors], [422, [{ path: 'healthCheckUrl', message }]]);
  });

  test('is refused at the deploy where no target would get anything', async () => {
    const control = createTestControl(await open());
    const targets = [{ url: 'http://a', weight: 0 }];
    const upstreamServices = [{ name: 'orders', targets }];
    const made = await control.call('POST', '/api/v1/gateways', { body: { name: 'shop', upstreamServices } });
    const answer = await control.call('POST', `/api/v1/gateways/${made.body.data.id}/deploy`);
    assert.equal(answer.status, 422);
    assert.deepEqual(answer.body.errors, [
      { path: 'upstreamServices[0].targets', message: 'orders: need one with a weight above 0' },
    ]);
  });
});
