import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { localReply, type Exchange, type Reply } from '../gateway/exchange.ts';
import type { CompiledPolicy, LimitSettings } from '../gateway/policy.ts';
import type { CallerLimit, Principal } from '../gateway/ports.ts';
import { Fields } from '../gateway/wire/fields.ts';
import { checkSchema } from '../gateway/snapshot.ts';
import type { Fault } from '../lib/problem.ts';
import { createRandom } from '../limits/definition.fixture.ts';
import type { Limiter, Standing } from '../limits/limiter.ts';
import { createSharedCounters } from '../limits/shared-counters.ts';
import { SharedMemoryLimiter } from '../limits/shared-memory.ts';
import { createDeps, createExchange, createKey, readProblem, toList, valuesOf } from '../../test/harness/data-plane.ts';
import type { RateLimitConfig } from './rate-limit-config.ts';
import { rateLimit } from './rate-limit.ts';

const NOON_MS = Date.UTC(2026, 2, 1, 12, 0, 0);

interface Called {
  readonly exchange: Exchange;
  readonly reply: Reply;
  readonly passed: boolean;
}

interface Caller {
  readonly principal?: Principal | undefined;
  readonly address?: string;
  /** What the upstream answers; 200 unless told. */
  readonly answer?: (exchange: Exchange) => Reply;
}

interface Scene {
  readonly policy: CompiledPolicy;
  /** Sends one request through, with the reply of an upstream when the policy lets it pass. */
  readonly call: (principal?: Principal, upstreamHeaders?: readonly string[]) => Called;
  readonly callAs: (caller: Caller) => Called;
  readonly advance: (ms: number) => void;
}

type Windows = readonly { window: 'minute' | 'hour' | 'day' | 'month'; limit: number }[];

/** Minutes of the clock, so that a test need not weigh the last one. */
function fixed(windows: readonly CallerLimit[]): CallerLimit[] {
  return windows.map((limit) =>
    'window' in limit && limit.window === 'minute' && limit.algorithm === undefined
      ? { ...limit, algorithm: 'fixed' }
      : limit,
  );
}

function setScene(
  endpoint: { id: string; windows: Windows } | null = null,
  config: Partial<RateLimitConfig> = {},
  settings: Partial<LimitSettings> = {},
): Scene {
  let nowMs = NOON_MS;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const memory = createSharedCounters({ entries: 100, seats: 1, secret: 's' });
  const limiter = new SharedMemoryLimiter({ memory, seat: 0, clock });
  const deps = createDeps([], { limiter, clock });
  const own = endpoint === null ? null : { ...endpoint, windows: fixed(endpoint.windows) };
  const policy = rateLimit.compile({ endpoint: own, ...config }, { ...deps, limits: { ...deps.limits, ...settings } });
  const callAs = ({ principal, address = '192.0.2.1', answer }: Caller): Called => {
    const { exchange } = createExchange({ peerAddress: address });
    exchange.principal = principal;
    const stopped = policy.onRequest?.(exchange);
    assert.ok(!(stopped instanceof Promise), 'nothing waits for shared memory');
    const reply = stopped ?? answer?.(exchange) ?? localReply(200, [], undefined);
    policy.onResponse?.(exchange, reply);
    return { exchange, reply, passed: stopped === undefined };
  };
  return {
    policy,
    callAs,
    call: (principal, upstreamHeaders = []) =>
      callAs({ principal, answer: () => ({ ...localReply(200, [], undefined), fields: Fields.of(upstreamHeaders) }) }),
    advance(ms) {
      nowMs += ms;
    },
  };
}

function principalWith(limits: readonly CallerLimit[], keyId = 'key_1', clientId?: string): Principal {
  return {
    ...createKey().credential.principal,
    keyId,
    ...(clientId !== undefined && { clientId }),
    limits: fixed(limits),
  };
}

function field({ headers: listed, lines }: Reply, name: string): string | undefined {
  const headers = [...listed, ...toList(lines)];
  const values = valuesOf(headers, name);
  assert.ok(values.length <= 1, `${name} stands there ${values.length} times`);
  return values[0];
}

/** A policy on a limiter that answers so. */
function compileWith(take: Limiter['take'], config: Partial<RateLimitConfig> = {}): CompiledPolicy {
  const deps = createDeps();
  return rateLimit.compile({ endpoint: null, ...config }, { ...deps, limiter: { ...deps.limiter, take } });
}

const FIVE_A_MINUTE = principalWith([{ window: 'minute', limit: 5 }]);

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

