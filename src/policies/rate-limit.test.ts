// What the policy decides, and what it says.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { localReply, type Exchange, type Reply } from '../gateway/exchange.ts';
import type { CallerLimit } from '../gateway/ports.ts';
import { checkSchema } from '../gateway/snapshot.ts';
import type { Fault } from '../lib/problem.ts';
import { createExchange, readProblem, toList } from '../../test/harness/data-plane.ts';
import { rateLimit } from './rate-limit.ts';
import { FIVE_A_MINUTE, type Scene, compileWith, field, principalWith, setScene } from './rate-limit.fixture.ts';

/** As checkSnapshot finds them. */
function faultsOf(config: unknown): Fault[] {
  const faults = checkSchema(rateLimit.config, config, 'config');
  if (faults.length > 0 || !Value.Check(rateLimit.config, config)) return faults;
  return (rateLimit.findFaults?.(config) ?? []).map(({ path, message }) => ({ path: `config.${path}`, message }));
}

describe('a key of five requests a minute', () => {
  test('passes five times, is told each time what is left, and is refused the sixth time', () => {
    const { call } = setScene();
    for (const remaining of ['4', '3', '2', '1', '0']) {
      const { exchange, reply, passed } = call(FIVE_A_MINUTE);
      assert.ok(passed);
      assert.equal(exchange.verdict?.outcome, 'admitted');
      assert.equal(exchange.rateLimited, false);
      assert.equal(field(reply, 'x-ratelimit-limit'), '5');
      assert.equal(field(reply, 'x-ratelimit-remaining'), remaining);
      assert.equal(field(reply, 'x-ratelimit-reset'), '2026-03-01T12:01:00.000Z');
      assert.equal(field(reply, 'ratelimit-policy'), '"key-minute";q=5;w=60');
      assert.equal(field(reply, 'ratelimit'), `"key-minute";r=${remaining};t=60`);
      assert.equal(field(reply, 'retry-after'), undefined);
    }
    assert.equal(call(FIVE_A_MINUTE).passed, false);
  });

  test('is refused with 429, the limit in words, and the same fields', () => {
    const { call, advance } = setScene();
    for (let i = 0; i < 5; i++) call(FIVE_A_MINUTE);
    advance(48_500);
    const { exchange, reply } = call(FIVE_A_MINUTE);
    assert.equal(reply.status, 429);
    assert.equal(exchange.rateLimited, true);
    assert.equal(exchange.errorCode, 'rate_limited');
    const problem = readProblem(reply);
    assert.equal(problem['code'], 'rate_limited');
    assert.equal(problem['detail'], 'The limit is 5 requests a minute for this key; try again in 12 seconds.');
    assert.equal(field(reply, 'retry-after'), '12');
    assert.equal(field(reply, 'x-ratelimit-limit'), '5');
    assert.equal(field(reply, 'x-ratelimit-remaining'), '0');
    assert.equal(field(reply, 'x-ratelimit-reset'), '2026-03-01T12:01:00.000Z');
    assert.equal(field(reply, 'ratelimit'), '"key-minute";r=0;t=12');
  });

  test('passes after exactly the seconds of Retry-After, however late in the window it was refused', () => {
    for (const elapsedMs of [0, 1, 999, 1000, 30_001, 59_000, 59_001, 59_999]) {
      const { call, advance } = setScene();
      advance(elapsedMs);
      for (let i = 0; i < 5; i++) call(FIVE_A_MINUTE);
      const seconds = Number(field(call(FIVE_A_MINUTE).reply, 'retry-after'));
      assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60);
      advance(seconds * 1000);
      assert.ok(call(FIVE_A_MINUTE).passed, `refused ${elapsedMs} ms into the minute`);
    }
  });

  test('does not touch another key', () => {
    const { call } = setScene();
    for (let i = 0; i < 6; i++) call(FIVE_A_MINUTE);
    assert.ok(call(principalWith(FIVE_A_MINUTE.limits, 'key_2')).passed);
  });

  test('is known again when its principal was loaded anew', () => {
    const { call } = setScene();
    for (let i = 0; i < 5; i++) call(principalWith(FIVE_A_MINUTE.limits));
    assert.equal(call(principalWith(FIVE_A_MINUTE.limits)).passed, false);
  });
});

