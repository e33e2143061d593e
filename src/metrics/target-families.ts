// How the targets of all gateways are, put together from what each gateway thread sees.

import type { CircuitState, GatewayServices, TargetHealth } from '../gateway/ports.ts';
import type { Family, Sample } from '../lib/exposition.ts';
import { family } from './catalogue.ts';

/** Targets with series of their own; of more, those that are fit are left to the sums. */
export const MAX_TARGETS = 2000;

const STATES: readonly CircuitState[] = ['closed', 'half_open', 'open'];

interface Seen {
  readonly labels: Sample['labels'];
  readonly views: TargetHealth[];
}

interface Target {
  readonly labels: Sample['labels'];
  readonly healthyRatio: number;
  /** By state; empty where it has no breaker. */
  readonly circuits: ReadonlyMap<CircuitState, number>;
  readonly inFlight: number;
}

/** `threads`: what each of them says. */
export function targetFamilies(threads: readonly (readonly GatewayServices[])[]): Family[] {
  const all = [...collect(threads).values()].map(toTarget);
  const shown = all.toSorted((a, b) => a.healthyRatio - b.healthyRatio).slice(0, MAX_TARGETS);
  const up = all.filter(({ healthyRatio }) => healthyRatio === 1).length;
  const down = all.filter(({ healthyRatio }) => healthyRatio === 0).length;
  return [
    family('tollgate_targets', [
      { labels: { state: 'up' }, value: up },
      { labels: { state: 'partial' }, value: all.length - up - down },
      { labels: { state: 'down' }, value: down },
    ]),
    family(
      'tollgate_target_healthy_ratio',
      shown.map(({ labels, healthyRatio }) => ({ labels, value: healthyRatio })),
    ),
    family(
      'tollgate_target_circuit_threads',
      shown
        .filter(({ circuits }) => circuits.size > 0)
        .flatMap(({ labels, circuits }) =>
          STATES.map((state) => ({ labels: { ...labels, state }, value: circuits.get(state) ?? 0 })),
        ),
    ),
    family(
      'tollgate_target_requests_in_flight',
      shown.map(({ labels, inFlight }) => ({ labels, value: inFlight })),
    ),
  ];
}

/** One URL may be two targets of a service: they share a series. */
function collect(threads: readonly (readonly GatewayServices[])[]): Map<string, Seen> {
  const seen = new Map<string, Seen>();
  for (const { gatewayId: gateway, services } of threads.flat()) {
    for (const { service, targets } of services) {
      for (const view of targets) {
        const key = `${gateway} ${service} ${view.url}`;
        const known = seen.get(key) ?? { labels: { gateway, service, target: view.url }, views: [] };
        known.views.push(view);
        seen.set(key, known);
      }
    }
  }
  return seen;
}

function toTarget({ labels, views }: Seen): Target {
  const circuits = new Map<CircuitState, number>();
  let healthy = 0;
  let inFlight = 0;
  for (const { ill, circuit, inFlight: own } of views) {
    if (ill === undefined && circuit !== 'open') healthy++;
    if (circuit !== undefined) circuits.set(circuit, (circuits.get(circuit) ?? 0) + 1);
    inFlight += own;
  }
  return { labels, healthyRatio: healthy / views.length, circuits, inFlight };
}
