// The data plane with fakes at its ports: its parts one by one, or the whole on a real socket; and a client that sees every byte.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createArrival } from '../../src/gateway/arrival.ts';
import { toRecord } from '../../src/gateway/record-block.ts';
import { compileSnapshot, type Snapshot } from '../../src/gateway/compile.ts';
import { ConnectionCounts, createConnectionCounts } from '../../src/gateway/edge/connection-counts.ts';
import type { EdgeLimits } from '../../src/gateway/edge/limits.ts';
import { listen, type Listener, type ListenerOptions } from '../../src/gateway/edge/listener.ts';
import { Exchange, type Reply, type RequestHead } from '../../src/gateway/exchange.ts';
import { Origin } from '../../src/gateway/origin.ts';
import type { Policy, PolicyDeps } from '../../src/gateway/policy.ts';
import type { Credential, ExchangeRecord, UsageSink } from '../../src/gateway/ports.ts';
import { createRunner, type Runner } from '../../src/gateway/run.ts';
import { checkSnapshot, type EndpointConfig, type GatewayConfig } from '../../src/gateway/snapshot.ts';
import type { Failure } from '../../src/gateway/upstream/failure.ts';
import { createCheck } from '../../src/gateway/upstream/check.ts';
import { createForward } from '../../src/gateway/upstream/forward.ts';
import { createOpenSocket, type OpenSocket } from '../../src/gateway/upstream/open-socket.ts';
import type { Names } from '../../src/gateway/upstream/names.ts';
import { createReach } from '../../src/gateway/upstream/reach.ts';
import { createServices, type Services, type ServicesDeps } from '../../src/gateway/upstream/services.ts';
import { createTransport } from '../../src/gateway/upstream/transport.ts';
import { type RequestCounts, UNCOUNTED } from '../../src/gateway/request-counts.ts';
import { Fields } from '../../src/gateway/wire/fields.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { deriveKey } from '../../src/lib/derive-key.ts';
import { later } from '../../src/lib/later.ts';
import { Sweep, type Timed } from '../../src/lib/sweep.ts';
import { createIpMatcher } from '../../src/lib/ip-range.ts';
import { digestOf, toForeignId, toForeignProof } from '../../src/lib/foreign-key-text.ts';
import { hashKeyText, newKeyText } from '../../src/lib/key-text.ts';
import { pepperIdOf } from '../../src/lib/pepper.ts';
import { apiKey } from '../../src/policies/api-key.ts';
import { scopes } from '../../src/policies/scopes.ts';

const HMAC_SECRET = 'the pepper of the tests, 32 characters and more';
/** What snapshots carry sealed, they carry under this. */
export const SECRETS_KEY = deriveKey(HMAC_SECRET, 'upstream secrets');
const CONTROL_TOKEN = 'the token of the tests';

export const USUAL_LIMITS: EdgeLimits = {
  headBytes: 16_384,
  fields: 100,
  targetBytes: 8192,
  bodyBytes: 1_073_741_824,
  headTimeoutMs: 15_000,
  idleTimeoutMs: 75_000,
  minBytesPerSecond: 100,
  requestsPerConnection: 100_000,
  connections: 10_000,
  connectionsPerAddress: 10_000,
};

export interface FakeClock extends Clock {
  advance(ms: number): void;
}

export function createFakeClock(): FakeClock {
  let elapsedMs = 0;
  return {
    nowMs: () => 1_750_000_000_000 + elapsedMs,
    monotonicMs: () => 1000.5 + elapsedMs,
    advance(ms) {
      elapsedMs += ms;
    },
  };
}

export interface FakeKey {
  readonly text: string;
  readonly credential: Credential;
}

export function createKey(differences: Partial<Credential> = {}, granted: readonly string[] = []): FakeKey {
  const { text, publicId } = newKeyText('tg_live');
  return toFakeKey({ text, publicId, proof: text }, differences, granted);
}

/** A key that was made elsewhere, with a text of its own. */
export function createForeignKey(text: string, differences: Partial<Credential> = {}): FakeKey {
  const digest = digestOf(text);
  return toFakeKey({ text, publicId: toForeignId(digest), proof: toForeignProof(digest) }, differences, []);
}

function toFakeKey(
  { text, publicId, proof }: { text: string; publicId: string; proof: string },
  differences: Partial<Credential>,
  granted: readonly string[],
): FakeKey {
  const principal = {
    kind: 'key',
    tenantId: 'ten_of_key',
    keyId: 'key_1',
    operatorId: undefined,
    name: 'a key',
    scopes: granted,
    limits: [],
  } as const;
  const credential: Credential = {
    publicId,
    hash: hashKeyText(proof, HMAC_SECRET),
    pepper: pepperIdOf(HMAC_SECRET),
    status: 'active',
    expiresAtMs: undefined,
    allowedIps: undefined,
    principal,
  };
  return { text, credential: { ...credential, ...differences } };
}

