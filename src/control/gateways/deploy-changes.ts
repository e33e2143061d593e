// What a deploy changes, as callers of the gateway see it. Pure.

import { isDeepStrictEqual } from 'node:util';
import type { GatewayConfig } from '../../gateway/snapshot.ts';
import type { Deployment } from './schema.ts';

/** `before` is undefined for the first deploy. Routes are written `GET /prefix/path`. */
export function toChanges(before: GatewayConfig | undefined, after: GatewayConfig): Deployment['changes'] {
  const old = before === undefined ? new Map<string, unknown>() : routesOf(before);
  const now = routesOf(after);
  return {
    added: [...now.keys()].filter((route) => !old.has(route)),
    removed: [...old.keys()].filter((route) => !now.has(route)),
    changed: [...now]
      .filter(([route, does]) => old.has(route) && !isDeepStrictEqual(old.get(route), does))
      .map(([route]) => route),
  };
}

/** Each route with all that it does: its own configuration and that of its service. */
function routesOf(config: GatewayConfig): Map<string, unknown> {
  return new Map(
    config.endpoints.map((endpoint) => {
      const service = config.services.find(({ name }) => name === endpoint.service);
      return [`${endpoint.method} ${config.routePrefix}${endpoint.path}`, { endpoint, service }];
    }),
  );
}
