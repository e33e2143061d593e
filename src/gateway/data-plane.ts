// The data plane of one thread, without its listeners: whoever puts a program together gives it its keys, its limits and its snapshots.

import { later } from '../lib/later.ts';
import { nextTurn } from '../lib/next-turn.ts';
import { Sweep } from '../lib/sweep.ts';
import { createArrival } from './arrival.ts';
import type { CompileDeps } from './compile.ts';
import { packSnapshot } from './packed-snapshot.ts';
import type { CircuitNews } from './ports.ts';
import type { Plan } from './plan.ts';
import { createPublications, type Publications } from './publications.ts';
import { createRouter } from './router.ts';
import { createRunner, type Runner } from './run.ts';
import { createServedGateways, type ServedGateways } from './served-gateways.ts';
import { createSnapshotLoader, type LoadedSnapshot } from './snapshot-loader.ts';
import type { SnapshotConfig } from './snapshot.ts';
import { createCheck } from './upstream/check.ts';
import { createForward } from './upstream/forward.ts';
import type { PrivateTargets } from './upstream/guarded-lookup.ts';
import { createOpenSocket } from './upstream/open-socket.ts';
import { createReach } from './upstream/reach.ts';
import type { ServiceDeps } from './upstream/service.ts';
import { createServices, type Services } from './upstream/services.ts';
import { createSystemNames } from './upstream/system-names.ts';
import { createTransport } from './upstream/transport.ts';

/** How long a snapshot waits for services that nobody knows the place of yet. */
const NAMES_PATIENCE_MS = 500;

const BROKEN = 'a gateway was checked and yet cannot be compiled: its requests are refused';

type Warn = (fields: Record<string, unknown>, message: string, level?: 'warn' | 'error') => void;

export interface DataPlaneOptions extends Omit<CompileDeps, 'services'> {
  /** Our name in `Via`. */
  readonly pseudonym: string;
  /** Addresses and ranges of the proxies whose word is taken for who is behind them. */
  readonly trustedProxies: readonly string[];
  /** Whether targets may stand on this machine and in private networks. */
  readonly privateTargets: PrivateTargets;
  /** Told whenever the circuit of a gateway's target changes. */
  readonly onCircuit: (news: CircuitNews) => void;
  readonly warn: Warn;
}

export interface DataPlane extends Publications {
  /** Until there is a snapshot, nothing is published. */
  readonly runner: Runner;
  readonly health: ServedGateways['health'];
  readonly healthOfAll: Services['healthOfAll'];
  /** Serves a configuration that was checked, at once. */
  serve(config: SnapshotConfig): void;
  /** Lets all services go, and closes the connections to them. */
  close(): Promise<void>;
}

export function createDataPlane(options: DataPlaneOptions): DataPlane {
  const { pseudonym, trustedProxies, privateTargets, onCircuit, warn, ...given } = options;
  const { clock } = given;
  const openSocket = createOpenSocket(privateTargets);
  const transport = createTransport(clock, openSocket);
  const sweep = new Sweep(() => clock.monotonicMs());
  const names = createSystemNames(privateTargets);
  const services = createServices({
    transport,
    names,
    reach: createReach(openSocket),
    check: createCheck(transport),
    random: Math.random,
    threads: given.threads,
    sweep,
    onNews: createNewsTeller(onCircuit, warn),
  });
  const deps: CompileDeps = { ...given, services };
  const runner = createRunner(
    { version: 0, router: createRouter<Plan>([]) },
    {
      ...deps,
      arrive: createArrival({ pseudonym, trustedProxies }),
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
    },
  );
  const served = createServedGateways({ services, clock, later });
  const swap = (snapshot: LoadedSnapshot): void => {
    runner.swap(snapshot);
    served.serve(snapshot);
  };
  const loader = createSnapshotLoader({
    ...deps,
    pause: nextTurn,
    onBroken: ({ id: gatewayId }, cause) =>
      warn({ gatewayId, stack: cause instanceof Error ? cause.stack : String(cause) }, BROKEN, 'error'),
  });
  const { publish } = createPublications(
    {
      async load(packed) {
        const loaded = await loader.load(packed);
        await names.settled(NAMES_PATIENCE_MS);
        return loaded;
      },
    },
    swap,
  );
  return {
    runner,
    publish,
    health: (gatewayId) => served.health(gatewayId),
    healthOfAll: () => services.healthOfAll(),
    serve(config) {
      const loaded = loader.loadNow(packSnapshot(config));
      if (!('router' in loaded)) throw new Error(`checked, and yet it cannot be served: ${loaded.join('; ')}`);
      swap(loaded);
    },
    async close() {
      served.close();
      sweep.stop();
      await transport.close();
    },
  };
}

function createNewsTeller(onCircuit: DataPlaneOptions['onCircuit'], warn: Warn): ServiceDeps['onNews'] {
  return ({ owner, name: service }, target, { before, now }) => {
    const { id: gatewayId, tenantId } = owner;
    if (gatewayId !== null && now.circuit !== before.circuit)
      onCircuit({ tenantId, gatewayId, service, target, state: now.circuit });
    if (now.ill === before.ill || now.circuit === 'gone') return;
    if (now.ill === undefined) warn({ gatewayId, service, target }, 'a target is well again');
    else warn({ gatewayId, service, target, reason: now.ill }, 'a target is found ill');
  };
}