export interface RecordingSink extends UsageSink {
  readonly records: readonly ExchangeRecord[];
  /** Resolves when there are so many. */
  wait(count: number): Promise<readonly ExchangeRecord[]>;
}

export function createSink(): RecordingSink {
  const records: ExchangeRecord[] = [];
  const waiting = new Set<() => void>();
  return {
    records,
    record(exchange, durationMs) {
      records.push(toRecord(exchange, durationMs));
      for (const look of waiting) look();
    },
    async wait(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): void => {
        if (records.length >= count) resolve();
      };
      waiting.add(look);
      look();
      await promise;
      waiting.delete(look);
      return records;
    },
  };
}

export interface FakeSweep extends Pick<Sweep, 'add' | 'remove' | 'tick'> {
  /** Time passes, and the sweep comes by. */
  pass(ms: number): void;
  readonly members: ReadonlySet<Timed>;
}

export function createFakeSweep(): FakeSweep {
  const members = new Set<Timed>();
  return {
    tick: 1000.5,
    members,
    add: (member) => void members.add(member),
    remove: (member) => void members.delete(member),
    pass(ms) {
      this.tick += ms;
      for (const member of members) member.onSweep(this.tick);
    },
  };
}

/** Every name is looked up for each connection. */
const NO_NAMES: Names = {
  known: () => undefined,
  watch: () => ({ cancel: () => {} }),
  settled: () => Promise.resolve(),
};

export function createFakeServicesDeps(differences: Partial<ServicesDeps> = {}): ServicesDeps {
  return {
    transport: { retain: () => {} },
    reach: () => {},
    check: () => {},
    names: NO_NAMES,
    random: () => 0.5,
    threads: 1,
    onNews: () => {},
    sweep: createFakeSweep(),
    ...differences,
  };
}

interface FakeDeps extends PolicyDeps {
  readonly secretsKey: Uint8Array;
  readonly services: Services;
  readonly requestCounts: RequestCounts;
}

/** What the policies may use: knows these keys at once, admits everything, forgets the records. And services, for a snapshot to be compiled. */
export function createDeps(keys: readonly FakeKey[] = [], differences: Partial<FakeDeps> = {}): FakeDeps {
  const known = new Map(keys.map(({ credential }) => [credential.publicId, credential]));
  return {
    credentials: { recall: (publicId) => known.get(publicId), find: (publicId) => known.get(publicId) },
    rehash: () => undefined,
    onQuota: () => undefined,
    limiter: {
      prepare: (_group, checks) => ({ checks }),
      take: () => ({ outcome: 'admitted', atMs: 0, standings: [], release: undefined }),
      peek: () => [],
      refund: () => {},
    },
    limits: { address: [], ipv6Bits: 64, onFailure: 'deny', refundsFailures: true },
    usage: { record: () => undefined },
    clock: createFakeClock(),
    threads: 1,
    countries: { find: () => undefined },
    hmacSecret: HMAC_SECRET,
    secretsKey: SECRETS_KEY,
    services: createServices(createFakeServicesDeps()),
    requestCounts: UNCOUNTED,
    ...differences,
  };
}

export interface FakeExchange {
  readonly exchange: Exchange;
  /** What was sent to the caller; at most one. */
  readonly sent: readonly Reply[];
}

export interface FakeHead extends Partial<RequestHead> {
  /** Flat. */
  readonly headers?: readonly string[];
  readonly scheme?: 'http' | 'https';
  readonly peerAddress?: string;
}

export function createExchange({
  headers = [],
  scheme = 'http',
  peerAddress = '192.0.2.1',
  ...differences
}: FakeHead = {}): FakeExchange {
  const sent: Reply[] = [];
  const exchange = new Exchange({
    id: 'req_1',
    startedAtMs: 1_750_000_000_000,
    startedTick: 1000.5,
    method: 'GET',
    path: '/',
    query: '',
    fields: Fields.of(headers),
    host: valuesOf(headers, 'host')[0],
    protocol: '1.1',
    origin: new Origin(scheme, peerAddress, { port: 8080, names: undefined }),
    body: undefined,
    tunnel: undefined,
    responder: { send: (reply) => sent.push(reply), sendInterim: () => {} },
    ...differences,
  });
  return { exchange, sent };
}

