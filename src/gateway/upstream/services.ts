// The services of a thread. They outlive the snapshots: what is known of a target stays when something else is deployed.

import type { Cancellable } from '../exchange.ts';
import type { GatewayServices, ServiceHealth } from '../ports.ts';
import type { TargetTls } from '../plan.ts';
import type { ServiceConfig } from '../snapshot.ts';
import type { Transport } from './call.ts';
import { Roster, type RosterDeps } from './roster.ts';
import { Service, type ServiceDeps, type ServiceOwner } from './service.ts';

export interface Services {
  /** The service of a gateway, as this configuration says. */
  of(owner: ServiceOwner, config: ServiceConfig, tls?: TargetTls): Service;
  /** One that nothing can be sent to, and that nobody has to settle. */
  none(owner: ServiceOwner): Service;
  /** What these plans use is what the gateway has from now on; all else of it is let go. */
  settle(gatewayId: string | null, plans: readonly Leading[]): void;
  /** These are the gateways that there are: the others are let go, and connections that no service has a use for any more. */
  retain(isThere: (gatewayId: string | null) => boolean): void;
  /** Whether the gateway has been settled with services. */
  has(gatewayId: string | null): boolean;
  /** How the services of a gateway are; those that no route uses are nobody's. */
  health(gatewayId: string): ServiceHealth[];
  /** How those of all gateways are. */
  healthOfAll(): GatewayServices[];
}

/** What leads to services. */
interface Leading {
  readonly upstream: Service;
  readonly traffic?: { readonly services: readonly Service[] } | undefined;
}

/** A service from one configuration to the next. */
interface Line {
  readonly text: string;
  readonly service: Service;
  readonly roster: Roster;
  /** What it hears of its names by, as long as it is served. */
  watches: readonly Cancellable[];
}

interface Wanted {
  readonly config: ServiceConfig;
  readonly tls: TargetTls | undefined;
}

export interface ServicesDeps extends ServiceDeps, RosterDeps {
  readonly sweep: ServiceDeps['sweep'];
  readonly transport: Pick<Transport, 'retain'>;
}

export function createServices(deps: ServicesDeps): Services {
  /** Of every gateway. */
  const settled = new Map<string | null, ReadonlySet<Line>>();
  /** Also of those that are still to be settled. */
  const lineOf = new WeakMap<Service, Line>();
  /** A service has been let go, and its connections may still be there. */
  let isLoose = false;

  function toLine(before: Line | undefined, owner: ServiceOwner, { config, tls }: Wanted): Line {
    const text = JSON.stringify(config);
    if (before?.text === text) return before;
    const roster = new Roster({ config, tls, before: before?.roster }, deps);
    const service = new Service({ owner, config, slots: roster.slots() }, deps);
    const line: Line = { text, service, roster, watches: [] };
    lineOf.set(service, line);
    return line;
  }

  function begin(line: Line): void {
    line.service.assume(line.roster.slots());
    line.watches = line.roster.watch(() => {
      line.service.assume(line.roster.slots());
      retainConnections();
    });
  }

  function end({ service, watches }: Line, kept: ReadonlySet<Service['members'][number]>): void {
    for (const watch of watches) watch.cancel();
    service.retire(kept);
    isLoose = true;
  }

  function retainConnections(): void {
    const lines = settled.values().flatMap((own) => own.values());
    deps.transport.retain([...new Set(lines.flatMap(({ service }) => service.members))]);
  }

  function settle(gatewayId: string | null, plans: readonly Leading[]): void {
    const before = settled.get(gatewayId) ?? new Set();
    const used = plans.flatMap(({ upstream, traffic }) => (traffic ? [upstream, ...traffic.services] : upstream));
    const now = new Set(used.flatMap((service) => lineOf.get(service) ?? []));
    if (now.size > 0) settled.set(gatewayId, now);
    else settled.delete(gatewayId);
    for (const line of now) if (!before.has(line)) begin(line);
    const members = new Set([...now].flatMap(({ service }) => service.members));
    for (const line of before) if (!now.has(line)) end(line, members);
  }

  return {
    of(owner, config, tls) {
      const before = settled
        .get(owner.id)
        ?.values()
        .find(({ service }) => service.name === config.name);
      return toLine(before, owner, { config, tls }).service;
    },
    none: (owner) => new Service({ owner, config: { name: '', targets: [], stripPrefix: false }, slots: [] }, deps),
    settle,
    retain(isThere) {
      for (const gatewayId of settled.keys()) if (!isThere(gatewayId)) settle(gatewayId, []);
      if (isLoose) retainConnections();
      isLoose = false;
    },
    has: (gatewayId) => settled.has(gatewayId),
    health: (gatewayId) => toHealth(settled.get(gatewayId)),
    healthOfAll: () =>
      [...settled].flatMap(([gatewayId, lines]) =>
        gatewayId === null ? [] : [{ gatewayId, services: toHealth(lines) }],
      ),
  };
}

function toHealth(lines: ReadonlySet<Line> = new Set()): ServiceHealth[] {
  return [...lines].map(({ service }) => service.health());
}
