import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDeps, createExchange, createKey } from '../../test/harness/data-plane.ts';
import type { CallerLimit, QuotaNews } from '../gateway/ports.ts';
import { createSharedCounters } from '../limits/shared-counters.ts';
import { SharedMemoryLimiter } from '../limits/shared-memory.ts';
import type { RateLimitConfig } from './rate-limit-config.ts';
import { rateLimit } from './rate-limit.ts';

const MARCH_END_MS = Date.UTC(2026, 3, 1);

interface Scene {
  readonly told: QuotaNews[];
  /** With the limits of the caller as they are then; answers whether it passed. */
  readonly call: (limits: readonly CallerLimit[]) => boolean;
  /** With limits that were looked up once. */
  readonly caller: (limits: readonly CallerLimit[]) => () => boolean;
  readonly advance: (ms: number) => void;
}

function setScene(config: Partial<RateLimitConfig> = {}): Scene {
  let nowMs = Date.UTC(2026, 2, 10);
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const memory = createSharedCounters({ entries: 100, seats: 1, secret: 's' });
  const told: QuotaNews[] = [];
  const limiter = new SharedMemoryLimiter({ memory, seat: 0, clock });
  const deps = createDeps([], { limiter, clock, onQuota: (news) => told.push(news) });
  const policy = rateLimit.compile({ endpoint: null, ...config }, deps);
  const caller = (limits: readonly CallerLimit[]) => {
    const principal = { ...createKey().credential.principal, clientId: 'cli_1', limits };
    return () => {
      const { exchange } = createExchange();
      exchange.principal = principal;
      return policy.onRequest?.(exchange) === undefined;
    };
  };
  return {
    told,
    caller,
    call: (limits) => caller(limits)(),
    advance(ms) {
      nowMs += ms;
    },
  };
}

const QUOTA = { window: 'month', limit: 10, of: 'client' } as const;
const ABOUT = { tenantId: 'ten_of_key', subject: 'client:cli_1', quota: 10, resetsAtMs: MARCH_END_MS };

describe('the quota of a month', () => {
  test('is told of once when four fifths are used, and once when all are', () => {
    const { told, caller } = setScene();
    const call = caller([QUOTA]);
    for (let i = 0; i < 7; i++) call();
    assert.deepEqual(told, []);
    assert.equal(call(), true);
    assert.deepEqual(told, [{ ...ABOUT, used: 8, level: 'warning' }]);
    call();
    assert.equal(told.length, 1);
    assert.equal(call(), true);
    assert.deepEqual(told[1], { ...ABOUT, used: 10, level: 'exceeded' });
    for (let i = 0; i < 3; i++) assert.equal(call(), false);
    assert.equal(told.length, 2);
  });

  test('is told of when a request is refused for it, though something is left', () => {
    const { told, caller } = setScene({ cost: 6 });
    const call = caller([QUOTA]);
    assert.deepEqual([call(), call()], [true, false]);
    assert.deepEqual(told, [{ ...ABOUT, used: 6, level: 'exceeded' }]);
  });

  test('is not told of for requests that other limits refuse', () => {
    const { told, caller } = setScene();
    const call = caller([QUOTA, { window: 'minute', limit: 2 }]);
    for (let i = 0; i < 20; i++) call();
    assert.deepEqual(told, []);
  });

  test('is told of anew in the next month', () => {
    const { told, caller, advance } = setScene();
    const call = caller([QUOTA]);
    for (let i = 0; i < 10; i++) call();
    advance(31 * 86_400_000);
    for (let i = 0; i < 8; i++) call();
    assert.deepEqual(
      told.map(({ resetsAtMs, level }) => [resetsAtMs, level]),
      [
        [MARCH_END_MS, 'warning'],
        [MARCH_END_MS, 'exceeded'],
        [Date.UTC(2026, 4, 1), 'warning'],
      ],
    );
  });

  test('that is raised goes on with its count: used 5 of 10, raised to 20, 15 are left', () => {
    const { told, caller, call } = setScene();
    const before = caller([QUOTA]);
    for (let i = 0; i < 5; i++) before();
    const after = caller([{ ...QUOTA, limit: 20 }]);
    for (let i = 0; i < 15; i++) assert.equal(after(), true);
    assert.equal(after(), false);
    assert.deepEqual(
      told.map(({ quota, used, level }) => [quota, used, level]),
      [
        [20, 16, 'warning'],
        [20, 20, 'exceeded'],
      ],
    );
    assert.equal(call([{ ...QUOTA, limit: 30 }]), true);
  });

  test('that is lowered below what was used is exceeded with the next request', () => {
    const { told, caller, call } = setScene();
    const before = caller([QUOTA]);
    for (let i = 0; i < 5; i++) before();
    assert.equal(call([{ ...QUOTA, limit: 3 }]), false);
    assert.deepEqual(told, [{ ...ABOUT, quota: 3, used: 3, level: 'exceeded' }]);
  });

  test('is that of a key, a client or a tenant, and of no other window', () => {
    const { told, caller } = setScene({ endpoint: { id: 'ep_1', windows: [{ window: 'month', limit: 1 }] } });
    const call = caller([
      { window: 'day', limit: 1 },
      { window: 'month', limit: 1 },
      { window: 'month', limit: 1, of: 'client' },
      { window: 'month', limit: 1, of: 'tenant' },
    ]);
    call();
    assert.deepEqual(
      told.map(({ subject }) => subject),
      ['tenant:ten_of_key', 'client:cli_1', 'key:key_1'],
    );
  });
});
