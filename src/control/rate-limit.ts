// Rate limits as requests write them, and as the data plane counts them.

import { Type } from 'typebox';
import type { RateLimit, RateLimitTier } from '../db/schema.ts';
import type { WindowLimit } from '../limits/limiter.ts';

export const MAX_REQUESTS = 1_000_000_000;

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
    requestsPerMinute: window('Requests in each minute of the clock.'),
    requestsPerHour: window('Requests in each hour of the clock.'),
    requestsPerDay: window('Requests in each day, UTC.'),
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

/** The windows that hold: the key's own, or the client's, or those of its tier, or the defaults. An override replaces the minute alone. */
export function resolveRateLimit({ key, client, defaults }: LimitSources): RateLimit {
  const tier = client?.rate_limit_tier ?? undefined;
  const windows = key?.rate_limit ?? client?.rate_limits ?? (tier === undefined ? defaults : TIERS[tier]);
  const override = key?.rate_limit_override ?? undefined;
  return override === undefined ? windows : { ...windows, requestsPerMinute: override };
}

export function toWindowLimits(limit: RateLimit): WindowLimit[] {
  const windows: WindowLimit[] = [];
  if (limit.requestsPerMinute !== undefined) windows.push({ window: 'minute', limit: limit.requestsPerMinute });
  if (limit.requestsPerHour !== undefined) windows.push({ window: 'hour', limit: limit.requestsPerHour });
  if (limit.requestsPerDay !== undefined) windows.push({ window: 'day', limit: limit.requestsPerDay });
  return windows;
}
