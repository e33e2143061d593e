// A limiter that answers later, or not at all.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { localReply } from '../gateway/exchange.ts';
import type { Limiter, Standing } from '../limits/limiter.ts';
import { createSharedCounters } from '../limits/shared-counters.ts';
import { SharedMemoryLimiter } from '../limits/shared-memory.ts';
import { createDeps, createExchange, readProblem } from '../../test/harness/data-plane.ts';
import { rateLimit } from './rate-limit.ts';
import { FIVE_A_MINUTE, NOON_MS, compileWith, field } from './rate-limit.fixture.ts';

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
