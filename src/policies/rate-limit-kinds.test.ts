// Limits of every kind together.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallerLimit, Principal } from '../gateway/ports.ts';
import { createRandom } from '../limits/definition.fixture.ts';
import { createKey, readProblem } from '../../test/harness/data-plane.ts';
import { FIVE_A_MINUTE, field, principalWith, setScene } from './rate-limit.fixture.ts';

describe('limits of every kind', () => {
  const endpoint = { id: 'ep_1', windows: [{ window: 'hour', limit: 50 }] } as const;
  const limits: readonly CallerLimit[] = [
    { window: 'month', limit: 60, of: 'tenant' },
    { window: 'day', limit: 40, of: 'client' },
    { window: 'day', limit: 30 },
    { algorithm: 'bucket', window: 'minute', limit: 60, burst: 10 },
    { algorithm: 'concurrency', limit: 20 },
  ];

  test('are told by name, each with what it is for', () => {
    const { call } = setScene(endpoint, { perClient: [{ window: 'minute', limit: 25, algorithm: 'fixed' }] });
    const { reply } = call(principalWith(limits, 'key_1', 'cli_1'));
    assert.equal(
      field(reply, 'ratelimit-policy'),
      '"tenant-month";q=60;w=2678400, "client-day";q=40;w=86400, "key-day";q=30;w=86400, "key-burst";q=10;w=10, ' +
        '"key-concurrency";q=20;qu="concurrent-requests", "endpoint-hour";q=50;w=3600, "client-endpoint-minute";q=25;w=60',
    );
    assert.equal(
      field(reply, 'ratelimit'),
      '"tenant-month";r=59;t=2635200, "client-day";r=39;t=43200, "key-day";r=29;t=43200, "key-burst";r=9;t=1, ' +
        '"key-concurrency";r=19, "endpoint-hour";r=49;t=3600, "client-endpoint-minute";r=24;t=60',
    );
    assert.equal(field(reply, 'x-ratelimit-limit'), '10');
  });

  test('are shared by all keys of a client, all clients of a tenant, and nobody else', () => {
    const { call } = setScene();
    const shared: readonly CallerLimit[] = [
      { window: 'day', limit: 2, of: 'client' },
      { window: 'day', limit: 3, of: 'tenant' },
    ];
    assert.ok(call(principalWith(shared, 'key_1', 'cli_1')).passed);
    assert.ok(call(principalWith(shared, 'key_2', 'cli_1')).passed);
    const third = call(principalWith(shared, 'key_3', 'cli_1'));
    assert.match(String(readProblem(third.reply)['detail']), /2 requests a day for this client/);
    assert.ok(call(principalWith(shared, 'key_4', 'cli_2')).passed);
    const fifth = call(principalWith(shared, 'key_5', 'cli_3'));
    assert.match(String(readProblem(fifth.reply)['detail']), /3 requests a day for this tenant/);
    assert.ok(call({ ...principalWith(shared, 'key_6', 'cli_4'), tenantId: 'ten_other' }).passed);
  });

  test('of a client at an endpoint hold for each client alone, and for a key without one as well', () => {
    const { call } = setScene(endpoint, { perClient: [{ window: 'day', limit: 1 }] });
    assert.ok(call(principalWith([], 'key_1', 'cli_1')).passed);
    assert.equal(call(principalWith([], 'key_2', 'cli_1')).passed, false);
    assert.ok(call(principalWith([], 'key_3', 'cli_2')).passed);
    assert.ok(call(principalWith([], 'key_4')).passed);
    assert.equal(call(principalWith([], 'key_4')).passed, false);
  });

  const words: readonly [CallerLimit, string][] = [
    [{ window: 'month', limit: 1 }, 'The limit is 1 request a month for this key; try again in 2635200 seconds.'],
    [{ window: 'day', limit: 2 }, 'The limit is 2 requests a day for this key; try again in 43200 seconds.'],
    [
      { algorithm: 'bucket', window: 'minute', limit: 60, burst: 2 },
      'The limit is 2 requests at once, with a new one every 1 s for this key; try again in 1 second.',
    ],
    [
      { algorithm: 'bucket', window: 'minute', limit: 7000, burst: 1 },
      'The limit is 1 request at once, with a new one every 8.57 ms for this key; try again in 1 second.',
    ],
    [
      { algorithm: 'concurrency', limit: 2 },
      'The limit is 2 requests at the same time for this key; try again in 1 second.',
    ],
  ];
  for (const [limit, detail] of words) {
    test(`are refused in words: ${detail}`, () => {
      const { call } = setScene();
      const principal = principalWith([limit]);
      while (call(principal).passed);
      assert.equal(readProblem(call(principal).reply)['detail'], detail);
    });
  }

  test('are named in the problem as the fields name them', () => {
    const { call } = setScene({ id: 'ep_1', windows: [{ window: 'hour', limit: 1 }] });
    call(FIVE_A_MINUTE);
    assert.deepEqual(readProblem(call(FIVE_A_MINUTE).reply)['violated-policies'], ['endpoint-hour']);
  });

  const each: readonly CallerLimit[] = [
    { window: 'minute', limit: 5 },
    { window: 'minute', limit: 5, algorithm: 'sliding' },
    { window: 'hour', limit: 5 },
    { window: 'hour', limit: 5, algorithm: 'sliding' },
    { window: 'day', limit: 5 },
    { window: 'day', limit: 5, timeZone: 'Europe/Berlin' },
    { window: 'month', limit: 5 },
    { algorithm: 'bucket', window: 'minute', limit: 7, burst: 5 },
    { algorithm: 'bucket', window: 'hour', limit: 7, burst: 5 },
  ];
  for (const limit of each) {
    test(`let pass who waits exactly the seconds of Retry-After: ${JSON.stringify(limit)}`, () => {
      const { call, advance } = setScene();
      const principal: Principal = { ...createKey().credential.principal, limits: [limit] };
      const random = createRandom(11);
      for (let i = 0; i < 20; i++) {
        advance(random(50_000));
        while (call(principal).passed);
        const seconds = Number(field(call(principal).reply, 'retry-after'));
        assert.ok(Number.isInteger(seconds) && seconds >= 1);
        advance(seconds * 1000);
        assert.ok(call(principal).passed, `after ${seconds} s`);
      }
    });
  }
});
