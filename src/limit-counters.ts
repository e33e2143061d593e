// The limits of this node, as its settings want them: the counters that all threads share, and the Redis behind them.

import { SettingsError, type Settings } from './config.ts';
import type { LimitSettings } from './gateway/policy.ts';
import { systemClock } from './lib/clock.ts';
import { openRedisLimiter, type RedisLimiter } from './limits/redis.ts';
import { createSharedCounters, type SharedCounters } from './limits/shared-counters.ts';
import { SharedMemoryLimiter } from './limits/shared-memory.ts';

/** The main thread asks for health and for where a caller stands: nobody's request waits for that. */
const REDIS_TIMEOUT_MS = 2000;

/** With seats for the gateway threads, which are counted from 1, and for the main thread. */
export function createCounters(settings: Settings, hmacSecret: string): SharedCounters {
  return createSharedCounters({ entries: settings.LIMIT_COUNTERS, seats: settings.THREADS + 1, secret: hmacSecret });
}

/** The main thread's own way to the counters. */
export function openMainLimiter(memory: SharedCounters): SharedMemoryLimiter {
  return new SharedMemoryLimiter({ memory, seat: 0, clock: systemClock });
}

export function limitSettingsOf(settings: Settings): LimitSettings {
  const perMinute = settings.PUBLIC_REQUESTS_PER_MINUTE;
  return {
    address: perMinute === 0 ? [] : [{ window: 'minute', limit: perMinute }],
    ipv6Bits: settings.ADDRESS_IPV6_PREFIX,
    onFailure: settings.LIMITS_ON_FAILURE,
    refundsFailures: settings.REFUND_FAILURES,
  };
}

export async function reachRedis(url: string | undefined): Promise<RedisLimiter | undefined> {
  if (url === undefined) return undefined;
  try {
    const redis = await openRedisLimiter({ url, timeoutMs: REDIS_TIMEOUT_MS });
    await redis.ping();
    return redis;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SettingsError([`REDIS_URL: Redis cannot be reached (${reason}); start it, or mend the URL`]);
  }
}
