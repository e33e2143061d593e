import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rateLimitFaults, resolveRateLimit, TIER_NAMES, toCallerLimits } from './rate-limit.ts';

const defaults = { requestsPerMinute: 100, requestsPerHour: 1_000, requestsPerDay: 10_000 };
const silentKey = { rate_limit: null, rate_limit_override: null };
const silentClient = { rate_limits: null, rate_limit_tier: null };

test('of all that is said about limits, the nearest to the key holds', () => {
  const standard = { requestsPerMinute: 120, requestsPerHour: 5_000, requestsPerDay: 50_000 };
  const client = { rate_limits: { requestsPerHour: 7 }, rate_limit_tier: 'standard' } as const;
  const key = { rate_limit: { requestsPerDay: 3 }, rate_limit_override: null };
  assert.deepEqual(resolveRateLimit({ defaults }), defaults);
  assert.deepEqual(resolveRateLimit({ key: silentKey, client: silentClient, defaults }), defaults);
  assert.deepEqual(resolveRateLimit({ client: { ...client, rate_limits: null }, defaults }), standard);
  assert.deepEqual(resolveRateLimit({ key: silentKey, client, defaults }), { requestsPerHour: 7 });
  assert.deepEqual(resolveRateLimit({ key, client, defaults }), { requestsPerDay: 3 });
});

test('an override replaces the minute and leaves the longer windows as they are', () => {
  const key = { rate_limit: null, rate_limit_override: 200 };
  const client = { rate_limits: null, rate_limit_tier: 'basic' } as const;
  assert.deepEqual(resolveRateLimit({ key, client, defaults }), {
    requestsPerMinute: 200,
    requestsPerHour: 1_000,
    requestsPerDay: 10_000,
  });
  assert.deepEqual(resolveRateLimit({ key, defaults: {} }), { requestsPerMinute: 200 });
});

test('the tiers have the windows of the contract', () => {
  const table = TIER_NAMES.map((rate_limit_tier) =>
    Object.values(resolveRateLimit({ client: { rate_limits: null, rate_limit_tier }, defaults })),
  );
  assert.deepEqual(table, [
    [30, 500, 5_000],
    [60, 1_000, 10_000],
    [120, 5_000, 50_000],
    [200, 10_000, 100_000],
    [300, 15_000, 150_000],
    [600, 50_000, 500_000],
  ]);
});

const MINUTE = { window: 'minute', limit: 60 } as const;
const HOUR = { window: 'hour', limit: 1_000 } as const;
const DAY = { window: 'day', limit: 10_000 } as const;
const BASIC = { rate_limits: null, rate_limit_tier: 'basic' } as const;

test('a client’s limits are counted over all its keys, and the key’s own beside them', () => {
  const of = 'client';
  const shared = [
    { ...MINUTE, of },
    { ...HOUR, of },
    { ...DAY, of },
  ];
  assert.deepEqual(toCallerLimits({ key: silentKey, client: BASIC, defaults }), shared);
  const key = { rate_limit: { requestsPerMonth: 5, requestsPerMinute: 7, burst: 2 }, rate_limit_override: null };
  assert.deepEqual(toCallerLimits({ key, client: BASIC, defaults }), [
    { window: 'minute', limit: 7 },
    { window: 'month', limit: 5 },
    { algorithm: 'bucket', window: 'minute', limit: 7, burst: 2 },
    ...shared,
  ]);
});

test('a key without a client’s limits or its own has the defaults', () => {
  const expected = [
    { window: 'minute', limit: 100 },
    { window: 'hour', limit: 1_000 },
    { window: 'day', limit: 10_000 },
  ];
  assert.deepEqual(toCallerLimits({ defaults }), expected);
  assert.deepEqual(toCallerLimits({ key: silentKey, client: silentClient, defaults }), expected);
});

test('an override takes the key out of the client’s minute and burst, and of nothing else', () => {
  const key = { rate_limit: null, rate_limit_override: 200 };
  const client = { ...BASIC, rate_limits: { requestsPerMinute: 60, requestsPerHour: 1_000, burst: 10 } };
  assert.deepEqual(toCallerLimits({ key, client, defaults }), [
    { window: 'minute', limit: 200 },
    { ...HOUR, of: 'client' },
  ]);
});

test('a burst needs a pace at which it comes back, within 31 days', () => {
  const faultsOf = (limit: object) => rateLimitFaults(limit, 'body.rateLimit').map(({ path }) => path);
  assert.deepEqual(rateLimitFaults(null, 'body.rateLimit'), []);
  assert.deepEqual(faultsOf({ requestsPerDay: 1 }), []);
  assert.deepEqual(faultsOf({ requestsPerHour: 60, burst: 10 }), []);
  assert.deepEqual(faultsOf({ requestsPerDay: 1, burst: 1 }), ['body.rateLimit.burst']);
  assert.deepEqual(faultsOf({ requestsPerHour: 1, burst: 10_000 }), ['body.rateLimit.burst']);
});
