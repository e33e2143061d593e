// `import { createGateway } from 'tollgate'`: a gateway inside another program, without a database. It listens by itself, or takes the
// requests of the program's own server.

import { randomBytes } from 'node:crypto';
import type { Declaration } from '../control/gateways/declaration-schema.ts';
import { DeclarationError } from '../declared/fault-error.ts';
import { loadDeclared, type Declared, type Sources } from '../declared/load.ts';
import type { KeyEntry } from '../declared/keys.ts';
import { createCountrySource } from '../gateway/country.ts';
import { createDataPlane } from '../gateway/data-plane.ts';
import { ConnectionCounts, createConnectionCounts } from '../gateway/edge/connection-counts.ts';
import { listen, listenForTls, type Listener } from '../gateway/edge/listener.ts';
import { createNodeHandler, type NodeHandler } from '../gateway/edge/node-handler.ts';
import { createNodeUpgrades, type NodeUpgrade } from '../gateway/edge/node-upgrade.ts';
import type { LimitSettings } from '../gateway/policy.ts';
import type { ExchangeRecord } from '../gateway/ports.ts';
import { toRecord } from '../gateway/record-block.ts';
import { STRICT_PATHS } from '../gateway/route-path.ts';
import { packSnapshot } from '../gateway/packed-snapshot.ts';
import { UNCOUNTED } from '../gateway/request-counts.ts';
import { toPseudonym } from '../gateway/via.ts';
import { systemClock } from '../lib/clock.ts';
import { createIpMatcher } from '../lib/ip-range.ts';
import { PEPPER_OF_FILES } from '../lib/key-hash.ts';
import { toPeppers } from '../lib/pepper.ts';
import { createSharedCounters } from '../limits/shared-counters.ts';
import { SharedMemoryLimiter } from '../limits/shared-memory.ts';
import { policies } from '../policies/index.ts';
import { checkListen, checkTls, type ListenOptions, type TlsOption, type TlsPair } from './listen-options.ts';
import { checkOptions, DEFAULT_LIMITS, type GatewayOptions, type LogEntry } from './options.ts';

export { DeclarationError };
export type { Declaration, ExchangeRecord, GatewayOptions, KeyEntry, ListenOptions, LogEntry, NodeHandler };
export type { NodeUpgrade, TlsOption, TlsPair };

/** Counters that are live at the same time: a key with three limits uses three. */
const COUNTERS = 65_536;
const DRAIN_MS = 30_000;
const DEFAULT_RATE_LIMIT = { requestsPerMinute: 100, requestsPerHour: 1000, requestsPerDay: 10_000 };

export interface Gateway {
  /** Answers requests of node:http, and of what stands on it: Express, Fastify. It needs their bodies unread. */
  readonly handler: NodeHandler;
  /** Takes WebSockets behind the same servers: `server.on('upgrade', gateway.upgrade)`. */
  readonly upgrade: NodeUpgrade;
  /** Listens by itself, on an engine of its own, with WebSockets; with `tls`, HTTP/2 too. Port 0 takes a free one. */
  listen(where: ListenOptions): Promise<Listening>;
  /** Reads the files again, or takes these instead. Throws a DeclarationError, and goes on with what it has, when anything is wrong. */
  reload(next?: Pick<GatewayOptions, 'config' | 'keys'>): Promise<void>;
  /** Stops listening, lets requests and WebSockets finish for at most 30 seconds, closes the connections to services. */
  close(): Promise<void>;
}

export interface Listening {
  readonly port: number;
  /** Shows these to new connections from now on. Throws a DeclarationError, and goes on with what it has, when anything is wrong. */
  readonly setCertificates: (tls: TlsOption) => void;
}