/** The members of a local reply's body. */
export function readProblem(reply: Reply | undefined): Readonly<Record<string, unknown>> {
  assert.ok(reply?.body instanceof Uint8Array, 'not a local reply');
  const problem: unknown = JSON.parse(new TextDecoder().decode(reply.body));
  assert.ok(typeof problem === 'object' && problem !== null);
  return { ...problem };
}

/** Header lines as a flat list. */
export function toList(lines: string): string[] {
  return lines.split('\r\n').flatMap((line) => {
    const colon = line.indexOf(': ');
    return colon < 0 ? [] : [line.slice(0, colon), line.slice(colon + 2)];
  });
}

/** The values of one header of a flat list. */
export function valuesOf(headers: readonly string[], name: string): string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name);
}

/** What these plans use is what there is from now on. */
export function settleAll(services: Services, plans: readonly Parameters<Services['settle']>[1][number][]): void {
  const ofGateways = Map.groupBy(plans, ({ upstream }) => upstream.owner.id);
  for (const [gatewayId, own] of ofGateways) services.settle(gatewayId, own);
  services.retain((gatewayId) => ofGateways.has(gatewayId));
}

export function createEndpoint(differences: Partial<EndpointConfig> = {}): EndpointConfig {
  return { id: 'ep_1', method: 'GET', path: '/*', service: 'echo', timeoutMs: 5000, policies: [], ...differences };
}

export function createGateway(url: string, differences: Partial<GatewayConfig> = {}): GatewayConfig {
  return {
    id: 'gw_1',
    tenantId: 'ten_of_key',
    name: 'demo',
    routePrefix: '',
    services: [{ name: 'echo', targets: [{ url }], stripPrefix: false }],
    endpoints: [createEndpoint()],
    ...differences,
  };
}

export interface DataPlaneOptions {
  readonly gateways: readonly GatewayConfig[];
  readonly keys?: readonly FakeKey[];
  readonly policies?: readonly Policy[];
  readonly deps?: Partial<PolicyDeps>;
  /** Where names lead. */
  readonly names?: Names;
  /** Unless told, to wherever a target says. */
  readonly openSocket?: OpenSocket;
  readonly trustedProxies?: readonly string[];
  /** Of two data planes with one name, one behind the other is a loop. */
  readonly pseudonym?: string;
  /** Its limits; and TLS, on a free port. */
  readonly edge?: {
    readonly limits?: Partial<EdgeLimits>;
    readonly tls?: ListenerOptions['tls'];
    readonly clock?: Clock;
    /** Shared with others. */
    readonly counts?: SharedArrayBuffer | undefined;
  };
  /** Sees every exchange when it is over. */
  readonly onFinish?: (exchange: Exchange) => void;
}

export interface DataPlane {
  readonly port: number;
  readonly listener: Listener;
  /** Serves these gateways from now on. */
  swap(options: Pick<DataPlaneOptions, 'gateways'>): void;
  readonly sink: RecordingSink;
  /** Why upstream calls failed. */
  readonly failures: readonly Failure[];
  /** What was thrown where nothing should. */
  readonly defects: readonly unknown[];
  close(): Promise<void>;
}

