// What a deploy changes, as callers of the gateway see it. Pure.

import { isDeepStrictEqual } from 'node:util';
import type { EndpointConfig, GatewayConfig } from '../../gateway/snapshot.ts';
import type { Deployment } from './revision-schema.ts';

/** Undefined is nothing on the air. Routes are written `GET /prefix/path`. */
export function toChanges(before: GatewayConfig | undefined, after: GatewayConfig | undefined): Deployment['changes'] {
  const old = before === undefined ? new Map<string, unknown>() : routesOf(before);
  const now = after === undefined ? new Map<string, unknown>() : routesOf(after);
  return {
    added: [...now.keys()].filter((route) => !old.has(route)),
    removed: [...old.keys()].filter((route) => !now.has(route)),
    changed: [...now]
      .filter(([route, does]) => old.has(route) && !isDeepStrictEqual(old.get(route), does))
      .map(([route]) => route),
  };
}

/** Each route with all that it does: its own configuration, that of its services, and what its gateway says for all. */
function routesOf({ endpoints, services, routePrefix, hosts, version, policies }: GatewayConfig): Map<string, unknown> {
  return new Map(
    endpoints.map((endpoint) => {
      const names = namesOf(endpoint);
      const used = services.filter(({ name }) => names.has(name));
      return [`${endpoint.method} ${routePrefix}${endpoint.path}`, { endpoint, used, hosts, version, policies }];
    }),
  );
}

/** All services that its requests may come to. */
function namesOf({ service, traffic }: EndpointConfig): Set<string> {
  const { split = [], mirror } = traffic ?? {};
  return new Set([service, ...split.map((way) => way.service), ...(mirror === undefined ? [] : [mirror.service])]);
}
