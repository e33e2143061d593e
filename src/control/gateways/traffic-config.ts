// Where the requests of an endpoint go beside its service, as the data plane reads it. Pure.

import type { EndpointConfig } from '../../gateway/snapshot.ts';
import type { Fault } from '../../lib/problem.ts';
import type { EndpointFields } from './endpoint-columns.ts';

type TrafficConfig = NonNullable<EndpointConfig['traffic']>;

/** `timeoutOf`: how long a service may take to its first byte. */
export function toTraffic(
  { split, mirror }: NonNullable<EndpointFields['traffic']>,
  timeoutOf: (service: string) => number,
): TrafficConfig {
  return {
    ...(split !== undefined && {
      split: split.map(({ service, weight, when }) => ({
        service,
        timeoutMs: timeoutOf(service),
        ...(weight !== undefined && { weight }),
        ...(when !== undefined && { when: toWhen(when) }),
      })),
    }),
    ...(mirror !== undefined && { mirror: { ...mirror, timeoutMs: timeoutOf(mirror.service) } }),
  };
}

type When = NonNullable<NonNullable<NonNullable<EndpointFields['traffic']>['split']>[number]['when']>;

function toWhen({ header, clientIds }: When) {
  return {
    ...(header !== undefined && { header: { ...header, name: header.name.toLowerCase() } }),
    ...(clientIds !== undefined && { clientIds }),
  };
}

/** The one with the most weight: what an endpoint that names no service is known by. */
export function heaviestOf({ traffic }: Pick<EndpointFields, 'traffic'>): string | undefined {
  const weights = traffic?.split?.filter(({ weight }) => weight !== undefined) ?? [];
  return weights.toSorted((a, b) => (b.weight ?? 0) - (a.weight ?? 0))[0]?.service;
}

/** What a request's headers decide by: caches have to know. */
export function decidingHeaders({ traffic }: Pick<EndpointFields, 'traffic'>): string[] {
  const names = traffic?.split?.flatMap(({ when }) => when?.header?.name.toLowerCase() ?? []) ?? [];
  return [...new Set(names)];
}

/** What hangs on the endpoint or its gateway; all else is for the check of the whole. Paths are below the endpoint. */
export function trafficFaults({ service, upstreamUrl, traffic }: EndpointFields, needsKey: boolean): Fault[] {
  const faults: Fault[] = [];
  const weights = traffic?.split?.filter(({ weight }) => weight !== undefined) ?? [];
  const own = service ?? upstreamUrl;
  if (weights.length > 0 && own !== undefined && !weights.some((way) => way.service === own)) {
    const message =
      service === undefined
        ? 'weights go between services: make a service of the upstreamUrl, or say none'
        : `says no weight for ${service}, the endpoint's own service: give it one, 0 for none`;
    faults.push({ path: 'traffic.split', message });
  }
  traffic?.split?.forEach(({ when }, i) => {
    if (needsKey || when?.clientIds === undefined) return;
    const message = 'clients are known by their keys only: set authRequired';
    faults.push({ path: `traffic.split[${i}].when.clientIds`, message });
  });
  return faults;
}