describe('several limits', () => {
  const endpoint = { id: 'ep_1', windows: [{ window: 'minute', limit: 3 }] } as const;

  test('are all told, under names of their own, and the one with the fewest left is the tightest', () => {
    const { call } = setScene(endpoint);
    const { reply } = call(
      principalWith([
        { window: 'minute', limit: 9 },
        { window: 'day', limit: 5 },
      ]),
    );
    assert.equal(
      field(reply, 'ratelimit-policy'),
      '"key-minute";q=9;w=60, "key-day";q=5;w=86400, "endpoint-minute";q=3;w=60',
    );
    assert.equal(field(reply, 'ratelimit'), '"key-minute";r=8;t=60, "key-day";r=4;t=43200, "endpoint-minute";r=2;t=60');
    assert.equal(field(reply, 'x-ratelimit-limit'), '3');
    assert.equal(field(reply, 'x-ratelimit-remaining'), '2');
  });

  test('with equally few left are told by the one that resets last', () => {
    const { call } = setScene();
    const { reply } = call(
      principalWith([
        { window: 'hour', limit: 5 },
        { window: 'day', limit: 5 },
        { window: 'minute', limit: 5 },
      ]),
    );
    assert.equal(field(reply, 'x-ratelimit-reset'), '2026-03-02T00:00:00.000Z');
  });

  test('that refuse together name the one that resets last, so that its Retry-After is true', () => {
    const { call } = setScene();
    const principal = principalWith([
      { window: 'minute', limit: 1 },
      { window: 'hour', limit: 1 },
    ]);
    call(principal);
    const { reply } = call(principal);
    assert.equal(field(reply, 'retry-after'), '3600');
    assert.equal(
      readProblem(reply)['detail'],
      'The limit is 1 request an hour for this key; try again in 3600 seconds.',
    );
    assert.equal(field(reply, 'x-ratelimit-reset'), '2026-03-01T13:00:00.000Z');
  });

  test('of an endpoint hold for all its callers together, and cost the refused caller nothing', () => {
    const { call } = setScene(endpoint);
    for (const keyId of ['key_1', 'key_2', 'key_3']) call(principalWith([{ window: 'minute', limit: 5 }], keyId));
    const { reply, passed } = call(principalWith([{ window: 'minute', limit: 5 }], 'key_1'));
    assert.equal(passed, false);
    assert.equal(
      readProblem(reply)['detail'],
      'The limit is 3 requests a minute for this endpoint; try again in 60 seconds.',
    );
    assert.equal(field(reply, 'ratelimit'), '"key-minute";r=4;t=60, "endpoint-minute";r=0;t=60');
  });

  test('of an endpoint hold for callers without a key too', () => {
    const { call } = setScene(endpoint);
    for (let i = 0; i < 3; i++) assert.equal(field(call().reply, 'ratelimit'), `"endpoint-minute";r=${2 - i};t=60`);
    assert.equal(call().passed, false);
  });

  test('for one window are one limit, the smaller', () => {
    const { call } = setScene();
    const { reply } = call(
      principalWith([
        { window: 'day', limit: 9 },
        { window: 'day', limit: 4 },
      ]),
    );
    assert.equal(field(reply, 'ratelimit'), '"key-day";r=3;t=43200');
  });
});

describe('a request without limits', () => {
  for (const [who, principal] of [
    ['nobody', undefined],
    ['a key without limits', principalWith([])],
  ] as const) {
    test(`of ${who} passes, and no field speaks of limits`, () => {
      const policy = compileWith(() => assert.fail('there is nothing to count'));
      const { exchange } = createExchange();
      exchange.principal = principal;
      assert.equal(policy.onRequest?.(exchange), undefined);
      const reply = localReply(200, ['x-ratelimit-limit', 'the upstream’s own'], undefined);
      policy.onResponse?.(exchange, reply);
      assert.deepEqual(reply.headers, ['x-ratelimit-limit', 'the upstream’s own']);
      assert.equal(reply.lines, '');
    });
  }
});

