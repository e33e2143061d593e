// The policy over counters of its own, with a clock that the test sets.

import assert from 'node:assert/strict';
import { localReply, type Exchange, type Reply } from '../gateway/exchange.ts';
import type { CompiledPolicy, LimitSettings } from '../gateway/policy.ts';
import type { CallerLimit, Principal } from '../gateway/ports.ts';
import { Fields } from '../gateway/wire/fields.ts';
import type { Limiter } from '../limits/limiter.ts';
import { createSharedCounters } from '../limits/shared-counters.ts';
import { SharedMemoryLimiter } from '../limits/shared-memory.ts';
import { createDeps, createExchange, createKey, toList, valuesOf } from '../../test/harness/data-plane.ts';
import type { RateLimitConfig } from './rate-limit-config.ts';
import { rateLimit } from './rate-limit.ts';

export const NOON_MS = Date.UTC(2026, 2, 1, 12, 0, 0);

export interface Called {
  readonly exchange: Exchange;
  readonly reply: Reply;
  readonly passed: boolean;
}

export interface Caller {
  readonly principal?: Principal | undefined;
  readonly address?: string;
  /** What the upstream answers; 200 unless told. */
  readonly answer?: (exchange: Exchange) => Reply;
}

export interface Scene {
  readonly policy: CompiledPolicy;
  /** Sends one request through, with the reply of an upstream when the policy lets it pass. */
  readonly call: (principal?: Principal, upstreamHeaders?: readonly string[]) => Called;
  readonly callAs: (caller: Caller) => Called;
  readonly advance: (ms: number) => void;
}

export type Windows = readonly { window: 'minute' | 'hour' | 'day' | 'month'; limit: number }[];

/** Minutes of the clock, so that a test need not weigh the last one. */
function fixed(windows: readonly CallerLimit[]): CallerLimit[] {
  return windows.map((limit) =>
    'window' in limit && limit.window === 'minute' && limit.algorithm === undefined
      ? { ...limit, algorithm: 'fixed' }
      : limit,
  );
}

export function setScene(
  endpoint: { id: string; windows: Windows } | null = null,
  config: Partial<RateLimitConfig> = {},
  settings: Partial<LimitSettings> = {},
): Scene {
  let nowMs = NOON_MS;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const memory = createSharedCounters({ entries: 100, seats: 1, secret: 's' });
  const limiter = new SharedMemoryLimiter({ memory, seat: 0, clock });
  const deps = createDeps([], { limiter, clock });
  const own = endpoint === null ? null : { ...endpoint, windows: fixed(endpoint.windows) };
  const policy = rateLimit.compile({ endpoint: own, ...config }, { ...deps, limits: { ...deps.limits, ...settings } });
  const callAs = ({ principal, address = '192.0.2.1', answer }: Caller): Called => {
    const { exchange } = createExchange({ peerAddress: address });
    exchange.principal = principal;
    const stopped = policy.onRequest?.(exchange);
    assert.ok(!(stopped instanceof Promise), 'nothing waits for shared memory');
    const reply = stopped ?? answer?.(exchange) ?? localReply(200, [], undefined);
    policy.onResponse?.(exchange, reply);
    return { exchange, reply, passed: stopped === undefined };
  };
  return {
    policy,
    callAs,
    call: (principal, upstreamHeaders = []) =>
      callAs({ principal, answer: () => ({ ...localReply(200, [], undefined), fields: Fields.of(upstreamHeaders) }) }),
    advance(ms) {
      nowMs += ms;
    },
  };
}

export function principalWith(limits: readonly CallerLimit[], keyId = 'key_1', clientId?: string): Principal {
  return {
    ...createKey().credential.principal,
    keyId,
    ...(clientId !== undefined && { clientId }),
    limits: fixed(limits),
  };
}

export function field({ headers: listed, lines }: Reply, name: string): string | undefined {
  const headers = [...listed, ...toList(lines)];
  const values = valuesOf(headers, name);
  assert.ok(values.length <= 1, `${name} stands there ${values.length} times`);
  return values[0];
}

/** A policy on a limiter that answers so. */
export function compileWith(take: Limiter['take'], config: Partial<RateLimitConfig> = {}): CompiledPolicy {
  const deps = createDeps();
  return rateLimit.compile({ endpoint: null, ...config }, { ...deps, limiter: { ...deps.limiter, take } });
}

export const FIVE_A_MINUTE = principalWith([{ window: 'minute', limit: 5 }]);
