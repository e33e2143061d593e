// What a deploy changes, as callers of the gateway see it. Pure.

import { isDeepStrictEqual } from 'node:util';
import type { GatewayConfig } from '../../gateway/snapshot.ts';
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

/** Each route with all that it does: its own configuration, that of its service, and what its gateway says for all. */
function routesOf({ endpoints, services, routePrefix, hosts, version, policies }: GatewayConfig): Map<string, unknown> {
  return new Map(
    endpoints.map((endpoint) => {
      const service = services.find(({ name }) => name === endpoint.service);
      return [`${endpoint.method} ${routePrefix}${endpoint.path}`, { endpoint, service, hosts, version, policies }];
    }),
  );
}