test('fields of the upstream that speak of limits give way to ours, and all others stay as they are', () => {
  const { call } = setScene();
  const upstream = `Content-Type: text/plain, X-RateLimit-Limit: 1, Retry-After: 7, ratelimit: "theirs";r=1, X-Ratelimit-Used: 3,
    RateLimit-Remaining: 2, X-Rate: kept, Range-Unit: kept, RATELIMIT-POLICY: "theirs"`;
  const { reply } = call(FIVE_A_MINUTE, upstream.split(/: |,\s+/));
  assert.equal(
    reply.fields?.linesWithout(reply.drops),
    'Content-Type: text/plain\r\nRetry-After: 7\r\nX-Rate: kept\r\nRange-Unit: kept\r\n',
  );
  assert.equal(toList(reply.lines).length, 10);
  assert.equal(field(reply, 'x-ratelimit-limit'), '5');
});

describe('a limit that is not exposed', () => {
  const limits: readonly CallerLimit[] = [
    { window: 'hour', limit: 2, expose: false },
    { window: 'day', limit: 9 },
  ];

  test('holds, and no field tells of it', () => {
    const { call } = setScene();
    const principal = principalWith(limits);
    const { reply } = call(principal);
    assert.equal(field(reply, 'ratelimit-policy'), '"key-day";q=9;w=86400');
    assert.equal(field(reply, 'ratelimit'), '"key-day";r=8;t=43200');
    assert.equal(field(reply, 'x-ratelimit-limit'), '9');
    call(principal);
    const refused = call(principal).reply;
    assert.equal(refused.status, 429);
    assert.equal(field(refused, 'retry-after'), '3600');
    assert.equal(field(refused, 'x-ratelimit-remaining'), '7');
    assert.doesNotMatch(JSON.stringify(readProblem(refused)), /hour|2 requests/);
  });

  test('leaves no field at all when it is the only one', () => {
    const { call } = setScene();
    const { reply } = call(principalWith([{ window: 'hour', limit: 2, expose: false }]));
    assert.deepEqual([reply.headers, reply.lines, reply.drops], [[], '', 0]);
  });
});

