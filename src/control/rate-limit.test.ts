import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rateLimitFaults, resolveRateLimit, toCallerLimits, toLimits } from './rate-limit.ts';

const defaults = { requestsPerMinute: 100, requestsPerHour: 1_000, requestsPerDay: 10_000 };
const silentKey = { rate_limit: null, rate_limit_override: null };
const silentClient = { rate_limits: null, tier_limits: null, monthly_quota: null };
const tier_limits = { requestsPerMinute: 60, requestsPerHour: 1_000, requestsPerDay: 10_000 };
const BASIC = { ...silentClient, tier_limits };
const silentTenant = { tenant_limits: null, rate_multiplier: null, time_zone: null };

test('of all that is said about limits, the nearest to the key holds', () => {
  const client = { ...BASIC, rate_limits: { requestsPerHour: 7 } };
  const key = { rate_limit: { requestsPerDay: 3 }, rate_limit_override: null };
  assert.deepEqual(resolveRateLimit({ defaults }), defaults);
  assert.deepEqual(resolveRateLimit({ key: silentKey, client: silentClient, defaults }), defaults);
  assert.deepEqual(resolveRateLimit({ client: { ...client, rate_limits: null }, defaults }), tier_limits);
  assert.deepEqual(resolveRateLimit({ key: silentKey, client, defaults }), { requestsPerHour: 7 });
  assert.deepEqual(resolveRateLimit({ key, client, defaults }), { requestsPerDay: 3 });
});

test('an override replaces the minute, and the burst of others, and leaves the longer windows as they are', () => {
  const key = { rate_limit: null, rate_limit_override: 200 };
  assert.deepEqual(resolveRateLimit({ key, client: BASIC, defaults }), {
    requestsPerMinute: 200,
    requestsPerHour: 1_000,
    requestsPerDay: 10_000,
  });
  assert.deepEqual(resolveRateLimit({ key, defaults: {} }), { requestsPerMinute: 200 });
  const client = { ...BASIC, tier_limits: { requestsPerMinute: 60, burst: 10 } };
  assert.deepEqual(resolveRateLimit({ key, client, defaults }), { requestsPerMinute: 200 });
  const own = { ...key, rate_limit: { requestsPerHour: 5, burst: 3 } };
  assert.deepEqual(resolveRateLimit({ key: own, client, defaults }), { ...own.rate_limit, requestsPerMinute: 200 });
});

const MINUTE = { window: 'minute', limit: 60 } as const;
const HOUR = { window: 'hour', limit: 1_000 } as const;
const DAY = { window: 'day', limit: 10_000 } as const;

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

test('a tenant multiplies the limits of keys, clients and defaults, and leaves quotas and its own limits as they are', () => {
  const tenant = { ...silentTenant, tenant_limits: { requestsPerMinute: 500 }, rate_multiplier: 1.5 };
  const client = { ...BASIC, tier_limits: { requestsPerMinute: 5, burst: 3 }, monthly_quota: 1_000 };
  assert.deepEqual(toCallerLimits({ key: silentKey, client, tenant, defaults }), [
    { window: 'minute', limit: 7, of: 'client' },
    { algorithm: 'bucket', window: 'minute', limit: 7, burst: 4, of: 'client' },
    { window: 'month', limit: 1_000, of: 'client' },
    { window: 'minute', limit: 500, of: 'tenant' },
  ]);
  const key = { rate_limit: { requestsPerHour: 10 }, rate_limit_override: 3 };
  assert.deepEqual(resolveRateLimit({ key, tenant, defaults }), { requestsPerHour: 15, requestsPerMinute: 4 });
  assert.deepEqual(resolveRateLimit({ tenant, defaults: { requestsPerDay: 100 } }), { requestsPerDay: 150 });
});

test('a multiplied limit is never nothing, and never more than can be counted', () => {
  const limits = (rate_multiplier: number) =>
    resolveRateLimit({
      tenant: { ...silentTenant, rate_multiplier },
      defaults: { requestsPerMinute: 1, requestsPerDay: 2 ** 31 - 1 },
    });
  assert.deepEqual(limits(0.01), { requestsPerMinute: 1, requestsPerDay: 21_474_836 });
  assert.deepEqual(limits(1_000), { requestsPerMinute: 1_000, requestsPerDay: 2 ** 31 - 1 });
});

test('a tenant has the days and months of its time zone, and the minutes and hours of everybody', () => {
  const tenant = { ...silentTenant, time_zone: 'Europe/Berlin' };
  const all = { requestsPerMinute: 1, requestsPerHour: 2, requestsPerDay: 3, requestsPerMonth: 4, burst: 5 };
  assert.deepEqual(toCallerLimits({ tenant, defaults: all }), [
    { window: 'minute', limit: 1 },
    { window: 'hour', limit: 2 },
    { window: 'day', limit: 3, timeZone: 'Europe/Berlin' },
    { window: 'month', limit: 4, timeZone: 'Europe/Berlin' },
    { algorithm: 'bucket', window: 'minute', limit: 1, burst: 5 },
  ]);
});

test('a burst that does not fit to a pace from elsewhere is cut to what comes back in 31 days', () => {
  assert.deepEqual(toLimits({ requestsPerHour: 1, burst: 10_000 }), [
    { window: 'hour', limit: 1 },
    { algorithm: 'bucket', window: 'hour', limit: 1, burst: 744 },
  ]);
});
