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
  /** What these plans use is what there is from now on; all else is let go. */
  settle(plans: readonly Leading[]): void;
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
  let lines = new Map<string, Line>();
  let asked = new Map<string, Line>();

  function toLine(before: Line | undefined, owner: ServiceOwner, { config, tls }: Wanted): Line {
    const text = JSON.stringify(config);
    if (before?.text === text) return before;
    const roster = new Roster({ config, tls, before: before?.roster }, deps);
    return { text, service: new Service({ owner, config, slots: roster.slots() }, deps), roster, watches: [] };
  }

  function begin(line: Line): void {
    line.service.assume(line.roster.slots());
    line.watches = line.roster.watch(() => {
      line.service.assume(line.roster.slots());
      retain();
    });
  }

  function end({ service, watches }: Line, kept: ReadonlySet<Service['members'][number]>): void {
    for (const watch of watches) watch.cancel();
    service.retire(kept);
  }

  function retain(): void {
    deps.transport.retain([...new Set(lines.values().flatMap(({ service }) => service.members))]);
  }

  return {
    of(owner, config, tls) {
      const key = `${owner.id} ${config.name}`;
      const line = toLine(asked.get(key) ?? lines.get(key), owner, { config, tls });
      asked.set(key, line);
      return line.service;
    },
    settle(plans) {
      const used = new Set(
        plans.flatMap(({ upstream, traffic }) => (traffic ? [upstream, ...traffic.services] : upstream)),
      );
      const before = lines;
      lines = new Map([...before, ...asked].filter(([, { service }]) => used.has(service)));
      asked = new Map();
      const now = new Set(lines.values());
      const gone = [...before.values()].filter((line) => !now.has(line));
      const known = new Set(before.values());
      for (const line of now) if (!known.has(line)) begin(line);
      const members = new Set([...now].flatMap(({ service }) => service.members));
      for (const line of gone) end(line, members);
      retain();
    },
    health: (gatewayId) =>
      [...lines.values()]
        .filter(({ service }) => service.owner.id === gatewayId)
        .map(({ service }) => service.health()),
    healthOfAll: () =>
      [...Map.groupBy(lines.values(), ({ service }) => service.owner.id)].flatMap(([gatewayId, own]) =>
        gatewayId === null ? [] : [{ gatewayId, services: own.map(({ service }) => service.health()) }],
      ),
  };
}
