import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveRateLimit, TIER_NAMES } from './rate-limit.ts';

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
