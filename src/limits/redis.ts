// Exact limits for any number of nodes, counted in one Redis.
//
// A call is one script for all its checks (take-script.ts). Redis away, slow, frozen or out of memory: the verdict is 'unavailable'
// within the timeout, and the caller fails closed. A call whose time ran out may have been counted all the same: too much is counted
// then, never too little.

import { WINDOW_SECONDS, windowEndMs } from '../lib/window.ts';
import type { Check, Limiter, Standing, Verdict } from './limiter.ts';
import { RedisConnection } from './redis-connection.ts';
import { TAKE_SCRIPT, TAKE_SCRIPT_SHA1 } from './take-script.ts';
import { assertTake, toRefusal, toStanding } from './verdict.ts';

/** A local Redis answers in well under a millisecond; who waits a tenth of a second waits for something broken. */
const DEFAULT_TIMEOUT_MS = 100;
const DEFAULT_KEY_PREFIX = 'tollgate:';

export interface RedisLimiterOptions {
  readonly url: string;
  /** How long a call waits for Redis, in milliseconds; once in the life of a Redis (when it does not know the script), twice. */
  readonly timeoutMs?: number;
  /** For two installations that share a Redis. Default `tollgate:`. */
  readonly keyPrefix?: string;
  /** Told when the connection is made, and when it breaks or an attempt fails. */
  readonly onChange?: (connected: boolean, cause: Error | undefined) => void;
}

export interface RedisLimiter extends Limiter {
  take(checks: readonly Check[], cost: number): Promise<Verdict>;
  peek(checks: readonly Check[]): Promise<readonly Standing[] | undefined>;
  /** Rejects when Redis does not answer in time. */
  ping(): Promise<void>;
  /** Lets the connection go; calls from then on are unavailable. */
  close(): void;
}

/** Returns when the first attempt to connect has succeeded or failed; `ping` tells which. Throws for a URL that is none. */
export async function openRedisLimiter(options: RedisLimiterOptions): Promise<RedisLimiter> {
  const { url, timeoutMs = DEFAULT_TIMEOUT_MS, keyPrefix = DEFAULT_KEY_PREFIX, onChange = () => {} } = options;
  const connection = await RedisConnection.open({ url, timeoutMs, onChange });

  return {
    async take(checks, cost) {
      assertTake(checks, cost);
      try {
        const { admitted, atMs, used } = await run(checks, cost);
        const standings = toStandings(checks, used, atMs);
        return admitted ? { outcome: 'admitted', atMs, standings } : toRefusal(standings, cost, atMs);
      } catch (cause) {
        return { outcome: 'unavailable', reason: cause instanceof Error ? cause.message : String(cause) };
      }
    },

    async peek(checks) {
      assertTake(checks, 1);
      try {
        const { atMs, used } = await run(checks, 0);
        return toStandings(checks, used, atMs);
      } catch {
        return undefined;
      }
    },

    async ping() {
      await connection.send(['PING']);
    },

    close: () => connection.close(),
  };

  async function run(checks: readonly Check[], cost: number): Promise<Counted> {
    const parameters = toParameters(checks, cost, keyPrefix);
    try {
      return parseReply(await connection.send(['EVALSHA', TAKE_SCRIPT_SHA1, ...parameters]), checks.length);
    } catch (cause) {
      if (!isScriptUnknown(cause)) throw cause;
      return parseReply(await connection.send(['EVAL', TAKE_SCRIPT, ...parameters]), checks.length);
    }
  }
}

/** What the script answered. */
interface Counted {
  readonly admitted: boolean;
  readonly atMs: number;
  readonly used: readonly number[];
}

function toParameters(checks: readonly Check[], cost: number, keyPrefix: string): string[] {
  const parameters = [String(checks.length)];
  // The braces are a hash tag: all counters live on one node of a cluster, so that one script can reach those of any request.
  for (const { subject, window } of checks) parameters.push(`${keyPrefix}{limits}:${subject}:${window}`);
  parameters.push(String(cost));
  for (const { window, limit } of checks) parameters.push(String(WINDOW_SECONDS[window] * 1000), String(limit));
  return parameters;
}

function toStandings(checks: readonly Check[], used: readonly number[], atMs: number): Standing[] {
  return checks.map((check, i) => toStanding(check, used[i] ?? check.limit, windowEndMs(check.window, atMs)));
}

function parseReply(reply: unknown, checks: number): Counted {
  if (!Array.isArray(reply)) throw new Error('the script answered with something else than a list');
  const [admitted, atMs, ...used] = reply.filter((item) => typeof item === 'number');
  if (admitted === undefined || atMs === undefined || used.length !== checks)
    throw new Error('the script answered in another form');
  return { admitted: admitted === 1, atMs, used };
}

/** Redis was started anew since, or the script was never sent there. */
function isScriptUnknown(cause: unknown): boolean {
  return cause instanceof Error && cause.message.startsWith('NOSCRIPT');
}
