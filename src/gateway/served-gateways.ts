// The gateways that a thread serves: what a swap does beside the router, and what is compiled without a request.

import type { Clock } from '../lib/clock.ts';
import type { Cancellable } from './exchange.ts';
import type { ServiceHealth } from './ports.ts';
import type { PublishedGateway } from './published-gateway.ts';
import type { LoadedSnapshot } from './snapshot-loader.ts';
import type { Services } from './upstream/services.ts';

/** The catching up takes at most one part in so many of the thread's time, and of its garbage. */
const PARTS = 100;
const LEAST_REST_MS = 1;

export interface ServedGateways {
  /** The router of the snapshot is in force from the same turn on. */
  serve(snapshot: LoadedSnapshot): void;
  /** How its services are; compiles it when nobody has called it yet. */
  health(gatewayId: string): ServiceHealth[];
  /** Nothing is served any more. */
  close(): void;
}

export interface ServedGatewaysDeps {
  readonly services: Pick<Services, 'retain' | 'has' | 'health'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly later: (callback: () => void, ms: number) => Cancellable;
}

export function createServedGateways({ services, clock, later }: ServedGatewaysDeps): ServedGateways {
  let byId: ReadonlyMap<string | null, PublishedGateway> = new Map();
  /** Gateways that are behind, the next one last. */
  let behind: PublishedGateway[] = [];
  let next: Cancellable | undefined;

  function catchUp(): void {
    const begin = clock.monotonicMs();
    const gateway = behind.pop();
    gateway?.routes();
    if (behind.length === 0) services.retain((id) => byId.has(id));
    else next = later(catchUp, Math.max(LEAST_REST_MS, (PARTS - 1) * (clock.monotonicMs() - begin)));
  }

  return {
    serve({ gateways }) {
      next?.cancel();
      // In use, and another than it was: until it is compiled, its old services go on. Or with something to do that nobody asks for.
      behind = gateways.filter(
        ({ head, isCompiled }) => !isCompiled && (head.waits === 'active' || services.has(head.id)),
      );
      byId = new Map(gateways.map((gateway) => [gateway.head.id, gateway]));
      for (const gateway of gateways) gateway.serve();
      services.retain((id) => byId.has(id));
      if (behind.length > 0) next = later(catchUp, LEAST_REST_MS);
    },
    health(gatewayId) {
      byId.get(gatewayId)?.routes();
      return services.health(gatewayId);
    },
    close() {
      next?.cancel();
      services.retain(() => false);
    },
  };
}
