// Rate limits as requests write them, and as the data plane counts them.

import { Type } from 'typebox';
import type { RateLimit } from '../db/schema.ts';
import type { CallerLimit } from '../gateway/ports.ts';
import { findLimitFault, type Limit, MAX_REFILL_SECONDS } from '../lib/limit.ts';
import type { Fault } from '../lib/problem.ts';
import { WINDOW_SECONDS } from '../lib/window.ts';

/** What the columns hold. */
export const MAX_REQUESTS = 2 ** 31 - 1;

function window(description: string) {
  return Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_REQUESTS, description }));
}

export const RateLimitSchema = Type.Object(
  {
    requestsPerMinute: window('Requests in a minute, which slides.'),
    requestsPerHour: window('Requests in each hour of the clock.'),
    requestsPerDay: window('Requests in each day, UTC unless the tenant has a time zone.'),
    requestsPerMonth: window('Requests in each month, UTC unless the tenant has a time zone.'),
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
  readonly tenant?: TenantLimits | undefined;
  readonly defaults: RateLimit;
}

export interface ClientLimits {
  readonly rate_limits: RateLimit | null;
  /** Those of its tier. */
  readonly tier_limits: RateLimit | null;
  readonly monthly_quota: number | null;
}

export interface TenantLimits {
  readonly tenant_limits: RateLimit | null;
  readonly rate_multiplier: number | null;
  readonly time_zone: string | null;
}

/** What a key is told of its limits: its own, or the client's, or those of its tier, or the defaults. An override replaces the minute of others, and their burst. */
export function resolveRateLimit({ key, client, tenant, defaults }: LimitSources): RateLimit {
  const windows = key?.rate_limit ?? limitsOfClient(client) ?? defaults;
  const override = key?.rate_limit_override ?? undefined;
  if (override === undefined) return multiply(windows, tenant);
  const { burst: _, ...rest } = windows;
  const others = windows === key?.rate_limit ? windows : rest;
  return multiply({ ...others, requestsPerMinute: override }, tenant);
}

/**
 * What is counted for a key: the limits of its client over all the client's keys, and its own beside them; without either, the defaults.
 * An override takes the key out of the client's minute, and has one for itself. All of them times what the tenant says; the quota of the
 * client and the limits of the tenant stay as they are.
 */
export function toCallerLimits({ key, client, tenant, defaults }: LimitSources): CallerLimit[] {
  const shared = limitsOfClient(client);
  const own = key?.rate_limit ?? (shared === undefined ? defaults : {});
  const override = key?.rate_limit_override ?? undefined;
  const { requestsPerMinute: _, burst: _burst, ...longer } = shared ?? {};
  const ofKey = override === undefined ? own : { ...own, requestsPerMinute: override };
  const ofClient = override === undefined ? (shared ?? {}) : longer;
  const quota = client?.monthly_quota ?? undefined;
  const limits: CallerLimit[] = [
    ...toLimits(multiply(ofKey, tenant)),
    ...of('client', toLimits(multiply(ofClient, tenant))),
    ...of('client', quota === undefined ? [] : [{ window: 'month', limit: quota }]),
    ...of('tenant', toLimits(tenant?.tenant_limits ?? {})),
  ];
  return limits.map((limit) => inTimeZone(limit, tenant?.time_zone));
}

/** Days and months as the tenant counts them. */
export function inTimeZone<AnyLimit extends Limit>(limit: AnyLimit, timeZone: string | null | undefined): AnyLimit {
  const isOfCalendar = 'window' in limit && (limit.window === 'day' || limit.window === 'month');
  return isOfCalendar && typeof timeZone === 'string' ? { ...limit, timeZone } : limit;
}

function limitsOfClient(client: ClientLimits | undefined): RateLimit | undefined {
  return client?.rate_limits ?? client?.tier_limits ?? undefined;
}

function of(whose: 'client' | 'tenant', limits: readonly Limit[]): CallerLimit[] {
  return limits.map((limit) => ({ ...limit, of: whose }));
}

/** Rounded down, but never to nothing. */
function multiply(rateLimit: RateLimit, tenant: TenantLimits | undefined): RateLimit {
  const factor = tenant?.rate_multiplier ?? 1;
  if (factor === 1) return rateLimit;
  const windows = Object.entries(rateLimit).map(([name, limit]: [string, number]): [string, number] => [
    name,
    Math.min(MAX_REQUESTS, Math.max(1, Math.floor(limit * factor))),
  ]);
  return Object.fromEntries<number>(windows);
}

export function toLimits(rateLimit: RateLimit): Limit[] {
  const { requestsPerMinute, requestsPerHour, requestsPerDay, requestsPerMonth } = rateLimit;
  const limits: Limit[] = [];
  if (requestsPerMinute !== undefined) limits.push({ window: 'minute', limit: requestsPerMinute });
  if (requestsPerHour !== undefined) limits.push({ window: 'hour', limit: requestsPerHour });
  if (requestsPerDay !== undefined) limits.push({ window: 'day', limit: requestsPerDay });
  if (requestsPerMonth !== undefined) limits.push({ window: 'month', limit: requestsPerMonth });
  const burst = toBurst(rateLimit);
  if (burst !== undefined) limits.push(withinReach(burst));
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

type Burst = Extract<Limit, { algorithm: 'bucket' }>;

function toBurst({ burst, requestsPerMinute, requestsPerHour }: RateLimit): Burst | undefined {
  if (burst === undefined) return undefined;
  if (requestsPerMinute !== undefined)
    return { algorithm: 'bucket', window: 'minute', limit: requestsPerMinute, burst };
  if (requestsPerHour !== undefined) return { algorithm: 'bucket', window: 'hour', limit: requestsPerHour, burst };
  return undefined;
}

/** Of two sources, pace and burst may not fit together: then the burst is what comes back in time. */
function withinReach(burst: Burst): Burst {
  const most = Math.floor((burst.limit * MAX_REFILL_SECONDS) / WINDOW_SECONDS[burst.window]);
  return burst.burst <= most ? burst : { ...burst, burst: most };
}
