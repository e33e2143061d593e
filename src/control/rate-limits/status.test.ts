import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, keyPrincipal, NOW_MS, operatorPrincipal } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { quotasOfCaller } from '../../lib/quota.ts';
import { createSharedCounters } from '../../limits/shared-counters.ts';
import { SharedMemoryLimiter } from '../../limits/shared-memory.ts';

const PATH = '/api/v1/rate-limits/status';

function openLimiter(): SharedMemoryLimiter {
  const memory = createSharedCounters({ entries: 100, seats: 1, secret: 's' });
  return new SharedMemoryLimiter({ memory, seat: 0, clock: { nowMs: () => NOW_MS, monotonicMs: () => NOW_MS } });
}

forEachDatabase('the status of a caller', (open) => {
  test('tells each window of key, client and tenant, as the gateway has counted it', async () => {
    const limiter = openLimiter();
    const control = createTestControl(await open(), { limiter });
    const as = keyPrincipal([], {
      clientId: 'cli_1',
      limits: [
        { window: 'hour', limit: 5 },
        { window: 'month', limit: 100, of: 'client' },
        { algorithm: 'bucket', window: 'minute', limit: 60, burst: 10, of: 'client' },
        { window: 'day', limit: 1_000, of: 'tenant' },
        { window: 'minute', limit: 7, expose: false },
      ],
    });
    const counted = limiter.prepare(as.tenantId, quotasOfCaller(as));
    for (let i = 0; i < 3; i++) limiter.take(counted, 1);
    const answer = await control.call('GET', PATH, { as });
    assert.equal(answer.status, 200, answer.text);
    const used = { used: 3 };
    assert.deepEqual(answer.body.data.limits, {
      'tenant-day': {
        ...used,
        of: 'tenant',
        window: 'day',
        limit: 1_000,
        remaining: 997,
        resetAt: '2026-03-02T00:00:00.000Z',
      },
      'client-month': {
        ...used,
        of: 'client',
        window: 'month',
        limit: 100,
        remaining: 97,
        resetAt: '2026-04-01T00:00:00.000Z',
      },
      'client-burst': {
        ...used,
        of: 'client',
        window: 'burst',
        limit: 10,
        remaining: 7,
        resetAt: '2026-03-01T12:00:03.000Z',
      },
      'key-hour': { ...used, of: 'key', window: 'hour', limit: 5, remaining: 2, resetAt: '2026-03-01T13:00:00.000Z' },
    });
    // To look counts nothing.
    assert.deepEqual((await control.call('GET', PATH, { as })).body.data, answer.body.data);
  });

  test('is empty for whoever has no limits, and nobody’s without a credential', async () => {
    const control = createTestControl(await open());
    assert.deepEqual((await control.call('GET', PATH, { as: keyPrincipal([]) })).body.data, { limits: {} });
    assert.equal((await control.call('GET', PATH, { as: null })).status, 401);
  });

  test('is the caller’s own, whichever tenant the call acts in', async () => {
    const limiter = openLimiter();
    const control = createTestControl(await open(), { limiter });
    const { body } = await control.call('POST', '/api/v1/tenants', { body: { name: 'Acme', slug: 'acme' } });
    const as = operatorPrincipal({ limits: [{ window: 'hour', limit: 5 }] });
    limiter.take(limiter.prepare(as.tenantId, quotasOfCaller(as)), 2);
    const answer = await control.call('GET', PATH, { as, headers: { 'x-tenant-id': body.data.id } });
    assert.equal(answer.body.data.limits['key-hour'].used, 2);
  });

  test('is 503 while the counters cannot be reached', async () => {
    const limiter = { prepare: () => ({ checks: [] }), peek: async () => undefined };
    const control = createTestControl(await open(), { limiter });
    const as = keyPrincipal([], { limits: [{ window: 'hour', limit: 5 }] });
    const answer = await control.call('GET', PATH, { as });
    assert.deepEqual([answer.status, answer.body.code], [503, 'limits_unavailable']);
    assert.equal(answer.headers['retry-after'], '1');
  });
});
