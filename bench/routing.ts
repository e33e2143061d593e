// What finding a route costs, what loading many of them costs, and whether memory stays flat over many deploys: `npm run bench:routing`.
// In this process and on one core; no sockets.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import FindMyWay from 'find-my-way';
import { compileSnapshot, type CompileDeps } from '../src/gateway/compile.ts';
import { createRouter, isMethod, type Route } from '../src/gateway/router.ts';
import { checkSnapshot, type GatewayConfig, type SnapshotConfig } from '../src/gateway/snapshot.ts';
import { createServices } from '../src/gateway/upstream/services.ts';
import { systemClock } from '../src/lib/clock.ts';
import { Sweep } from '../src/lib/sweep.ts';
import { policies } from '../src/policies/index.ts';
import { listGitHubRoutes } from './github-routes.ts';

const ROUNDS = 300;
const REQUESTS = 4096;
const DEPLOYS = 10_000;

interface Leaf {
  readonly name: string;
}

function main(): void {
  console.log('a look-up, best of many rounds, in nanoseconds:');
  const ten = measureLookUps('10 endpoints of 1 gateway', toRoutes(makeGateways(1, 10)));
  const many = measureLookUps('10,000 endpoints of 1,000 gateways', toRoutes(makeGateways(1000, 10)));
  console.log(`  10,000 endpoints cost ${(many / ten).toFixed(2)} times what 10 cost`);
  const github = listGitHubRoutes();
  measureLookUps(
    `${github.length} endpoints of GitHub's API`,
    github.map(({ method, path }) => ({ method, path, value: { name: path } })),
  );

  console.log(
    '\nloading 10,000 endpoints of 1,000 gateways, each with three policies, in milliseconds (and of processor time):',
  );
  const config = { version: 1, gateways: makeGateways(1000, 10) };
  for (const round of ['the first time', 'again', 'again', 'again']) measureLoading(config, round);

  measureMemory();
}

/** The mean of a pass over many paths, the best of all passes: what other processes take from the core counts in none of them. */
function measureLookUps(name: string, routes: readonly Route<Leaf>[]): number {
  const router = createRouter(routes);
  const peer = FindMyWay({ caseSensitive: true });
  for (const { method, path } of routes) peer.on(method, path.replaceAll(/\{(\w+)\}/g, ':$1'), () => {});
  const requests = makeRequests(routes);
  const ours = timePasses(() => {
    for (const request of requests) if ('miss' in router.find(request)) throw new Error(request.path);
  });
  const theirs = timePasses(() => {
    for (const { method, path } of requests) if (peer.find(method, path) === null) throw new Error(path);
  });
  console.log(`  ${name}: ${ours.toFixed(0)} (find-my-way: ${theirs.toFixed(0)})`);
  return ours;
}

function timePasses(pass: () => void): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    pass();
    best = Math.min(best, performance.now() - begin);
  }
  return (best / REQUESTS) * 1e6;
}

const NO_HEADERS: readonly string[] = [];

/** Paths that lead all over the table, as strings that came off a wire: known to no cache of the engine. */
function makeRequests(routes: readonly Route<Leaf>[]) {
  return Array.from({ length: REQUESTS }, (_, i) => {
    const route = routes[(i * 7919) % routes.length];
    if (route === undefined) throw new Error('no routes');
    const path = route.path.replaceAll(/\{\w+\}/g, `v${i}`).replace('*', `rest/of/${i}`);
    return { method: route.method, path: Buffer.from(path).toString('latin1'), host: undefined, headers: NO_HEADERS };
  });
}

function measureLoading(config: SnapshotConfig, round: string): void {
  const deps = createDeps();
  const usage = process.cpuUsage();
  const begin = performance.now();
  if (checkSnapshot(config, policies).length > 0) throw new Error('the configuration of the benchmark is refused');
  deps.services.settle(compileSnapshot(config, deps).plans);
  const elapsed = performance.now() - begin;
  const { user, system } = process.cpuUsage(usage);
  console.log(`  ${round}: ${elapsed.toFixed(0)} (${((user + system) / 1000).toFixed(0)})`);
}

function measureMemory(): void {
  const collect = exposeCollector();
  const deps = createDeps();
  const config = { version: 1, gateways: makeGateways(10, 10) };
  let live = compileSnapshot(config, deps);
  deps.services.settle(live.plans);
  const deploy = (version: number): void => {
    const next = structuredClone({ ...config, version });
    if (checkSnapshot(next, policies).length > 0) throw new Error('the configuration of the benchmark is refused');
    live = compileSnapshot(next, deps);
    deps.services.settle(live.plans);
  };
  const heap = (): number => {
    collect();
    return process.memoryUsage().heapUsed / 1024 / 1024;
  };
  for (let i = 0; i < DEPLOYS / 10; i++) deploy(i);
  const before = heap();
  for (let i = 0; i < DEPLOYS; i++) deploy(i);
  console.log(
    `\nheap after ${DEPLOYS.toLocaleString('en')} deploys of ${live.plans.length} endpoints: ${heap().toFixed(1)} MB, before ${before.toFixed(1)} MB`,
  );
}

/** The engine's own, which it hands out only when it was told to. */
function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('the engine gives no collector');
  return () => void Reflect.apply(collect, undefined, []);
}

function createDeps(): CompileDeps {
  return {
    credentials: { recall: () => undefined, find: () => undefined },
    limiter: {
      prepare: (_group, checks) => ({ checks }),
      take: () => ({ outcome: 'admitted', atMs: 0, standings: [], release: undefined }),
      peek: () => [],
      refund: () => {},
    },
    limits: { address: [], ipv6Bits: 64, onFailure: 'deny', refundsFailures: true },
    usage: { record: () => undefined },
    clock: systemClock,
    countries: { find: () => undefined },
    rehash: () => undefined,
    onQuota: () => undefined,
    threads: 1,
    secretsKey: new Uint8Array(32),
    hmacSecret: '',
    previousHmacSecret: undefined,
    services: createServices({
      transport: { retain: () => {} },
      reach: () => {},
      check: () => {},
      random: Math.random,
      onNews: () => {},
      sweep: new Sweep(() => systemClock.monotonicMs()),
    }),
    controlToken: '',
    policies,
  };
}

function toRoutes(gateways: readonly GatewayConfig[]): Route<Leaf>[] {
  return gateways.flatMap(({ routePrefix, endpoints }) =>
    endpoints.flatMap(({ method, path }) =>
      isMethod(method) ? [{ method, path: routePrefix + path, value: { name: path } }] : [],
    ),
  );
}

function makeGateways(count: number, endpoints: number): GatewayConfig[] {
  return Array.from({ length: count }, (_, g) => ({
    id: `gw_${g}`,
    tenantId: 'ten_1',
    name: `gateway ${g}`,
    routePrefix: `/g${g}`,
    services: [{ name: 'service', targets: [{ url: `http://10.0.${g >> 8}.${g & 255}:8080` }], stripPrefix: false }],
    endpoints: Array.from({ length: endpoints }, (__, e) => ({
      id: `ep_${g}_${e}`,
      method: 'GET',
      path: `/things/{id}/part${e}`,
      service: 'service',
      timeoutMs: 30_000,
      policies: [
        { name: 'api-key', config: {} },
        { name: 'scopes', config: { required: ['things:read'] } },
        { name: 'rate-limit', config: { endpoint: null } },
      ],
    })),
  }));
}

main();
