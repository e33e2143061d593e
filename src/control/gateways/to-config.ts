// A gateway's draft as the data plane reads it. Pure.

import type { UpstreamService } from '../../db/schema.ts';
import type { EndpointConfig, GatewayConfig, ServiceConfig } from '../../gateway/snapshot.ts';
import type { Fault } from '../../lib/problem.ts';
import { toWindowLimits } from '../rate-limit.ts';
import type { EndpointRow } from './endpoint-store.ts';
import type { GatewayRow } from './store.ts';

export interface Draft {
  readonly config: GatewayConfig;
  /** What stands in the way of a configuration at all. */
  readonly faults: readonly Fault[];
  /** Whence each endpoint and each service of the configuration came, for faults in the caller's terms. */
  readonly origins: { readonly endpoints: readonly Origin[]; readonly services: readonly Origin[] };
}

export interface Origin {
  /** `endpoints[3]`, counted among all endpoints of the gateway; `upstreamServices[0]`; `endpoints[3].upstreamUrl`. */
  readonly path: string;
  /** `GET /users/{id}`, or the name of the service. */
  readonly title: string;
}

/** Endpoints in the order in which they were made; those that are not active are left out. */
export function toDraft(gateway: GatewayRow, endpoints: readonly EndpointRow[]): Draft {
  const services = gateway.upstream_services.map(toServiceConfig);
  const serviceOrigins = services.map(({ name }, i) => ({ path: `upstreamServices[${i}]`, title: name }));
  const configs: EndpointConfig[] = [];
  const origins: Origin[] = [];
  const faults: Fault[] = [];
  for (const [i, endpoint] of endpoints.entries()) {
    if (!endpoint.is_active) continue;
    const origin = { path: `endpoints[${i}]`, title: `${endpoint.method} ${endpoint.path}` };
    const url = endpoint.upstream_url;
    if (url !== null && !services.some(({ name }) => name === url)) {
      // An upstreamUrl is a service of its own, named by the URL: no name of a service looks like one.
      services.push({ name: url, targets: [{ url }], stripPrefix: false });
      serviceOrigins.push({ path: `${origin.path}.upstreamUrl`, title: origin.title });
    }
    const converted = toEndpointConfig(gateway, endpoint);
    faults.push(
      ...converted.faults.map(({ path, message }) => ({
        path: `${origin.path}.${path}`,
        message: `${origin.title}: ${message}`,
      })),
    );
    if (converted.config === undefined) continue;
    configs.push(converted.config);
    origins.push(origin);
  }
  const { id, tenant_id: tenantId, name, route_prefix: routePrefix } = gateway;
  return {
    config: { id, tenantId, name, routePrefix, services, endpoints: configs },
    faults,
    origins: { endpoints: origins, services: serviceOrigins },
  };
}

function toEndpointConfig(
  gateway: GatewayRow,
  endpoint: EndpointRow,
): { config: EndpointConfig | undefined; faults: Fault[] } {
  const faults: Fault[] = [];
  const needsKey = endpoint.auth_required ?? gateway.security_settings.authenticationRequired;
  if (!needsKey && endpoint.required_scopes.length > 0) {
    const message = 'scopes can be asked only of callers with a key; set authRequired, or require no scopes';
    faults.push({ path: 'requiredScopes', message });
  }
  const service = serviceOf(gateway, endpoint);
  if (service === undefined) {
    const known = gateway.upstream_services.map(({ name }) => name).join(', ');
    const message =
      known === '' ? 'the gateway has no service; give it one, or the endpoint an upstreamUrl' : `name one of ${known}`;
    return { config: undefined, faults: [...faults, { path: 'service', message }] };
  }
  const { id, method, path } = endpoint;
  const policies = toPolicies(gateway, endpoint, needsKey);
  return { config: { id, method, path, service, timeoutMs: timeoutOf(gateway, endpoint, service), policies }, faults };
}

/** An endpoint that names none has the gateway's only one. */
function serviceOf(gateway: GatewayRow, endpoint: EndpointRow): string | undefined {
  const [first, second] = gateway.upstream_services;
  return endpoint.service ?? endpoint.upstream_url ?? (second === undefined ? first?.name : undefined);
}

function toServiceConfig({ name, targets, stripPrefix }: UpstreamService): ServiceConfig {
  return { name, targets: targets.map(({ url }) => ({ url })), stripPrefix: stripPrefix ?? false };
}

/** The nearest word counts: the endpoint's, then the service's, then the gateway's. */
function timeoutOf(gateway: GatewayRow, endpoint: EndpointRow, service: string): number {
  if (endpoint.timeout_seconds !== null) return endpoint.timeout_seconds * 1_000;
  return gateway.upstream_services.find(({ name }) => name === service)?.timeout ?? gateway.timeout_seconds * 1_000;
}

function toPolicies(gateway: GatewayRow, endpoint: EndpointRow, needsKey: boolean): EndpointConfig['policies'] {
  const policies: EndpointConfig['policies'] = [];
  if (needsKey) policies.push({ name: 'api-key', config: {} }, { name: 'client', config: {} });
  if (endpoint.required_scopes.length > 0)
    policies.push({ name: 'scopes', config: { required: endpoint.required_scopes } });
  const own = endpoint.rate_limit === null ? null : { id: endpoint.id, windows: toWindowLimits(endpoint.rate_limit) };
  // Without a key there is nobody's limit to count but the endpoint's own.
  if (gateway.security_settings.rateLimitingEnabled && (needsKey || own !== null)) {
    policies.push({ name: 'rate-limit', config: { endpoint: own } });
  }
  return policies;
}
