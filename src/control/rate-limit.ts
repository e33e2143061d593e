// Rate limits as requests write them, and as the data plane counts them.

import { Type } from 'typebox';
import type { RateLimit, RateLimitTier } from '../db/schema.ts';
import type { CallerLimit } from '../gateway/ports.ts';
import { findLimitFault, type Limit } from '../lib/limit.ts';
import type { Fault } from '../lib/problem.ts';

/** What the columns hold. */
export const MAX_REQUESTS = 2 ** 31 - 1;

const TIERS: Readonly<Record<RateLimitTier, RateLimit>> = {
  free: { requestsPerMinute: 30, requestsPerHour: 500, requestsPerDay: 5_000 },
  basic: { requestsPerMinute: 60, requestsPerHour: 1_000, requestsPerDay: 10_000 },
  standard: { requestsPerMinute: 120, requestsPerHour: 5_000, requestsPerDay: 50_000 },
  professional: { requestsPerMinute: 200, requestsPerHour: 10_000, requestsPerDay: 100_000 },
  premium: { requestsPerMinute: 300, requestsPerHour: 15_000, requestsPerDay: 150_000 },
  enterprise: { requestsPerMinute: 600, requestsPerHour: 50_000, requestsPerDay: 500_000 },
};

export const TIER_NAMES = ['free', 'basic', 'standard', 'professional', 'premium', 'enterprise'] as const;

function window(description: string) {
  return Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_REQUESTS, description }));
}

export const RateLimitSchema = Type.Object(
  {
    requestsPerMinute: window('Requests in a minute, which slides.'),
    requestsPerHour: window('Requests in each hour of the clock.'),
    requestsPerDay: window('Requests in each day, UTC.'),
    requestsPerMonth: window('Requests in each month, UTC.'),
    burst: window('Requests at once, which come back at the pace of requestsPerMinute, or else of requestsPerHour.'),
  },
  {
    additionalProperties: false,
    minProperties: 1,
    description: 'Replaces the default limits as a whole: a window that is not named is unlimited.',
  },
);

/** Whatever may have a word in the limits of a key; null or absent where nothing was said. */
export interface LimitSources {
  readonly key?: { readonly rate_limit: RateLimit | null; readonly rate_limit_override: number | null };
  readonly client?: ClientLimits | undefined;
  readonly defaults: RateLimit;
}

export interface ClientLimits {
  readonly rate_limits: RateLimit | null;
  readonly rate_limit_tier: RateLimitTier | null;
}

/** What a key is told of its limits: its own, or the client's, or those of its tier, or the defaults. An override replaces the minute alone. */
export function resolveRateLimit({ key, client, defaults }: LimitSources): RateLimit {
  const windows = key?.rate_limit ?? limitsOfClient(client) ?? defaults;
  const override = key?.rate_limit_override ?? undefined;
  return override === undefined ? windows : { ...windows, requestsPerMinute: override };
}

/**
 * What is counted for a key: the limits of its client over all the client's keys, and its own beside them; without either, the defaults.
 * An override takes the key out of the client's minute, and has one for itself.
 */
export function toCallerLimits({ key, client, defaults }: LimitSources): CallerLimit[] {
  const shared = limitsOfClient(client);
  const own = key?.rate_limit ?? (shared === undefined ? defaults : {});
  const override = key?.rate_limit_override ?? undefined;
  if (override === undefined) return [...toLimits(own), ...ofClient(shared)];
  const { requestsPerMinute: _, burst: _burst, ...longer } = shared ?? {};
  return [...toLimits({ ...own, requestsPerMinute: override }), ...ofClient(longer)];
}

function limitsOfClient(client: ClientLimits | undefined): RateLimit | undefined {
  const tier = client?.rate_limit_tier ?? undefined;
  return client?.rate_limits ?? (tier === undefined ? undefined : TIERS[tier]);
}

function ofClient(rateLimit: RateLimit = {}): CallerLimit[] {
  return toLimits(rateLimit).map((limit) => Object.assign(limit, { of: 'client' as const }));
}

export function toLimits(rateLimit: RateLimit): Limit[] {
  const { requestsPerMinute, requestsPerHour, requestsPerDay, requestsPerMonth } = rateLimit;
  const limits: Limit[] = [];
  if (requestsPerMinute !== undefined) limits.push({ window: 'minute', limit: requestsPerMinute });
  if (requestsPerHour !== undefined) limits.push({ window: 'hour', limit: requestsPerHour });
  if (requestsPerDay !== undefined) limits.push({ window: 'day', limit: requestsPerDay });
  if (requestsPerMonth !== undefined) limits.push({ window: 'month', limit: requestsPerMonth });
  const burst = toBurst(rateLimit);
  if (burst !== undefined) limits.push(burst);
  return limits;
}

/** What no schema can tell of limits; `path` is where they stand. */
export function rateLimitFaults(rateLimit: RateLimit | null | undefined, path: string): Fault[] {
  if (rateLimit?.burst === undefined) return [];
  const burst = toBurst(rateLimit);
  if (burst === undefined)
    return [
      { path: `${path}.burst`, message: 'needs requestsPerMinute or requestsPerHour, at whose pace it comes back' },
    ];
  const fault = findLimitFault(burst);
  return fault === undefined ? [] : [{ path: `${path}.burst`, message: fault.message }];
}

function toBurst({ burst, requestsPerMinute, requestsPerHour }: RateLimit): Limit | undefined {
  if (burst === undefined) return undefined;
  if (requestsPerMinute !== undefined)
    return { algorithm: 'bucket', window: 'minute', limit: requestsPerMinute, burst };
  if (requestsPerHour !== undefined) return { algorithm: 'bucket', window: 'hour', limit: requestsPerHour, burst };
  return undefined;
}
