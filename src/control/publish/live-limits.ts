// What is said of limits without a deploy, put into what was deployed. Pure.

import { Value } from 'typebox/value';
import type { EndpointLimits } from '../../db/limit-schema.ts';
import type { EndpointConfig, GatewayConfig } from '../../gateway/snapshot.ts';
import type { Limit } from '../../lib/limit.ts';
import { RateLimitConfig } from '../../policies/rate-limit-config.ts';
import { inTimeZone, toLimits } from '../rate-limit.ts';

/** Of a gateway. */
export interface LiveLimits {
  /** By the ids of endpoints. */
  readonly overrides: Readonly<Record<string, EndpointLimits>> | null;
  /** Of its tenant. */
  readonly timeZone: string | null;
}

export function withLiveLimits(gateway: GatewayConfig, { overrides, timeZone }: LiveLimits): GatewayConfig {
  if (overrides === null && timeZone === null) return gateway;
  const known = new Map(Object.entries(overrides ?? {}));
  return {
    ...gateway,
    endpoints: gateway.endpoints.map((endpoint) => {
      const override = known.get(endpoint.id ?? '');
      return override === undefined && timeZone === null ? endpoint : withLimits(endpoint, override ?? {}, timeZone);
    }),
  };
}

/** A gateway that limits nothing has no such policy. */
function withLimits(endpoint: EndpointConfig, override: EndpointLimits, timeZone: string | null): EndpointConfig {
  const { id, policies } = endpoint;
  if (id === null) return endpoint;
  return {
    ...endpoint,
    policies: policies.map((use) =>
      use.name === 'rate-limit' && Value.Check(RateLimitConfig, use.config)
        ? { name: use.name, config: toConfig(id, use.config, override, timeZone) }
        : use,
    ),
  };
}

function toConfig(
  id: string,
  deployed: RateLimitConfig,
  { cost, perClient, expose, ...windows }: EndpointLimits,
  timeZone: string | null,
): RateLimitConfig {
  const finish = (limits: readonly Limit[]): Limit[] =>
    limits.map((limit) => ({ ...inTimeZone(limit, timeZone), ...(expose === false && { expose }) }));
  const named = toLimits(windows);
  const own = finish(named.length > 0 ? named : (deployed.endpoint?.windows ?? []));
  return {
    ...deployed,
    endpoint: own.length === 0 ? null : { id, windows: own },
    ...(cost !== undefined && { cost }),
    ...(perClient !== undefined && { id, perClient: finish(toLimits(perClient)) }),
  };
}
