// Deploys of many endpoints to a gateway thread, quiet and under load: how long one takes, what requests feel of it, and whether any is lost.

import { randomBytes } from 'node:crypto';
import type { Worker } from 'node:worker_threads';
import type { GatewayConfig } from '../src/gateway/snapshot.ts';
import { startGateway, spawnThreads } from '../src/gateway/supervisor.ts';
import type { Supervisor } from '../src/gateway/supervision.ts';
import { createSharedCounters } from '../src/limits/shared-counters.ts';
import { USUAL_LIMITS } from '../test/harness/data-plane.ts';
import { GET } from './cases.ts';
import { atMost, inMilliseconds, times, type Figure } from './figures.ts';
import type { Load } from './load/load.ts';
import { runOpenLoop } from './load/open-loop.ts';
import { runWrk } from './load/wrk.ts';
import { ANSWER_100, OPEN } from './routes.ts';
import { makeGateways } from './routing-gateways.ts';
import { findFreePort, type Stage } from './stage.ts';
import { toSpread } from './statistics.ts';
import { separateThreads } from './tollgate.ts';

const GATEWAYS = 1000;
const ENDPOINTS = 10;
const QUIET_SWAPS = 7;
const ROUNDS = 5;
const SECONDS = 2;
const CONNECTIONS = 64;
const GOAL_MS = 500;
const GOAL_TIMES = 2;
const CORES = { proxy: 0, load: 1 };

export interface SwapsPlan {
  readonly stage: Stage;
  /** The origin of the service behind the gateway that is loaded. */
  readonly upstream: string;
}

export async function measureSwaps({ stage, upstream }: SwapsPlan): Promise<Figure[]> {
  const port = await findFreePort();
  const bench = toLoaded(upstream);
  const gateway = await startThread(spawnThreads(1), port, [bench, ...makeGateways(GATEWAYS, ENDPOINTS)]);
  let version = 0;
  const swap = async (): Promise<number> => {
    version += 1;
    const begin = performance.now();
    await gateway.publish({ version, gateways: [bench, ...makeGateways(GATEWAYS, ENDPOINTS, version)] });
    return performance.now() - begin;
  };
  try {
    const quiet: number[] = [];
    for (let i = 0; i < QUIET_SWAPS; i++) quiet.push(await swap());
    const { median, max } = toSpread(quiet);
    const endpoints = GATEWAYS * ENDPOINTS;
    return [
      atMost(
        `compiling and swapping ${endpoints} endpoints on ${GATEWAYS} gateways, none as it was (at most ${inMilliseconds(max)})`,
        median,
        GOAL_MS,
        inMilliseconds,
      ),
      ...(await measureUnderLoad(stage, port, swap)),
    ];
  } finally {
    await gateway.drain(5000);
  }
}

type Swap = () => Promise<number>;

async function measureUnderLoad(stage: Stage, port: number, swap: Swap): Promise<Figure[]> {
  separateThreads(process.pid, CORES);
  const target = { url: `http://127.0.0.1:${port}${OPEN}${ANSWER_100.path}`, headers: {} };
  const load = { request: GET, seconds: SECONDS, connections: CONNECTIONS, core: CORES.load, h2load: undefined };
  const full = (): ReturnType<typeof runWrk> => runWrk(stage, target, { ...load, kind: 'http1' } satisfies Load);

  await full(); // What is not warm yet is no usual value.
  const saturated = await full();
  const busy = await duringSwaps(full(), swap);
  const requestsPerSecond = Math.round(saturated.requests / saturated.seconds / 2);
  const paced = (): ReturnType<typeof runOpenLoop> =>
    runOpenLoop(stage, target, { ...load, kind: { requestsPerSecond }, requestsPerSecond });
  const usual: number[] = [];
  const swapping: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    usual.push((await paced()).p99Ms ?? Number.NaN);
    swapping.push((await duringSwaps(paced(), swap)).result.p99Ms ?? Number.NaN);
  }
  const [before, during] = [toSpread(usual).median, toSpread(swapping).median];
  const rate = `${requestsPerSecond} requests a second, half of what saturates`;
  return [
    { what: `p99 at ${rate}, without deploys`, value: inMilliseconds(before), goal: '' },
    { what: 'p99 while one deploy of all endpoints follows another', value: inMilliseconds(during), goal: '' },
    atMost('the same, beside that without', during / before, GOAL_TIMES, times),
    {
      what: `requests lost of ${busy.result.requests} at full load, during ${busy.swaps} deploys`,
      value: String(busy.result.errors),
      goal: '0',
      isMet: busy.result.errors === 0,
    },
  ];
}

/** One deploy after another, until the work is done. */
async function duringSwaps<Result>(work: Promise<Result>, swap: Swap): Promise<{ result: Result; swaps: number }> {
  const over = new AbortController();
  const done = work.finally(() => over.abort());
  let swaps = 0;
  for (; !over.signal.aborted; swaps++) await swap();
  return { result: await done, swaps };
}

function toLoaded(upstream: string): GatewayConfig {
  return {
    id: 'gw_bench',
    tenantId: 'ten_1',
    name: 'bench',
    routePrefix: '',
    services: [{ name: 'upstream', targets: [{ url: upstream }], stripPrefix: false }],
    endpoints: [
      {
        id: 'ep_bench',
        method: 'GET',
        path: OPEN + ANSWER_100.path,
        service: 'upstream',
        timeoutMs: 30_000,
        policies: [],
      },
    ],
  };
}

/** A gateway thread as a node has it, with nobody behind it who knows keys or keeps records. */
function startThread(
  workers: readonly Worker[],
  port: number,
  gateways: readonly GatewayConfig[],
): Promise<Supervisor> {
  const secret = randomBytes(32).toString('hex');
  return startGateway(workers, {
    log: { info: () => {}, warn: console.error, error: console.error },
    findCredential: async () => undefined,
    saveRehash: async () => {},
    writeRecords: async () => {},
    circuits: { take: () => {}, drop: () => {} },
    boot: {
      host: '127.0.0.1',
      port,
      threads: workers.length,
      hmacSecret: secret,
      previousHmacSecret: undefined,
      pseudonym: 'tollgate-bench',
      keyCache: { entries: 1000, ageMs: 300_000, awayMs: 900_000 },
      privateTargets: 'allow',
      secretsKey: randomBytes(32),
      controlToken: '',
      trustedProxies: [],
      countries: { header: undefined, database: undefined },
      limits: { ...USUAL_LIMITS, requestsPerConnection: 1_000_000_000 },
      counters: createSharedCounters({ entries: 1000, seats: 2, secret }),
      redisUrl: undefined,
      redisTimeoutMs: 1000,
      limitSettings: { address: [], ipv6Bits: 64, onFailure: 'local', refundsFailures: true },
      tls: undefined,
      snapshot: { version: 0, gateways: [...gateways] },
    },
  });
}
