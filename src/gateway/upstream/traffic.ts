// What an endpoint says of where its requests go beside its own service, compiled.

import type { Plan } from '../plan.ts';
import type { Mirror } from './mirror.ts';
import type { Service } from './service.ts';
import { compileSplit, type Split } from './split.ts';
import type { TrafficConfig } from './traffic-config.ts';

export interface Traffic {
  /** All services that requests may come to beside the plan's own. */
  readonly services: readonly Service[];
  readonly split: Split | undefined;
  readonly mirror: Mirror | undefined;
}

/** `planOf`: the same plan with another service. */
export function compileTraffic(
  { split, mirror }: TrafficConfig,
  gatewayId: string,
  planOf: (service: string, timeoutMs: number) => Plan,
): Traffic {
  const plans: Plan[] = [];
  const collecting = (service: string, timeoutMs: number): Plan => {
    const plan = planOf(service, timeoutMs);
    plans.push(plan);
    return plan;
  };
  const compiled = {
    split: split && compileSplit(split, gatewayId, collecting),
    mirror: mirror && { plan: collecting(mirror.service, mirror.timeoutMs), share: mirror.percent / 100 },
  };
  return { ...compiled, services: plans.map(({ upstream }) => upstream) };
}
