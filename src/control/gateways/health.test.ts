// How the services of a gateway are, put together from what the threads say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, keyPrincipal } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import type { ServiceHealth, TargetHealth } from '../../gateway/ports.ts';
import { toGatewayHealth } from './present-health.ts';

const WELL: TargetHealth = { url: 'http://a', weight: 1, ill: undefined, circuit: undefined, inFlight: 0 };
const orders = (...targets: TargetHealth[]): ServiceHealth => ({ service: 'orders', targets });

test('a gateway of which no thread serves anything is off the air', () => {
  assert.deepEqual(toGatewayHealth('gw_1', [[], []]), {
    gatewayId: 'gw_1',
    status: 'off_air',
    threads: 2,
    services: [],
  });
});

const table: readonly [what: string, threads: ServiceHealth[][], status: string, targets: object[]][] = [
  [
    'well for all threads',
    [[orders({ ...WELL, inFlight: 2 })], [orders({ ...WELL, inFlight: 3 })]],
    'healthy',
    [{ url: 'http://a', weight: 1, status: 'up', reasons: [], inFlight: 5 }],
  ],
  [
    'ill for one of two threads',
    [[orders({ ...WELL, ill: 'check' })], [orders(WELL)]],
    'degraded',
    [{ url: 'http://a', weight: 1, status: 'partial', reasons: ['check'], inFlight: 0 }],
  ],
  [
    'ill for all threads, each for reasons of its own',
    [
      [orders({ ...WELL, ill: 'errors', circuit: 'open' })],
      [orders({ ...WELL, ill: 'unreachable', circuit: 'closed' })],
    ],
    'unavailable',
    [
      {
        url: 'http://a',
        weight: 1,
        status: 'down',
        reasons: ['errors', 'circuit_open', 'unreachable'],
        circuitBreaker: 'open',
        inFlight: 0,
      },
    ],
  ],
  [
    'tried by its breaker',
    [[orders({ ...WELL, circuit: 'half_open' })]],
    'healthy',
    [{ url: 'http://a', weight: 1, status: 'up', reasons: [], circuitBreaker: 'half_open', inFlight: 0 }],
  ],
  [
    'ill and without a weight, so that nobody feels it',
    [[orders(WELL, { ...WELL, url: 'http://b', weight: 0, ill: 'check' })]],
    'healthy',
    [
      { url: 'http://a', weight: 1, status: 'up', reasons: [], inFlight: 0 },
      { url: 'http://b', weight: 0, status: 'down', reasons: ['check'], inFlight: 0 },
    ],
  ],
  [
    'one of two under one URL',
    [[orders(WELL, { ...WELL, ill: 'errors' })]],
    'degraded',
    [
      { url: 'http://a', weight: 1, status: 'up', reasons: [], inFlight: 0 },
      { url: 'http://a', weight: 1, status: 'down', reasons: ['errors'], inFlight: 0 },
    ],
  ],
  [
    'at two addresses, as DNS tells each thread in its own order',
    [
      [
        orders(
          { ...WELL, address: '10.0.0.1', weight: 1 / 3 },
          { ...WELL, address: '10.0.0.2', port: 81, ill: 'check' },
        ),
      ],
      [
        orders(
          { ...WELL, address: '10.0.0.2', port: 81, ill: 'check' },
          { ...WELL, address: '10.0.0.1', weight: 1 / 3 },
        ),
      ],
    ],
    'degraded',
    [
      { url: 'http://a', address: '10.0.0.1', weight: 0.33, status: 'up', reasons: [], inFlight: 0 },
      { url: 'http://a', address: '10.0.0.2', port: 81, weight: 1, status: 'down', reasons: ['check'], inFlight: 0 },
    ],
  ],
];
for (const [what, threads, status, targets] of table) {
  test(`a target that is ${what}`, () => {
    const health = toGatewayHealth('gw_1', threads);
    assert.deepEqual([health.status, health.services], [status, [{ name: 'orders', status, targets }]]);
  });
}

test('a gateway is as its worst service is', () => {
  const billing = { service: 'billing', targets: [{ ...WELL, ill: 'unreachable' as const }] };
  const health = toGatewayHealth('gw_1', [[orders(WELL), billing]]);
  assert.deepEqual(
    [health.status, health.services.map(({ status }) => status)],
    ['unavailable', ['healthy', 'unavailable']],
  );
});

forEachDatabase('the health of a gateway', (open) => {
  test('is told to whoever may look at it', async () => {
    const control = createTestControl(await open());
    control.dataPlane.threads = [[orders(WELL)], [orders(WELL)]];
    const { id } = (await control.call('POST', '/api/v1/gateways', { body: { name: 'shop' } })).body.data;
    const path = `/api/v1/gateways/${id}/health`;
    const answer = await control.call('GET', path, { as: keyPrincipal(['gateways:read']) });
    assert.deepEqual([answer.status, answer.body.data.status, answer.body.data.threads], [200, 'healthy', 2]);
    assert.equal((await control.call('GET', path, { as: keyPrincipal(['keys:read']) })).status, 403);
    assert.equal((await control.call('GET', '/api/v1/gateways/gw_none/health')).status, 404);
  });
});