describe('a limiter that answers later', () => {
  test('lets pass and refuses as one that answers at once', async () => {
    let nowMs = NOON_MS;
    const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
    const memory = createSharedCounters({ entries: 10, seats: 1, secret: 's' });
    const limiter = new SharedMemoryLimiter({ memory, seat: 0, clock });
    const policy = rateLimit.compile(
      { endpoint: null },
      createDeps([], {
        limiter: {
          prepare: (group, checks) => limiter.prepare(group, checks),
          take: async (checks, cost) => limiter.take(checks, cost),
          peek: () => undefined,
          refund: () => {},
        },
      }),
    );
    for (const expected of [undefined, undefined, undefined, undefined, undefined, 429]) {
      nowMs += 10;
      const { exchange } = createExchange();
      exchange.principal = FIVE_A_MINUTE;
      const result = policy.onRequest?.(exchange);
      assert.ok(result instanceof Promise);
      const reply = await result;
      assert.equal(reply?.status, expected);
      const final = reply ?? localReply(200, [], undefined);
      policy.onResponse?.(exchange, final);
      assert.equal(field(final, 'x-ratelimit-limit'), '5');
    }
  });

  test('and whose clock is another one tells a wait by its own', () => {
    const standing: Standing = {
      check: { subject: 'key:key_1', limit: { window: 'minute', limit: 5 } },
      remaining: 0,
      resetAtMs: 60_000,
    };
    const policy = compileWith(() => ({
      outcome: 'refused',
      atMs: 50_500,
      standings: [standing],
      refusedBy: standing,
    }));
    const { exchange } = createExchange();
    exchange.principal = FIVE_A_MINUTE;
    const reply = policy.onRequest?.(exchange);
    assert.ok(reply !== undefined && !(reply instanceof Promise));
    assert.equal(field(reply, 'retry-after'), '10');
  });
});

describe('a limiter that is not available', () => {
  const unavailable = { outcome: 'unavailable', reason: 'the secret address of a server' } as const;

  for (const [how, take] of [
    ['at once', () => unavailable],
    ['later', async () => unavailable],
  ] as const) {
    test(`closes the endpoint with 503 and says so, ${how}`, async () => {
      const policy = compileWith(take);
      const { exchange } = createExchange();
      exchange.principal = FIVE_A_MINUTE;
      const reply = await policy.onRequest?.(exchange);
      assert.ok(reply !== undefined);
      policy.onResponse?.(exchange, reply);
      assert.equal(reply.status, 503);
      assert.equal(readProblem(reply)['code'], 'limits_unavailable');
      assert.doesNotMatch(JSON.stringify(readProblem(reply)), /secret/);
      assert.equal(exchange.errorCode, 'limits_unavailable');
      assert.equal(exchange.rateLimited, false);
      assert.equal(field(reply, 'retry-after'), '1');
      assert.equal(field(reply, 'ratelimit'), undefined);
    });
  }

  test('lets pass where the policy says so, and no field speaks of limits', () => {
    const policy = compileWith(() => unavailable, { onFailure: 'allow' });
    const { exchange } = createExchange();
    exchange.principal = FIVE_A_MINUTE;
    assert.equal(policy.onRequest?.(exchange), undefined);
    const reply = localReply(200, [], undefined);
    policy.onResponse?.(exchange, reply);
    assert.deepEqual([reply.headers, reply.lines, reply.drops], [[], '', 0]);
  });

  test('is told by each set of checks what is to become of it, by the policy’s word or else the node’s', () => {
    for (const [config, expected] of [
      [{ onFailure: 'local' }, 'local'],
      [{ onFailure: 'allow' }, 'allow'],
      [{}, 'deny'],
    ] as const) {
      const told: unknown[] = [];
      const deps = createDeps();
      const limiter: Limiter = {
        ...deps.limiter,
        prepare(group, checks, onFailure) {
          told.push(group, onFailure);
          return { checks };
        },
      };
      const policy = rateLimit.compile({ endpoint: null, ...config }, { ...deps, limiter });
      const { exchange } = createExchange();
      exchange.principal = FIVE_A_MINUTE;
      void policy.onRequest?.(exchange);
      assert.deepEqual(told, ['ten_of_key', expected]);
    }
  });
});

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

/** As checkSnapshot finds them. */
function faultsOf(config: unknown): Fault[] {
  const faults = checkSchema(rateLimit.config, config, 'config');
  if (faults.length > 0 || !Value.Check(rateLimit.config, config)) return faults;
  return (rateLimit.findFaults?.(config) ?? []).map(({ path, message }) => ({ path: `config.${path}`, message }));
}
