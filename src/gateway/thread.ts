// A gateway thread's entry: waits for what it is born with, composes the data plane from the message port to the main thread, and
// listens.

import { getHeapStatistics } from 'node:v8';
import { parentPort } from 'node:worker_threads';
import { systemClock } from '../lib/clock.ts';
import { createIpMatcher } from '../lib/ip-range.ts';
import { FailoverLimiter } from '../limits/failover.ts';
import { openRedisLimiter } from '../limits/redis.ts';
import type { Limiter } from '../limits/limiter.ts';
import { countFallback } from '../limits/shared-counters.ts';
import { SharedMemoryLimiter } from '../limits/shared-memory.ts';
import { policies } from '../policies/index.ts';
import { createCountrySource } from './country.ts';
import { createCredentialCache, toTextLookup } from './credential-cache.ts';
import { createDataPlane } from './data-plane.ts';
import { ConnectionCounts } from './edge/connection-counts.ts';
import { listen } from './edge/listener.ts';
import type { FromThread, ThreadBoot, ToThread } from './messages.ts';
import { createRecordBuffer } from './record-buffer.ts';
import { openRequestCounts } from './request-counts.ts';

function say(message: FromThread, handedOver: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, handedOver);
}

function warn(fields: Record<string, unknown>, message: string, level: 'warn' | 'error' = 'warn'): void {
  say({ type: 'log', level, fields, message });
}

async function main(boot: ThreadBoot): Promise<void> {
  const clock = systemClock;
  const credentials = createCredentialCache({
    ask: (publicId, id, text) =>
      say({ type: 'find', publicId, id, text: boot.findsByText === true ? text : undefined }),
    nowMs: () => clock.monotonicMs(),
    limits: boot.keyCache,
  });
  const usage = createRecordBuffer((records, dropped) => say({ type: 'records', records, dropped }, [records.buffer]));
  const limiter = await openLimiter(boot);
  const countries = createCountrySource(boot.countries);
  const { runner, publish, health, healthOfAll } = createDataPlane({
    ...boot,
    credentials: boot.findsByText === true ? toTextLookup(credentials) : credentials,
    rehash: (made) => say({ type: 'rehash', rehash: made }),
    usage,
    requestCounts: openRequestCounts(boot.requestCounts, boot.thread),
    limiter,
    limits: boot.limitSettings,
    clock,
    countries,
    policies,
    onCircuit: (news) => say({ type: 'circuit', news }),
    onQuota: (news) => say({ type: 'quota', news }),
    warn,
  });
  const wrong = await new Promise<readonly string[]>((resolve) => publish(boot.snapshot, resolve));
  if (wrong.length > 0) throw new Error(`the snapshot cannot be served: ${wrong.join('; ')}`);
  const listener = await listen({
    host: boot.host,
    port: boot.port,
    tls: boot.tls,
    limits: boot.limits,
    counts: new ConnectionCounts(boot.connectionCounts, boot.thread),
    pseudonym: boot.pseudonym,
    isTrusted: createIpMatcher(boot.trustedProxies),
    runner,
    clock,
  });

  parentPort?.on('message', (message: ToThread) => {
    switch (message.type) {
      case 'publish':
        publish(message.snapshot, (faults) => say({ type: 'done', id: message.id, faults }));
        return;
      case 'credential':
        credentials.answer(message.publicId, message.id, message.answer);
        return;
      case 'forget':
        credentials.forget(message.publicIds);
        say({ type: 'done', id: message.id, faults: [] });
        return;
      case 'certificates':
        listener.setCertificates(message.certificates);
        say({ type: 'done', id: message.id, faults: [] });
        return;
      case 'countries':
        countries.replace(message.database);
        say({ type: 'done', id: message.id, faults: [] });
        return;
      case 'flush':
        usage.flush();
        say({ type: 'done', id: message.id, faults: [] });
        return;
      case 'health':
        say({ type: 'done', id: message.id, faults: [], health: health(message.gatewayId) });
        return;
      case 'observe': {
        const state = { heapUsedBytes: getHeapStatistics().used_heap_size, gateways: healthOfAll() };
        say({ type: 'done', id: message.id, faults: [], state });
        return;
      }
      case 'recorded':
        usage.acknowledge(message.memory);
        return;
      case 'drain':
        void drain(message.id, message.timeoutMs);
    }
  });
  say({ type: 'listening' });

  async function drain(id: number, timeoutMs: number): Promise<void> {
    const timer = setTimeout(() => listener.destroy(), timeoutMs);
    await listener.drain();
    clearTimeout(timer);
    usage.flush();
    say({ type: 'done', id, faults: [] });
  }
}

async function openLimiter({ counters, thread: seat, redisUrl, redisTimeoutMs }: ThreadBoot): Promise<Limiter> {
  const local = new SharedMemoryLimiter({ memory: counters, seat, clock: systemClock });
  if (redisUrl === undefined) return local;
  let wasAway = false;
  const back = { catchUp: (): void => {} };
  const redis = await openRedisLimiter({
    url: redisUrl,
    timeoutMs: redisTimeoutMs,
    onChange(isUp, cause) {
      if (isUp && wasAway) warn({}, 'Redis is back: limits hold over all nodes again');
      if (isUp) back.catchUp();
      if (!isUp) warn({ reason: String(cause) }, 'Redis is away: every policy does what its onFailure says', 'error');
      wasAway = !isUp;
    },
    onRefusal(cause) {
      if (cause === undefined) warn({}, 'Redis counts again: limits hold over all nodes');
      else warn({ reason: String(cause) }, 'Redis cannot count: every policy does what its onFailure says', 'error');
    },
  });
  const limiter = new FailoverLimiter({ redis, local, onFallback: () => countFallback(counters) });
  back.catchUp = () => limiter.catchUp();
  return limiter;
}

// The first message is what the thread is born with; all later ones are ToThread.
parentPort?.once('message', (boot: ThreadBoot) => {
  main(boot).catch((cause: unknown) => {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const port = cause instanceof Error && 'port' in cause ? Number(cause.port) : undefined;
    say({ type: 'unable', code, port, message: cause instanceof Error ? cause.message : String(cause) });
  });
});
