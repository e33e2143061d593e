// A gateway thread's entry: waits for what it is born with, composes the data plane from the message port to the main thread, and
// listens.

import { parentPort } from 'node:worker_threads';
import { systemClock } from '../lib/clock.ts';
import { createIpMatcher } from '../lib/ip-range.ts';
import { FailoverLimiter } from '../limits/failover.ts';
import { later } from '../lib/later.ts';
import { Sweep } from '../lib/sweep.ts';
import { openRedisLimiter } from '../limits/redis.ts';
import type { Limiter } from '../limits/limiter.ts';
import { countFallback } from '../limits/shared-counters.ts';
import { SharedMemoryLimiter } from '../limits/shared-memory.ts';
import { policies } from '../policies/index.ts';
import { createArrival } from './arrival.ts';
import type { CompileDeps, Snapshot } from './compile.ts';
import { createCountrySource } from './country.ts';
import { createCredentialCache } from './credential-cache.ts';
import { ConnectionCounts } from './edge/connection-counts.ts';
import { listen } from './edge/listener.ts';
import type { FromThread, ThreadBoot, ToThread } from './messages.ts';
import { createPublications } from './publications.ts';
import { createRecordBuffer } from './record-buffer.ts';
import { createRunner } from './run.ts';
import { createSnapshotLoader, type PackedSnapshot, type SnapshotLoader } from './snapshot-loader.ts';
import { createCheck } from './upstream/check.ts';
import { createForward } from './upstream/forward.ts';
import { createOpenSocket } from './upstream/open-socket.ts';
import { createReach } from './upstream/reach.ts';
import type { ServiceDeps } from './upstream/service.ts';
import { createServices } from './upstream/services.ts';
import { createTransport } from './upstream/transport.ts';
import { toPseudonym } from './via.ts';

function say(message: FromThread): void {
  parentPort?.postMessage(message);
}

function warn(fields: Record<string, unknown>, message: string, level: 'warn' | 'error' = 'warn'): void {
  say({ type: 'log', level, fields, message });
}

async function main(boot: ThreadBoot): Promise<void> {
  const clock = systemClock;
  const credentials = createCredentialCache({
    ask: (publicId, id) => say({ type: 'find', publicId, id }),
    nowMs: () => clock.monotonicMs(),
    limits: boot.keyCache,
  });
  const usage = createRecordBuffer((records, dropped) => say({ type: 'records', records, dropped }));
  const limiter = await openLimiter(boot);
  const openSocket = createOpenSocket(boot.privateTargets);
  const transport = createTransport(clock, openSocket);
  const pseudonym = toPseudonym(boot.hmacSecret);
  const countries = createCountrySource(boot.countries);
  const services = createServices({
    transport,
    reach: createReach(openSocket),
    check: createCheck(transport),
    random: Math.random,
    sweep: new Sweep(() => clock.monotonicMs()),
    onNews: tellNews,
  });
  const rehash: CompileDeps['rehash'] = (made) => say({ type: 'rehash', rehash: made });
  const limits = boot.limitSettings;
  const ports = { credentials, rehash, usage, limiter, clock, countries };
  const deps: CompileDeps = { ...boot, ...ports, limits, policies, services };
  const loader = createSnapshotLoader({ ...deps, pause: () => new Promise((resolve) => void setImmediate(resolve)) });
  const first = await loadFirst(loader, boot.snapshot);
  services.settle(first.plans);
  const runner = createRunner(first, {
    ...deps,
    arrive: createArrival({ pseudonym, trustedProxies: boot.trustedProxies }),
    forward: createForward({
      transport,
      clock,
      pseudonym,
      random: Math.random,
      later,
      onFailure: (exchange, { code, proxyError, cause }) =>
        warn(
          { requestId: exchange.id, target: exchange.target, code, proxyError, reason: String(cause) },
          'upstream call failed',
        ),
    }),
    onDefect: (exchange, cause) =>
      warn(
        { requestId: exchange.id, stack: cause instanceof Error ? cause.stack : String(cause) },
        'defect in a request',
        'error',
      ),
  });
  const listener = await listen({
    host: boot.host,
    port: boot.port,
    tls: boot.tls,
    limits: boot.limits,
    counts: new ConnectionCounts(boot.connectionCounts, boot.thread),
    pseudonym,
    isTrusted: createIpMatcher(boot.trustedProxies),
    runner,
    clock,
  });

  const publications = createPublications(loader, (snapshot) => {
    services.settle(snapshot.plans);
    runner.swap(snapshot);
  });

  parentPort?.on('message', (message: ToThread) => {
    switch (message.type) {
      case 'publish':
        publications.publish(message.snapshot, (faults) => say({ type: 'done', id: message.id, faults }));
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
        say({ type: 'done', id: message.id, faults: [], health: services.health(message.gatewayId) });
        return;
      case 'recorded':
        usage.acknowledge();
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

async function loadFirst(loader: SnapshotLoader, packed: PackedSnapshot): Promise<Snapshot> {
  const loaded = await loader.load(packed);
  if ('router' in loaded) return loaded;
  throw new Error(`the snapshot cannot be served: ${loaded.join('; ')}`);
}

const tellNews: ServiceDeps['onNews'] = ({ owner, name: service }, target, { before, now }) => {
  const { id: gatewayId, tenantId } = owner;
  if (gatewayId !== null && now.circuit !== before.circuit)
    say({ type: 'circuit', news: { tenantId, gatewayId, service, target, state: now.circuit } });
  if (now.ill === before.ill || now.circuit === 'gone') return;
  if (now.ill === undefined) warn({ gatewayId, service, target }, 'a target is well again');
  else warn({ gatewayId, service, target, reason: now.ill }, 'a target is found ill');
};

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
