// Gateways that stand in a file, or in an object, in the place of a database: what `tollgate apply` takes, and no other form.

import { policies } from '../policies/index.ts';
import { checkDeclaration, NOBODYS_TENANT_ID } from '../control/gateways/check-declaration.ts';
import type { PrivateTargets } from '../control/gateways/target-faults.ts';
import { toStatusPolicies } from '../control/publish/status-policies.ts';
import { METHODS } from '../gateway/router.ts';
import type { GatewayConfig, PathRules } from '../gateway/snapshot.ts';
import type { Fault } from '../lib/problem.ts';

/** Whose the gateways and keys are: without a database there is nobody to tell apart. */
export const TENANT_ID = NOBODYS_TENANT_ID;

/** Nothing is managed here, so nothing can be shadowed. */
const NO_MANAGEMENT: GatewayConfig = {
  id: null,
  tenantId: TENANT_ID,
  name: 'management',
  routePrefix: '',
  services: [],
  endpoints: [],
};

export interface GatewayRules {
  readonly paths: PathRules;
  readonly privateTargets: PrivateTargets;
  /** What the secrets for services are sealed under; the data plane opens them with the same. */
  readonly secretsKey: Uint8Array;
}

export interface ParsedGateways {
  readonly gateways: readonly GatewayConfig[];
  /** With paths such as `gateways[0].endpoints[2].path`. Empty when all is well. */
  readonly faults: readonly Fault[];
}

export function parseGateways(document: unknown, { paths, privateTargets, secretsKey }: GatewayRules): ParsedGateways {
  const surroundings = { policies, management: NO_MANAGEMENT, paths, privateTargets };
  const { faults, configs, gateways } = checkDeclaration(document, surroundings, secretsKey);
  const served = configs.flatMap((config, i) => {
    const { status = 'active' } = gateways[i] ?? {};
    if (status === 'inactive') return [];
    const added = toStatusPolicies(status, 0);
    return [added.length === 0 ? config : { ...config, policies: [...(config.policies ?? []), ...added] }];
  });
  return { gateways: served, faults };
}

/** What is declared when nothing but a service is named: every method and every path of it. */
export function toPassThrough(upstream: string, isOpen: boolean): object {
  return {
    gateways: [
      {
        name: 'service',
        routePrefix: '/',
        upstreamServices: [{ name: 'service', targets: [{ url: upstream }] }],
        securitySettings: { authenticationRequired: !isOpen },
        endpoints: METHODS.map((method) => ({ method, path: '/*' })),
      },
    ],
  };
}

/** The first endpoint that asks callers for a key, as `GET /orders/{id}`; undefined when none does. */
export function findGuarded(gateways: readonly GatewayConfig[]): string | undefined {
  for (const { routePrefix, endpoints } of gateways) {
    const guarded = endpoints.find((endpoint) => endpoint.policies.some(({ name }) => name === 'api-key'));
    if (guarded !== undefined) return `${guarded.method} ${routePrefix}${guarded.path}`;
  }
  return undefined;
}
