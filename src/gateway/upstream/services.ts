// The services of a thread. They outlive the snapshots: what is known of a target stays when something else is deployed.

import type { GatewayServices, ServiceHealth } from '../ports.ts';
import type { TargetTls } from '../plan.ts';
import type { ServiceConfig } from '../snapshot.ts';
import type { Transport } from './call.ts';
import { Member } from './member.ts';
import { toTarget } from './target.ts';
import { Service, type ServiceDeps, type ServiceOwner } from './service.ts';

export interface Services {
  /** The service of a gateway, as this configuration says. */
  of(owner: ServiceOwner, config: ServiceConfig, tls?: TargetTls): Service;
  /** What these plans use is what there is from now on; all else is let go. */
  settle(plans: readonly { readonly upstream: Service }[]): void;
  /** How the services of a gateway are; those that no route uses are nobody's. */
  health(gatewayId: string): ServiceHealth[];
  /** How those of all gateways are. */
  healthOfAll(): GatewayServices[];
}

/** A service from one configuration to the next. */
interface Line {
  readonly text: string;
  readonly service: Service;
  readonly members: ReadonlyMap<string, Member>;
}

interface Wanted {
  readonly config: ServiceConfig;
  readonly tls: TargetTls | undefined;
}

export interface ServicesDeps extends ServiceDeps {
  readonly transport: Pick<Transport, 'retain'>;
}

export function createServices(deps: ServicesDeps): Services {
  let lines = new Map<string, Line>();
  let asked = new Map<string, Line>();

  function toLine(before: Line | undefined, owner: ServiceOwner, { config, tls }: Wanted): Line {
    const text = JSON.stringify(config);
    if (before?.text === text) return before;
    const members = new Map<string, Member>();
    for (const [i, { url }] of config.targets.entries()) {
      // One URL may stand there twice, as two targets.
      const own = tls === undefined ? url : `${url} ${tls.identity}`;
      const key = members.has(own) ? `${own} ${i}` : own;
      const member = before?.members.get(key) ?? new Member(toTarget(url, tls), deps.sweep, before !== undefined);
      members.set(key, member);
    }
    return { text, service: new Service({ owner, config, members: [...members.values()] }, deps), members };
  }

  return {
    of(owner, config, tls) {
      const key = `${owner.id} ${config.name}`;
      const line = toLine(asked.get(key) ?? lines.get(key), owner, { config, tls });
      asked.set(key, line);
      return line.service;
    },
    settle(plans) {
      const used = new Set(plans.map(({ upstream }) => upstream));
      const before = lines;
      lines = new Map([...before, ...asked].filter(([, { service }]) => used.has(service)));
      asked = new Map();
      const now = new Set(lines.values());
      const members = new Set([...now].flatMap(({ service }) => service.members));
      const gone = [...before.values()].filter((line) => !now.has(line));
      const known = new Set(before.values());
      for (const line of now) if (!known.has(line)) line.service.assume();
      for (const { service } of gone) service.retire(members);
      deps.transport.retain([...members]);
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