describe('a caller without credentials', () => {
  const settings = { address: [{ window: 'hour', limit: 2 }] } as const;

  test('is limited by address, at each of them', () => {
    const { callAs } = setScene(null, {}, settings);
    assert.ok(callAs({ address: '192.0.2.1' }).passed);
    assert.ok(callAs({ address: '::ffff:192.0.2.1' }).passed);
    const { reply, passed } = callAs({ address: '192.0.2.1' });
    assert.equal(passed, false);
    assert.match(String(readProblem(reply)['detail']), /2 requests an hour for this address/);
    assert.equal(field(reply, 'ratelimit'), '"address-hour";r=0;t=3600');
    assert.ok(callAs({ address: '192.0.2.2' }).passed);
  });

  test('has one network of IPv6 addresses, as wide as the setting says', () => {
    const { callAs } = setScene(null, {}, settings);
    assert.ok(callAs({ address: '2001:db8:0:1::1' }).passed);
    assert.ok(callAs({ address: '2001:db8:0:1:ffff::2' }).passed);
    assert.equal(callAs({ address: '2001:db8:0:1::3' }).passed, false);
    assert.ok(callAs({ address: '2001:db8:0:2::1' }).passed);
    const wide = setScene(null, {}, { ...settings, ipv6Bits: 48 });
    for (const group of [1, 2]) assert.ok(wide.callAs({ address: `2001:db8:0:${group}::1` }).passed);
    assert.equal(wide.callAs({ address: '2001:db8:0:3::1' }).passed, false);
  });

  test('has at some routes a limit of its own, in place of the node’s', () => {
    const address = { name: 'validate', windows: [{ window: 'hour', limit: 1 }] } as const;
    const { callAs } = setScene(null, { address: { ...address, windows: [...address.windows] } }, settings);
    const { reply } = callAs({});
    assert.equal(field(reply, 'ratelimit-policy'), '"address-hour";q=1;w=3600');
    assert.equal(callAs({}).passed, false);
  });

  test('shares the endpoint’s limit with everybody', () => {
    const { callAs } = setScene({ id: 'ep_1', windows: [{ window: 'hour', limit: 2 }] }, {}, settings);
    for (const last of [1, 2]) assert.ok(callAs({ address: `192.0.2.${last}` }).passed);
    assert.match(String(readProblem(callAs({ address: '192.0.2.3' }).reply)['detail']), /for this endpoint/);
  });

  test('is not limited by address once it is known by a key', () => {
    const { callAs } = setScene(null, {}, settings);
    for (let i = 0; i < 4; i++) assert.ok(callAs({ principal: principalWith([{ window: 'day', limit: 9 }]) }).passed);
  });

  test('of whom there are very many costs no memory beyond what there is', () => {
    const { callAs } = setScene(null, {}, settings);
    for (let i = 0; i < 20_000; i++)
      assert.ok(callAs({ address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` }).passed);
  });
});

describe('a request of some cost', () => {
  test('counts so much, or nothing', () => {
    const { call } = setScene(null, { cost: 3 });
    const principal = principalWith([{ window: 'hour', limit: 7 }]);
    assert.equal(field(call(principal).reply, 'x-ratelimit-remaining'), '4');
    assert.equal(field(call(principal).reply, 'x-ratelimit-remaining'), '1');
    const { reply, passed } = call(principal);
    assert.equal(passed, false);
    assert.equal(field(reply, 'x-ratelimit-remaining'), '1');
  });
});

describe('a request that fails', () => {
  const principal = principalWith([{ window: 'hour', limit: 9 }]);
  const failing = (exchange: Exchange): Reply => {
    exchange.errorCode = 'upstream_unreachable';
    return localReply(502, [], undefined);
  };
  const remaining = (scene: Scene): string | undefined => field(scene.call(principal).reply, 'x-ratelimit-remaining');

  test('by Tollgate itself is taken off the counts again', () => {
    const scene = setScene();
    scene.callAs({ principal, answer: failing });
    assert.equal(remaining(scene), '8');
  });

  test('by the upstream’s own answer is counted', () => {
    const scene = setScene();
    scene.callAs({ principal, answer: () => localReply(503, [], undefined) });
    assert.equal(remaining(scene), '7');
  });

  test('is counted where the policy says so, or the setting', () => {
    for (const scene of [setScene(null, { refundsFailures: false }), setScene(null, {}, { refundsFailures: false })]) {
      scene.callAs({ principal, answer: failing });
      assert.equal(remaining(scene), '7');
    }
    const scene = setScene(null, { refundsFailures: true }, { refundsFailures: false });
    scene.callAs({ principal, answer: failing });
    assert.equal(remaining(scene), '8');
  });
});

describe('a limit of concurrency', () => {
  const principal = principalWith([{ algorithm: 'concurrency', limit: 1 }]);

  test('makes room when the exchange is over, whatever its end was, and once', () => {
    const { policy, call } = setScene();
    const first = call(principal);
    assert.ok(first.passed);
    assert.equal(call(principal).passed, false);
    policy.onEnd?.(first.exchange);
    policy.onEnd?.(first.exchange);
    const second = call(principal);
    assert.ok(second.passed);
    const third = call(principal);
    assert.equal(third.passed, false);
    policy.onEnd?.(third.exchange);
    assert.equal(call(principal).passed, false, 'who was refused held nothing');
  });

  test('makes room when the caller left before the limiter had answered', async () => {
    let released = 0;
    const admitted = { outcome: 'admitted', atMs: 0, standings: [], release: () => released++ } as const;
    const policy = compileWith(async () => admitted);
    const { exchange } = createExchange();
    exchange.principal = principal;
    const pending = policy.onRequest?.(exchange);
    exchange.recorded = true;
    policy.onEnd?.(exchange);
    assert.equal(released, 0);
    await pending;
    assert.equal(released, 1);
  });
});

describe('the configuration', () => {
  const minute = { window: 'minute', limit: 1 };
  const sound: readonly unknown[] = [
    { endpoint: null },
    { endpoint: { id: 'ep_1', windows: [minute] } },
    { endpoint: { id: 'ep_1', windows: [minute, { window: 'hour', limit: 2 ** 31 }, { window: 'day', limit: 9 }] } },
    { endpoint: { id: 'ep_1', windows: [{ window: 'month', limit: 9, timeZone: 'Europe/Berlin', expose: false }] } },
    { endpoint: { id: 'ep_1', windows: [{ algorithm: 'bucket', burst: 9, window: 'minute', limit: 60 }] } },
    { endpoint: { id: 'ep_1', windows: [{ algorithm: 'concurrency', limit: 9 }] }, perClient: [minute] },
    { endpoint: null, cost: 5, onFailure: 'allow', refundsFailures: false },
    { endpoint: null, address: { name: 'validate', windows: [minute] } },
  ];
  for (const config of sound) {
    test(`may be ${JSON.stringify(config)}`, () => {
      assert.deepEqual(faultsOf(config), []);
    });
  }

  const withWindow = (window: unknown) => ({ endpoint: { id: 'ep_1', windows: [window] } });
  const unsound: readonly unknown[] = [
    null,
    {},
    { endpoint: null, any: true },
    { endpoint: {} },
    { endpoint: { id: '', windows: [minute] } },
    { endpoint: { id: 'ep_1', windows: [] } },
    { endpoint: { id: 'ep_1', windows: [minute, minute, minute, minute] } },
    { endpoint: { id: 'ep_1', windows: [minute], any: true } },
    withWindow({ window: 'second', limit: 1 }),
    withWindow({ window: 'minute', limit: 0 }),
    withWindow({ window: 'minute', limit: -1 }),
    withWindow({ window: 'minute', limit: 1.5 }),
    withWindow({ window: 'minute', limit: 2 ** 31 + 1 }),
    withWindow({ window: 'minute' }),
    withWindow({ window: 'minute', limit: 1, any: true }),
    withWindow({ window: 'month', limit: 1, algorithm: 'sliding' }),
    withWindow({ window: 'day', limit: 1, timeZone: 'Mars/Olympus' }),
    withWindow({ window: 'hour', limit: 1, timeZone: 'Europe/Berlin' }),
    withWindow({ algorithm: 'bucket', window: 'minute', limit: 1 }),
    withWindow({ algorithm: 'bucket', window: 'day', limit: 1, burst: 1 }),
    withWindow({ algorithm: 'bucket', window: 'hour', limit: 1, burst: 2 ** 31 }),
    withWindow({ algorithm: 'bucket', window: 'minute', limit: 1, burst: 0 }),
    withWindow({ algorithm: 'concurrency', limit: 1.5 }),
    withWindow({ algorithm: 'leaky', limit: 1 }),
    { endpoint: null, perClient: [minute] },
    { endpoint: null, address: { name: 'Validate', windows: [minute] } },
    { endpoint: null, address: { name: 'validate', windows: [] } },
    { endpoint: null, address: { name: 'validate', windows: [minute, minute] } },
    { endpoint: null, cost: 0 },
    { endpoint: null, onFailure: 'guess' },
    { endpoint: null, refundsFailures: 'yes' },
  ];
  for (const config of unsound) {
    test(`may not be ${JSON.stringify(config)}`, () => {
      const faults = faultsOf(config);
      assert.ok(faults.length > 0);
      assert.ok(faults.every(({ path }) => path.startsWith('config')));
    });
  }
});
