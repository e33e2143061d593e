import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { localReply, type Exchange, type Reply } from '../gateway/exchange.ts';
import type { CompiledPolicy } from '../gateway/policy.ts';
import type { Principal } from '../gateway/ports.ts';
import { Fields } from '../gateway/wire/fields.ts';
import { checkSchema } from '../gateway/snapshot.ts';
import type { Limiter, WindowLimit } from '../limits/limiter.ts';
import { createSharedCounters, openSharedMemoryLimiter } from '../limits/shared-memory.ts';
import { createDeps, createExchange, createKey, readProblem, toList, valuesOf } from '../../test/harness/data-plane.ts';
import { rateLimit } from './rate-limit.ts';

const NOON_MS = Date.UTC(2026, 2, 1, 12, 0, 0);

interface Endpoint {
  id: string;
  windows: WindowLimit[];
}

interface Called {
  readonly exchange: Exchange;
  readonly reply: Reply;
  readonly passed: boolean;
}

interface Scene {
  readonly policy: CompiledPolicy;
  /** Sends one request through, with the reply of an upstream when the policy lets it pass. */
  readonly call: (principal?: Principal, upstreamHeaders?: readonly string[]) => Called;
  readonly advance: (ms: number) => void;
}

function setScene(endpoint: Endpoint | null = null): Scene {
  let nowMs = NOON_MS;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const limiter = openSharedMemoryLimiter({ memory: createSharedCounters(100), clock });
  const policy = rateLimit.compile({ endpoint }, createDeps([], { limiter, clock }));
  return {
    policy,
    call(principal, upstreamHeaders = []) {
      const { exchange } = createExchange();
      exchange.principal = principal;
      const stopped = policy.onRequest?.(exchange);
      assert.ok(!(stopped instanceof Promise), 'nothing waits for shared memory');
      const reply = stopped ?? { ...localReply(200, [], undefined), fields: Fields.of(upstreamHeaders) };
      policy.onResponse?.(exchange, reply);
      return { exchange, reply, passed: stopped === undefined };
    },
    advance(ms) {
      nowMs += ms;
    },
  };
}

function principalWith(limits: readonly WindowLimit[], keyId = 'key_1'): Principal {
  return { ...createKey().credential.principal, keyId, limits };
}

function field({ headers: listed, lines }: Reply, name: string): string | undefined {
  const headers = [...listed, ...toList(lines)];
  const values = valuesOf(headers, name);
  assert.ok(values.length <= 1, `${name} stands there ${values.length} times`);
  return values[0];
}

/** A policy on a limiter that answers so. */
function compileWith(take: Limiter['take']): CompiledPolicy {
  return rateLimit.compile({ endpoint: null }, createDeps([], { limiter: { take, peek: () => [] } }));
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
  const endpoint: Endpoint = { id: 'ep_1', windows: [{ window: 'minute', limit: 3 }] };

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
    const limiter = openSharedMemoryLimiter({ memory: createSharedCounters(10), clock });
    const policy = compileWith(async (checks, cost) => limiter.take(checks, cost));
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
    const standing = {
      check: { subject: 'key:key_1', window: 'minute', limit: 5 },
      remaining: 0,
      resetAtMs: 60_000,
    } as const;
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

test('a limiter that is not available closes the endpoint with 503 and says so', async () => {
  for (const take of [
    () => ({ outcome: 'unavailable', reason: 'the secret address of a server' }) as const,
    async () => ({ outcome: 'unavailable', reason: 'the secret address of a server' }) as const,
  ]) {
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
  }
});

describe('the configuration', () => {
  const minute = { window: 'minute', limit: 1 };
  const sound: readonly unknown[] = [
    { endpoint: null },
    { endpoint: { id: 'ep_1', windows: [minute] } },
    { endpoint: { id: 'ep_1', windows: [minute, { window: 'hour', limit: 2 ** 31 }, { window: 'day', limit: 9 }] } },
  ];
  for (const config of sound) {
    test(`may be ${JSON.stringify(config)}`, () => {
      assert.deepEqual(checkSchema(rateLimit.config, config, 'config'), []);
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
  ];
  for (const config of unsound) {
    test(`may not be ${JSON.stringify(config)}`, () => {
      const faults = checkSchema(rateLimit.config, config, 'config');
      assert.ok(faults.length > 0);
      assert.ok(faults.every(({ path }) => path.startsWith('config')));
    });
  }
});