/** Throws a DeclarationError that tells every fault of options, configuration and keys. */
export function createGateway(options: GatewayOptions): Gateway {
  checkOptions(options);
  const clock = systemClock;
  const log = options.onLog ?? writeLog;
  const warn = (fields: Record<string, unknown>, message: string, level: LogEntry['level'] = 'warn'): void => {
    try {
      log({ level, message, fields });
    } catch (cause) {
      writeLog({ level: 'error', message: 'onLog threw', fields: { reason: String(cause) } });
    }
  };
  const hmacSecret = options.hmacSecret ?? PEPPER_OF_FILES;
  const rules = {
    paths: { ...STRICT_PATHS, ...options.paths },
    privateTargets: options.privateTargets ?? 'allow',
    secretsKey: randomBytes(32),
    peppers: toPeppers(hmacSecret, options.previousHmacSecret),
    defaultRateLimit: options.defaultRateLimit ?? DEFAULT_RATE_LIMIT,
    spell: (source: string) => source,
    // oxlint-disable-next-line node/no-process-env -- what `${env:NAME}` in a file stands for
    env: process.env,
  } as const;
  let declared = load(options);

  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const trustedProxies = options.trustedProxies ?? [];
  // Another name for every gateway: one behind another is no loop.
  const pseudonym = toPseudonym(randomBytes(32).toString('hex'));
  const counters = { entries: COUNTERS, seats: 2, secret: randomBytes(32).toString('hex') };
  const dataPlane = createDataPlane({
    credentials: { recall: (id) => declared.keys.get(id), find: (id) => declared.keys.get(id) },
    rehash: () => {},
    limiter: new SharedMemoryLimiter({ memory: createSharedCounters(counters), seat: 1, clock }),
    limits: toLimitSettings(options.publicRequestsPerMinute),
    threads: 1,
    privateTargets: rules.privateTargets,
    secretsKey: rules.secretsKey,
    usage: { record: (exchange, durationMs) => tell(options.onRecord, () => toRecord(exchange, durationMs), warn) },
    requestCounts: UNCOUNTED,
    clock,
    countries: createCountrySource({ header: undefined, database: undefined }),
    hmacSecret,
    previousHmacSecret: options.previousHmacSecret,
    policies,
    controlToken: '',
    pseudonym,
    trustedProxies,
    // There is nobody to tell: what counts is the refusal.
    onQuota: () => {},
    onCircuit: (news) => {
      if (news.state !== 'gone') warn({ ...news }, 'the circuit of a target has changed');
    },
    warn,
  });
  dataPlane.serve(declared.snapshot);
  const upgrades = createNodeUpgrades({ runner: dataPlane.runner, clock, limits, pseudonym });
  const listeners: Pick<Listener, 'drain' | 'destroy'>[] = [upgrades];

  return {
    handler: createNodeHandler({
      runner: dataPlane.runner,
      clock,
      limits,
      pseudonym,
      onBodyRead: ({ path }) =>
        warn({ path }, 'a body was read before the gateway got the request: mount it before body parsers', 'error'),
    }),
    upgrade: upgrades.upgrade,
    async listen(where) {
      const { port, host, certificates } = checkListen(where);
      const isTrusted = createIpMatcher(trustedProxies);
      const { runner } = dataPlane;
      const counts = new ConnectionCounts(createConnectionCounts(limits.connections), 1);
      const own = { host, runner, clock, limits, counts, pseudonym, isTrusted, isAlone: true };
      const listener =
        certificates === undefined
          ? await listen({ ...own, port })
          : await listenForTls({ ...own, tls: { port, certificates } });
      listeners.push(listener);
      return {
        port: listener.port,
        setCertificates(tls) {
          if (certificates === undefined) throw new DeclarationError(['tls: this listener was opened without it']);
          listener.setCertificates(checkTls(tls));
        },
      };
    },
    async reload(next = {}) {
      checkOptions({ ...options, ...next });
      const loaded = load({ ...options, ...next });
      declared = loaded; // Keys first: one that is taken back must not reach what is new.
      await publish(loaded);
    },
    async close() {
      const drained = Promise.all(listeners.map((listener) => listener.drain()));
      const timer = setTimeout(() => listeners.forEach((listener) => listener.destroy()), DRAIN_MS);
      await drained;
      clearTimeout(timer);
      await dataPlane.close();
    },
  };

  function load(given: GatewayOptions): Declared {
    const loaded = loadDeclared(toSources(given), rules);
    for (const warning of loaded.warnings) warn({}, warning);
    return loaded;
  }

  async function publish({ snapshot }: Declared): Promise<void> {
    const packed = packSnapshot(snapshot);
    const faults = await new Promise<readonly string[]>((resolve) => dataPlane.publish(packed, resolve));
    if (faults.length > 0) throw new Error(`checked, and yet it cannot be served: ${faults.join('; ')}`);
  }
}

/** As the settings of a node have it where nothing is said. */
function toLimitSettings(perMinute = 600): LimitSettings {
  return {
    address: perMinute === 0 ? [] : [{ window: 'minute', limit: perMinute }],
    ipv6Bits: 64,
    onFailure: 'local',
    refundsFailures: true,
  };
}

function toSources({ config, upstream, open = false, keys }: GatewayOptions): Sources {
  return { config, upstream, isOpen: open, keys };
}

/** Recording can never fail a request. */
function tell(
  onRecord: GatewayOptions['onRecord'],
  read: () => ExchangeRecord,
  warn: (fields: Record<string, unknown>, message: string, level: 'error') => void,
): void {
  if (onRecord === undefined) return;
  const record = read();
  try {
    onRecord(record);
  } catch (cause) {
    warn({ requestId: record.requestId, reason: String(cause) }, 'onRecord threw', 'error');
  }
}

function writeLog({ level, message, fields }: LogEntry): void {
  process.stderr.write(`${JSON.stringify({ level, time: Date.now(), ...fields, msg: `tollgate: ${message}` })}\n`);
}
