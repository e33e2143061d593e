// A node for the measurement of deploys: a process of its own, with one gateway thread and whoever deploys to it. It deploys when it is told to,
// and ends when nobody is there to tell it.

import { randomBytes } from 'node:crypto';
import type { GatewayConfig } from '../src/gateway/snapshot.ts';
import type { Supervisor } from '../src/gateway/supervision.ts';
import { startGateway, spawnThreads } from '../src/gateway/supervisor.ts';
import { createSharedCounters } from '../src/limits/shared-counters.ts';
import { policies } from '../src/policies/index.ts';
import { USUAL_LIMITS } from '../test/harness/data-plane.ts';
import { ANSWER_100, OPEN } from './routes.ts';
import { ENDPOINTS, makeGateways, MANY_GATEWAYS } from './routing-gateways.ts';

export interface NodePlan {
  readonly port: number;
  /** The origin of the service behind the gateway that is loaded. */
  readonly upstream: string;
}

/** Answers when it listens; then every message is a deploy, answered with its milliseconds. */
async function serve({ port, upstream }: NodePlan): Promise<void> {
  const loaded = toLoaded(upstream);
  // Made before anything is measured, to be deployed in turn: none of the one's endpoints is as the other's.
  const first = [loaded, ...makeGateways(MANY_GATEWAYS, ENDPOINTS, 0)];
  const second = [loaded, ...makeGateways(MANY_GATEWAYS, ENDPOINTS, 1)];
  const gateway = await startThread(port, first);
  let version = 0;
  const swap = async (): Promise<number> => {
    version += 1;
    const begin = performance.now();
    await gateway.publish({ version, gateways: version % 2 === 0 ? first : second });
    return performance.now() - begin;
  };
  process.on('message', () => void swap().then((ms) => process.send?.(ms)));
  process.send?.(0);
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
function startThread(port: number, gateways: readonly GatewayConfig[]): Promise<Supervisor> {
  const workers = spawnThreads(1);
  const secret = randomBytes(32).toString('hex');
  return startGateway(workers, {
    log: { info: () => {}, warn: console.error, error: console.error },
    policies,
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

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sent by routing-swaps.ts, which alone starts this
process.once('message', (plan) => void serve(plan as NodePlan));
process.once('disconnect', () => process.exit());
