// The way of a request through what is served, told to whoever may know of it. Pure.

import { explainPath, explainRequest, explainServices, type Explained } from '../../gateway/explain.ts';
import type { Policy } from '../../gateway/policy.ts';
import type { EndpointConfig, GatewayConfig, ServiceConfig, SnapshotConfig } from '../../gateway/snapshot.ts';
import { explainOrigin } from './explain-cors.ts';
import type { ExplainQuery, Explanation } from './explain-schema.ts';

export interface Explaining {
  readonly snapshot: SnapshotConfig;
  readonly policies: readonly Policy[];
  /** Whose gateways may be told of. */
  readonly tenantId: string;
}

export function explain(query: ExplainQuery, { snapshot, policies, tenantId }: Explaining): Explanation {
  const method = query.method ?? 'GET';
  const found = explainRequest(snapshot, policies, {
    method,
    path: query.path,
    host: query.host,
    headers: toHeaders(query),
  });
  const what = `${method} ${query.path}`;
  if (!('miss' in found)) {
    if (!isOfTenant(found, tenantId)) return foreign();
    return isPreflightFor(found, query) ? preflight(found, query) : forwarded(found, query);
  }
  switch (found.miss) {
    case 'ambiguous':
      return refused(400, 'The path could be read in two ways: it has dot segments, or is not well-formed.');
    case 'moved':
      return { ...refused(308, `Callers are sent to ${found.path}.`), outcome: 'answered' };
    case 'not-found':
      return refused(404, `Nothing is published at ${what}.`);
    case 'version':
    case 'method':
    case 'options':
      if (found.near !== undefined && !isOfTenant(found.near, tenantId)) return foreign();
  }
  const near = found.near;
  if (near !== undefined && isPreflightFor(near, query)) return preflight(near, query);
  const context = near === undefined ? {} : { gateway: toGateway(near), policies: guardsOf(near) };
  switch (found.miss) {
    case 'version': {
      const offered = found.offered.map(({ by, name, value }) => `${value} (${by} ${name})`).join(', ');
      return { ...refused(400, `The path has other versions: ${offered}.`), ...context };
    }
    case 'method':
      return { ...refused(405, `The path answers ${found.allowed.join(', ')}.`), ...context };
    case 'options': {
      const detail = `The gateway answers with Allow: ${found.allowed.join(', ')}.`;
      return { ...refused(204, detail), ...context, outcome: 'answered' };
    }
  }
}

function forwarded(found: Explained, query: ExplainQuery): Explanation {
  const { gateway, endpoint, policies } = found;
  const { method, path, traffic } = endpoint;
  const names = explainServices(endpoint, toHeaders(query));
  // Of several, the one that the endpoint is known by stands for all.
  const name = names.find((one) => one === endpoint.service) ?? names[0];
  const service = gateway.services.find((candidate) => candidate.name === name);
  const way = traffic?.split?.find((candidate) => candidate.service === name);
  const whose = gateway.id === null ? 'the management API' : `gateway ${gateway.name}`;
  const which = names.length > 1 ? `one of the services ${names.join(', ')}` : `the service ${name}`;
  return {
    outcome: 'forwarded',
    detail: `Goes to ${which} of ${whose}.${explainOrigin(gateway, toHeaders(query))}`,
    gateway: toGateway(found),
    endpoint: { ...(endpoint.id !== null && { id: endpoint.id }), method, path: gateway.routePrefix + path },
    policies: [...policies],
    ...(service !== undefined && {
      service: { ...toService(service, gateway, query.path), timeoutMs: way?.timeoutMs ?? endpoint.timeoutMs },
    }),
    ...(traffic !== undefined && { traffic: toTraffic(traffic) }),
  };
}

function toTraffic({ split, mirror }: NonNullable<EndpointConfig['traffic']>) {
  return {
    ...(split !== undefined && { split: split.map(({ timeoutMs: _timeoutMs, ...way }) => way) }),
    ...(mirror !== undefined && { mirror: { service: mirror.service, percent: mirror.percent } }),
  };
}

function toService(service: ServiceConfig, gateway: GatewayConfig, publicPath: string) {
  const { name, targets, stripPrefix, loadBalancingStrategy = 'round_robin', retry, circuitBreaker } = service;
  const path = explainPath(publicPath, gateway, service);
  return {
    name,
    targets: targets.map(({ url }) => (url.startsWith('unix:') ? 'the control plane' : url)),
    weights: targets.map(({ weight = 1 }) => weight),
    loadBalancingStrategy,
    stripPrefix,
    ...(path !== undefined && { path }),
    retries: retry?.attempts ?? 0,
    ...(circuitBreaker !== undefined && { circuitBreaker }),
  };
}

function refused(status: number, detail: string): Explanation {
  return { outcome: 'refused', status, detail, policies: [] };
}

/** Guards are entered before anything else is asked, so that a preflight needs no key, no version and no endpoint. */
function preflight(found: Explained, query: ExplainQuery): Explanation {
  const what = 'It is a preflight: the gateway answers it as `cors` says, and the service never sees it.';
  const detail = what + explainOrigin(found.gateway, toHeaders(query));
  return { outcome: 'answered', status: 204, detail, gateway: toGateway(found), policies: guardsOf(found) };
}

function isPreflightFor({ gateway }: Explained, query: ExplainQuery): boolean {
  if (query.method !== 'OPTIONS' || gateway.policies?.some(({ name }) => name === 'cors') !== true) return false;
  const names = new Set(toHeaders(query).map((text, i) => (i % 2 === 0 ? text.toLowerCase() : '')));
  return names.has('origin') && names.has('access-control-request-method');
}

/** Another tenant's gateways are nobody's business; that the place is taken shows from outside anyway. */
function foreign(): Explanation {
  return { outcome: 'forwarded', detail: 'Belongs to a gateway that is not yours.', policies: [] };
}

function isOfTenant({ gateway }: Explained, tenantId: string): boolean {
  return gateway.id === null || gateway.tenantId === tenantId;
}

function toGateway({ gateway }: Explained): { id?: string; name: string } {
  return { ...(gateway.id !== null && { id: gateway.id }), name: gateway.name };
}

function guardsOf({ gateway, policies }: Explained): Explanation['policies'] {
  return policies.filter(({ stage }) => stage === 'guard').slice(0, gateway.policies?.length ?? 0);
}

function toHeaders({ header = [] }: ExplainQuery): string[] {
  const lines = typeof header === 'string' ? [header] : header;
  return lines.flatMap((line) => {
    const colon = line.indexOf(':');
    return colon < 0 ? [line, ''] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
}