/** The whole, listening on a free port of the loopback interface. */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const sink = createSink();
  const failures: Failure[] = [];
  const defects: unknown[] = [];
  const openSocket = options.openSocket ?? createOpenSocket('allow');
  const transport = createTransport(systemClock, openSocket);
  const policies: readonly Policy[] = [apiKey, scopes, ...(options.policies ?? [])];
  const sweep = new Sweep(() => systemClock.monotonicMs());
  const services = createServices({
    transport,
    reach: createReach(openSocket),
    check: createCheck(transport),
    names: options.names ?? NO_NAMES,
    random: Math.random,
    threads: 1,
    sweep,
    onNews: () => {},
  });
  const deps = createDeps(options.keys, { usage: sink, clock: systemClock, services, ...options.deps });
  const compile = ({ gateways }: Pick<DataPlaneOptions, 'gateways'>): Snapshot => {
    const config = { version: 1, gateways: [...gateways] };
    assert.deepEqual(checkSnapshot(config, policies), []);
    const snapshot = compileSnapshot(config, { ...deps, policies, controlToken: CONTROL_TOKEN });
    settleAll(services, snapshot.plans);
    return snapshot;
  };
  const { pseudonym = 'tollgate-test', trustedProxies = [] } = options;
  const inner = createRunner(compile(options), {
    ...deps,
    arrive: createArrival({ pseudonym, trustedProxies }),
    forward: createForward({
      transport,
      clock: systemClock,
      pseudonym,
      random: Math.random,
      later,
      onFailure: (_, failure) => failures.push(failure),
    }),
    onDefect: (_, cause) => defects.push(cause),
  });
  const runner: Runner = {
    ...inner,
    finish(exchange) {
      inner.finish(exchange);
      options.onFinish?.(exchange);
    },
  };
  const limits = { ...USUAL_LIMITS, ...options.edge?.limits };
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    runner,
    clock: options.edge?.clock ?? systemClock,
    pseudonym,
    limits,
    counts: new ConnectionCounts(options.edge?.counts ?? createConnectionCounts(limits.connections), 1),
    isTrusted: createIpMatcher(trustedProxies),
    tls: options.edge?.tls,
  });
  return {
    port: listener.port,
    listener,
    swap: (next) => runner.swap(compile(next)),
    sink,
    failures,
    defects,
    async close() {
      const drained = listener.drain();
      listener.destroy();
      sweep.stop();
      await Promise.all([drained, transport.close()]);
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** A connection to the data plane on which the test writes and reads bytes. */
export interface Wire {
  readonly socket: Socket;
  /** Writes text, one byte a character. */
  send(text: string): void;
  /** Resolves with everything up to the mark and takes it away; rejects when the connection ends before. */
  readTo(mark: string): Promise<string>;
  /** Reads the next answer: its head, and the body that its headers or the end of the connection delimit. */
  readAnswer(method?: string): Promise<Answer>;
  /** Resolves when the connection is over, with what was not yet read and how it ended. */
  readRest(): Promise<{ readonly text: string; readonly end: 'clean' | 'broken' }>;
}

export async function openWire(port: number): Promise<Wire> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  let received: Buffer = Buffer.alloc(0);
  let end: 'clean' | 'broken' | undefined;
  const looking = new Set<() => void>();
  const lookAll = (): void => {
    for (const look of looking) look();
  };
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    lookAll();
  });
  socket.on('end', () => {
    end ??= 'clean';
    lookAll();
  });
  socket.on('error', () => {
    end = 'broken';
    lookAll();
  });
  socket.on('close', () => {
    end ??= 'broken';
    lookAll();
  });

  /** The first so many bytes, as soon as `measure` says how many. */
  async function take(measure: () => number | undefined, wanted: string): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const look = (): void => {
      const length = measure();
      if (length !== undefined && length <= received.length) {
        const taken = received.subarray(0, length);
        received = received.subarray(length);
        looking.delete(look);
        resolve(taken);
      } else if (end !== undefined) {
        looking.delete(look);
        reject(
          new Error(`the connection ended before ${wanted}; unread: ${received.toString('latin1').slice(0, 500)}`),
        );
      }
    };
    looking.add(look);
    look();
    return promise;
  }

  async function readTo(mark: string): Promise<string> {
    const taken = await take(() => {
      const at = received.indexOf(mark, 0, 'latin1');
      return at < 0 ? undefined : at + mark.length;
    }, JSON.stringify(mark));
    return taken.toString('latin1');
  }

  async function readBody(headers: readonly string[]): Promise<Buffer> {
    const [length] = valuesOf(headers, 'content-length');
    if (length !== undefined) return take(() => Number(length), `${length} bytes of body`);
    if (valuesOf(headers, 'transfer-encoding').length === 0) {
      return take(() => (end === undefined ? undefined : received.length), 'its end');
    }
    const chunks: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt(await readTo('\r\n'), 16);
      const chunk = await take(() => size + 2, 'the end of a chunk');
      if (size === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, size));
    }
  }

  if (socket.connecting) await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  return {
    socket,
    send: (text) => void socket.write(text, 'latin1'),
    readTo,
    async readAnswer(method = 'GET') {
      const [statusLine = '', ...lines] = (await readTo('\r\n\r\n')).slice(0, -4).split('\r\n');
      const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
      const headers = lines.flatMap((line) => [
        line.slice(0, line.indexOf(':')),
        line.slice(line.indexOf(':') + 1).trim(),
      ]);
      const isEmpty = method === 'HEAD' || status === 204 || status === 304 || status < 200;
      return { status, headers, body: isEmpty ? Buffer.alloc(0) : await readBody(headers) };
    },
    async readRest() {
      const rest = await take(() => (end === undefined ? undefined : received.length), 'its end');
      return { text: rest.toString('latin1'), end: end ?? 'broken' };
    },
  };
}

/** One request on a connection of its own, its answer, and the connection closed. `request` is a whole message, or the head of one. */
export async function ask(port: number, request: string): Promise<Answer> {
  const wire = await openWire(port);
  wire.send(request);
  try {
    return await wire.readAnswer(request.slice(0, request.indexOf(' ')));
  } finally {
    wire.socket.destroy();
  }
}
