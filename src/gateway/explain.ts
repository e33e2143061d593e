// What would become of a request, without sending it: the route that it takes, and everything that stands on the way. Pure.

import type { Policy } from './policy.ts';
import { toVersionRule } from './route-version.ts';
import { createRouter, isMethod, type Miss, type Route, type RoutedRequest } from './router.ts';
import type { EndpointConfig, GatewayConfig, PolicyUse, ServiceConfig, SnapshotConfig } from './snapshot.ts';
import { hasHeader } from './upstream/split.ts';
import { toServicePath } from './upstream/upstream-path.ts';
import { compilePathRewrite } from '../lib/path-rewrite.ts';
import { STAGES } from './stages.ts';

/** A route of the configuration, and the policies that it meets, in the order in which they run. */
export interface Explained {
  readonly gateway: GatewayConfig;
  readonly endpoint: EndpointConfig;
  readonly policies: readonly (PolicyUse & { readonly stage: string })[];
}

/** For a configuration that was checked. */
export function explainRequest(
  config: SnapshotConfig,
  policies: readonly Policy[],
  request: RoutedRequest,
): Explained | Miss<Explained> {
  const routes = config.gateways.flatMap((gateway) => toRoutes(gateway, policies));
  return createRouter(routes, config.paths).find(request);
}

/** Which services may get the request, as far as its headers tell: one alone, or those that weights, and the caller's client, decide among. */
export function explainServices({ service, traffic }: EndpointConfig, headers: readonly string[]): string[] {
  const names: string[] = [];
  for (const { service: name, when } of traffic?.split ?? []) {
    if (when === undefined || (when.header && !hasHeader(headers, when.header.name, when.header.value))) continue;
    names.push(name);
    if (when.clientIds === undefined) return names;
  }
  const weighed = traffic?.split?.filter(({ weight = 0 }) => weight > 0) ?? [];
  return [...new Set([...(weighed.length === 0 ? [service] : weighed.map((way) => way.service)), ...names])];
}

/** The path that the service gets, below that of its target; undefined for one that it must not get. */
export function explainPath(path: string, { routePrefix }: GatewayConfig, service: ServiceConfig): string | undefined {
  const rewrite = service.pathRewrite && compilePathRewrite(service.pathRewrite);
  return toServicePath(path, service.stripPrefix ? routePrefix.length : 0, rewrite);
}

function toRoutes(gateway: GatewayConfig, policies: readonly Policy[]): Route<Explained>[] {
  const { routePrefix, hosts = [undefined] } = gateway;
  const version = toVersionRule(gateway.version);
  return gateway.endpoints.flatMap((endpoint) => {
    const { method, path } = endpoint;
    if (!isMethod(method)) return [];
    const uses = [...(gateway.policies ?? []), ...endpoint.policies];
    const value = { gateway, endpoint, policies: inOrder(uses, policies) };
    const isReserved = gateway.id === null;
    return hosts.map((host) => ({ method, path: routePrefix + path, host, version, isReserved, value }));
  });
}

function inOrder(uses: readonly PolicyUse[], policies: readonly Policy[]): Explained['policies'] {
  return uses
    .map((use) => {
      const stage = policies.find(({ name }) => name === use.name)?.stage ?? 'guard';
      return { ...use, stage };
    })
    .toSorted((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage));
}
