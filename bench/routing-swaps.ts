// Deploys of many endpoints to a gateway thread, quiet and under load: how long one takes, what requests feel of it, and whether any is lost.
//
// The thread and its deployer are a process of their own (routing-node.ts): there the main thread gets only what load and upstream leave of their
// core (separateThreads), so that the deployer's work takes no processor from whom it is measured by. In this process it would pass its low
// class on to every load generator that it starts.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { GET } from './cases.ts';
import { atMost, inMilliseconds, times, type Figure } from './figures.ts';
import type { Load } from './load/load.ts';
import { runOpenLoop } from './load/open-loop.ts';
import { runWrk } from './load/wrk.ts';
import { ANSWER_100, OPEN } from './routes.ts';
import { ENDPOINTS, MANY_GATEWAYS } from './routing-gateways.ts';
import type { NodePlan } from './routing-node.ts';
import { withUpstreamFirst } from './precedence.ts';
import { findFreePort, type Stage } from './stage.ts';
import { toSpread } from './statistics.ts';
import { separateThreads } from './tollgate.ts';
import type { Upstream } from './upstream.ts';

const QUIET_SWAPS = 7;
const ROUNDS = 5;
const SECONDS = 2;
const CONNECTIONS = 64;
const GOAL_MS = 500;
const GOAL_TIMES = 2;
const CORES = { proxy: 0, load: 1 };

export interface SwapsPlan {
  readonly stage: Stage;
  /** Behind the gateway that is loaded. */
  readonly upstream: Upstream;
}

export async function measureSwaps({ stage, upstream }: SwapsPlan): Promise<Figure[]> {
  const port = await findFreePort();
  const node = await startNode({ port, upstream: upstream.origin });
  try {
    const quiet: number[] = [];
    for (let i = 0; i < QUIET_SWAPS; i++) quiet.push(await node.swap());
    const { median, max } = toSpread(quiet);
    const endpoints = MANY_GATEWAYS * ENDPOINTS;
    await callEach(port);
    separateThreads(node.pid, CORES);
    return [
      atMost(
        `swapping ${endpoints} endpoints on ${MANY_GATEWAYS} gateways, none as it was (at most ${inMilliseconds(max)})`,
        median,
        GOAL_MS,
        inMilliseconds,
      ),
      ...(await measureUnderLoad({ stage, upstream }, port, node.swap)),
    ];
  } finally {
    await node.stop();
  }
}

interface RoutingNode {
  readonly pid: number;
  /** Deploys all gateways, none as it was; in milliseconds. */
  readonly swap: () => Promise<number>;
  stop(): Promise<void>;
}

async function startNode(plan: NodePlan): Promise<RoutingNode> {
  const child = fork(new URL('routing-node.ts', import.meta.url));
  const over = new AbortController();
  const gone = once(child, 'exit').finally(() => over.abort());
  const ask = async (message: NodePlan | 'swap'): Promise<number> => {
    const answered = once(child, 'message', { signal: over.signal });
    child.send(message);
    return Number((await answered)[0]);
  };
  await ask(plan);
  return {
    pid: child.pid ?? 0,
    swap: () => ask('swap'),
    async stop() {
      if (child.connected) child.disconnect();
      await gone;
    },
  };
}

/** A gateway that is in use is compiled anew after every deploy; one that was never called is not. So that all are. */
async function callEach(port: number): Promise<void> {
  for (let g = 0; g < MANY_GATEWAYS; g++) {
    const { status } = await fetch(`http://127.0.0.1:${port}/g${g}/things/1/part0`);
    if (status !== 401) throw new Error(`gateway ${g} answered ${status}: it needs a key`);
  }
}

type Swap = () => Promise<number>;

async function measureUnderLoad({ stage, upstream }: SwapsPlan, port: number, swap: Swap): Promise<Figure[]> {
  const target = { url: `http://127.0.0.1:${port}${OPEN}${ANSWER_100.path}`, headers: {} };
  const load = { request: GET, seconds: SECONDS, connections: CONNECTIONS, core: CORES.load, h2load: undefined };
  const full = (): ReturnType<typeof runWrk> => runWrk(stage, target, { ...load, kind: 'http1' } satisfies Load);

  await full(); // What is not warm yet is no usual value.
  const saturated = await full();
  const busy = await duringSwaps(full(), swap);
  const requestsPerSecond = Math.round(saturated.requests / saturated.seconds / 2);
  const paced = (): ReturnType<typeof runOpenLoop> =>
    withUpstreamFirst(upstream.pid, () =>
      runOpenLoop(stage, target, { ...load, kind: { requestsPerSecond }, requestsPerSecond }),
    );
  const usual: number[] = [];
  const swapping: number[] = [];
  let swaps = 0;
  for (let round = 0; round < ROUNDS; round++) {
    usual.push((await paced()).p99Ms ?? Number.NaN);
    const swapped = await duringSwaps(paced(), swap);
    swapping.push(swapped.result.p99Ms ?? Number.NaN);
    swaps += swapped.swaps;
  }
  const [before, during] = [toSpread(usual).median, toSpread(swapping).median];
  const rate = `${requestsPerSecond} requests a second, half of what saturates`;
  return [
    { what: `p99 at ${rate}, without deploys`, value: inMilliseconds(before), goal: '' },
    {
      what: `p99 while one deploy of all endpoints follows another, every gateway in use (${swaps} in ${ROUNDS * SECONDS} s)`,
      value: inMilliseconds(during),
      goal: '',
    },
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
