// A gateway's draft as the data plane reads it. Pure.

import type { EndpointConfig, GatewayConfig, ServiceConfig } from '../../gateway/snapshot.ts';
import type { Fault } from '../../lib/problem.ts';
import { toEndpointFields, type EndpointFields } from './endpoint-columns.ts';
import type { EndpointRow } from './endpoint-store.ts';
import { toGatewayFields, type GatewayFields } from './gateway-columns.ts';
import type { GatewayRow } from './store.ts';
import { DEFAULT_VERSION_HEADER, toEndpointPolicies, toGatewayPolicies } from './to-policies.ts';
import { heaviestOf, toTraffic, trafficFaults } from './traffic-config.ts';
import { healthCheckFaults, timeoutMsOf, toResilience, toTargets } from './upstream-config.ts';

/** A gateway as it is meant, whether it stands in the database or not. */
export interface MeantGateway extends GatewayFields {
  readonly id: string;
  readonly tenantId: string;
}

export interface MeantEndpoint extends EndpointFields {
  readonly id: string;
  /** When `deprecated` became true. */
  readonly deprecatedSince: Date | null;
  /** Where it stands, for faults in the caller's terms: `endpoints[3]`. */
  readonly place: string;
}

export interface Draft {
  readonly config: GatewayConfig;
  /** What stands in the way of a configuration at all. */
  readonly faults: readonly Fault[];
  /** Whence each endpoint and each service of the configuration came, for faults in the caller's terms. */
  readonly origins: { readonly endpoints: readonly Origin[]; readonly services: readonly Origin[] };
}

export interface Origin {
  /** `endpoints[3]`; `upstreamServices[0]`; `endpoints[3].upstreamUrl`. */
  readonly path: string;
  /** `GET /users/{id}`, or the name of the service. */
  readonly title: string;
}

/** Of rows: endpoints in the order in which they were made, counted among all of the gateway unless their places are told. */
export function toRowsDraft(
  gateway: GatewayRow,
  endpoints: readonly EndpointRow[],
  placeOf: (endpoint: EndpointRow, index: number) => string = (_, i) => `endpoints[${i}]`,
): Draft {
  return toDraft(
    { ...toGatewayFields(gateway), id: gateway.id, tenantId: gateway.tenant_id },
    endpoints.map((row, i) => ({
      ...toEndpointFields(row),
      id: row.id,
      deprecatedSince: row.deprecated_since,
      place: placeOf(row, i),
    })),
  );
}

/** Endpoints that are not active are left out. */
export function toDraft(gateway: MeantGateway, endpoints: readonly MeantEndpoint[]): Draft {
  const services = gateway.upstreamServices.map((service) => toServiceConfig(gateway, service));
  const serviceOrigins = services.map(({ name }, i) => ({ path: `upstreamServices[${i}]`, title: name }));
  const configs: EndpointConfig[] = [];
  const origins: Origin[] = [];
  const faults: Fault[] = [];
  for (const endpoint of endpoints) {
    if (!endpoint.isActive) continue;
    const origin = { path: endpoint.place, title: `${endpoint.method} ${endpoint.path}` };
    const { upstreamUrl: url } = endpoint;
    if (url !== undefined && !services.some(({ name }) => name === url)) {
      // An upstreamUrl is a service of its own, named by the URL: no name of a service looks like one.
      services.push({ name: url, targets: [{ url }], stripPrefix: false, ...toResilience(gateway) });
      serviceOrigins.push({ path: `${origin.path}.upstreamUrl`, title: origin.title });
    }
    const converted = toEndpointConfig(gateway, endpoint);
    for (const { path, message } of converted.faults) {
      faults.push({ path: `${origin.path}.${path}`, message: `${origin.title}: ${message}` });
    }
    configs.push(converted.config);
    origins.push(origin);
  }
  return {
    config: { ...toGatewayConfig(gateway), services, endpoints: configs },
    faults: [...faults, ...healthCheckFaults(gateway, services)],
    origins: { endpoints: origins, services: serviceOrigins },
  };
}

