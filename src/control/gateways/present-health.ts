// What the gateway threads say of a gateway's targets, put together. Pure.

import type { ServiceHealth, TargetHealth } from '../../gateway/ports.ts';
import type { GatewayHealth } from './health-schema.ts';

type Service = GatewayHealth['services'][number];
type Target = Service['targets'][number];

/** `threads`: what each of them says. */
export function toGatewayHealth(gatewayId: string, threads: readonly (readonly ServiceHealth[])[]): GatewayHealth {
  const services = Map.groupBy(threads.flat(), ({ service }) => service)
    .entries()
    .map(([name, views]) => toService(name, views))
    .toArray();
  return { gatewayId, status: worstOf(services), threads: threads.length, services };
}

function toService(name: string, views: readonly ServiceHealth[]): Service {
  // While a deploy is under way, threads may differ in what targets there are; one URL may be there twice.
  const all = views.flatMap(({ targets }) => {
    const seen = new Map<string, number>();
    return targets.map((target) => {
      const place = `${target.url} ${target.address} ${target.port}`;
      const count = (seen.get(place) ?? 0) + 1;
      seen.set(place, count);
      return { key: `${place} ${count}`, target };
    });
  });
  const targets = [...Map.groupBy(all, ({ key }) => key).values()].map((same) =>
    toTarget(same.map(({ target }) => target)),
  );
  const called = targets.filter(({ weight }) => weight > 0);
  const isUnavailable = called.every((target) => target.status === 'down');
  const isHealthy = called.every((target) => target.status === 'up');
  return { name, status: isUnavailable ? 'unavailable' : isHealthy ? 'healthy' : 'degraded', targets };
}

function toTarget(views: readonly TargetHealth[]): Target {
  const reasons = new Set<Target['reasons'][number]>();
  let up = 0;
  let inFlight = 0;
  for (const { ill, circuit, inFlight: own } of views) {
    if (ill !== undefined) reasons.add(ill);
    if (circuit === 'open') reasons.add('circuit_open');
    if (ill === undefined && circuit !== 'open') up++;
    inFlight += own;
  }
  const circuits = new Set(views.map(({ circuit }) => circuit));
  const circuitBreaker = (['open', 'half_open', 'closed'] as const).find((state) => circuits.has(state));
  const { url = '', address, port, weight = 0 } = views[0] ?? {};
  return {
    url,
    ...(address !== undefined && { address }),
    ...(port !== undefined && { port }),
    weight: Math.round(weight * 100) / 100,
    status: up === views.length ? 'up' : up === 0 ? 'down' : 'partial',
    reasons: [...reasons],
    ...(circuitBreaker !== undefined && { circuitBreaker }),
    inFlight,
  };
}

function worstOf(services: readonly Service[]): GatewayHealth['status'] {
  if (services.length === 0) return 'off_air';
  const seen = new Set(services.map(({ status }) => status));
  return (['unavailable', 'degraded'] as const).find((status) => seen.has(status)) ?? 'healthy';
}