function toGatewayConfig(gateway: MeantGateway): Omit<GatewayConfig, 'services' | 'endpoints'> {
  const { id, tenantId, name, hosts, version, versioning } = gateway;
  const prefix = gateway.routePrefix === '/' ? '' : gateway.routePrefix;
  const policies = toGatewayPolicies(gateway);
  return {
    id,
    tenantId,
    name,
    routePrefix: versioning?.by === 'path' ? `${prefix}/${version}` : prefix,
    ...(hosts.length > 0 && { hosts }),
    ...toVersionConfig(gateway),
    ...(policies.length > 0 && { policies }),
  };
}

function toVersionConfig({ version, versioning }: MeantGateway): Pick<GatewayConfig, 'version'> {
  if (versioning === undefined || versioning.by === 'path') return {};
  const { by, isDefault = false } = versioning;
  const name = versioning.name ?? (by === 'header' ? DEFAULT_VERSION_HEADER : 'version');
  return { version: { by, name, value: version, isDefault } };
}

function toEndpointConfig(gateway: MeantGateway, endpoint: MeantEndpoint): { config: EndpointConfig; faults: Fault[] } {
  const faults: Fault[] = [];
  const needsKey = endpoint.authRequired ?? gateway.securitySettings.authenticationRequired;
  if (!needsKey && endpoint.requiredScopes.length > 0) {
    const message = 'scopes can be asked only of callers with a key; set authRequired, or require no scopes';
    faults.push({ path: 'requiredScopes', message });
  }
  if (endpoint.goneAfterSunset && endpoint.sunsetDate === undefined) {
    faults.push({ path: 'goneAfterSunset', message: 'needs a sunsetDate' });
  }
  faults.push(...trafficFaults(endpoint, needsKey));
  const named = serviceOf(gateway, endpoint);
  const names = gateway.upstreamServices.map(({ name }) => name);
  if (named === undefined) {
    const missing = 'the gateway has no service; give it one, or the endpoint an upstreamUrl';
    faults.push({ path: 'service', message: names.length === 0 ? missing : `name one of ${names.join(', ')}` });
  }
  // Whatever else is wrong with it is told as well.
  const service = named ?? names[0] ?? '';
  const { id, method, path, traffic } = endpoint;
  const timeoutMs = (name: string): number => timeoutOf(gateway, endpoint, name);
  const config = {
    id,
    method,
    path,
    service,
    timeoutMs: timeoutMs(service),
    policies: toEndpointPolicies(gateway, endpoint, needsKey),
    ...(traffic !== undefined && { traffic: toTraffic(traffic, timeoutMs) }),
  };
  return { config, faults };
}

/** An endpoint that names none, not even by weight, has the gateway's only one. */
function serviceOf({ upstreamServices }: MeantGateway, endpoint: MeantEndpoint): string | undefined {
  const [first, second] = upstreamServices;
  return (
    endpoint.service ?? endpoint.upstreamUrl ?? heaviestOf(endpoint) ?? (second === undefined ? first?.name : undefined)
  );
}

function toServiceConfig(gateway: MeantGateway, service: GatewayFields['upstreamServices'][number]): ServiceConfig {
  const { name, targets, stripPrefix = false } = service;
  return { name, targets: toTargets(targets), stripPrefix, ...toResilience(gateway, service) };
}

/** The nearest word counts: the endpoint's, then the service's, then the gateway's. */
function timeoutOf(gateway: MeantGateway, endpoint: MeantEndpoint, service: string): number {
  if (endpoint.timeoutSeconds !== undefined) return endpoint.timeoutSeconds * 1_000;
  const named = gateway.upstreamServices.find(({ name }) => name === service);
  return (named && timeoutMsOf(named)) ?? gateway.timeoutSeconds * 1_000;
}
