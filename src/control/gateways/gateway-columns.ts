// What is said of a gateway: filled up with what holds where nothing is said, as columns, and back. The one place for each field. Pure.

import { toJson, toOptionalJson } from '../../db/columns.ts';
import { toRoutePrefix } from './rules.ts';
import type { CreateGateway, Gateway, UpdateGateway } from './schema.ts';
import type { GatewayChange, GatewayRow } from './store.ts';

/** Null says the same as nothing. */
export type GatewayTerms = Omit<UpdateGateway, 'name'> & Pick<CreateGateway, 'name'>;

/** All of it said. */
export type GatewayFields = Omit<Gateway, 'id' | 'deployed' | 'createdAt' | 'updatedAt'>;

export function fillGateway(terms: GatewayTerms): GatewayFields {
  const { description, baseUrl, versioning, circuitBreaker, maxConcurrentRequests, securitySettings, cors } = terms;
  const { healthCheckUrl } = terms;
  const prefix = toRoutePrefix(terms.routePrefix, terms.name);
  const { headers = {}, maxBodyBytes } = securitySettings ?? {};
  return {
    name: terms.name,
    ...(typeof description === 'string' && { description }),
    ...(typeof baseUrl === 'string' && { baseUrl }),
    version: terms.version ?? 'v1',
    ...(isGiven(versioning) && { versioning }),
    hosts: terms.hosts ?? [],
    routePrefix: prefix === '' ? '/' : prefix,
    upstreamServices: terms.upstreamServices ?? [],
    loadBalancingStrategy: terms.loadBalancingStrategy ?? 'round_robin',
    ...(isGiven(circuitBreaker) && { circuitBreaker }),
    ...(typeof maxConcurrentRequests === 'number' && { maxConcurrentRequests }),
    ...(typeof healthCheckUrl === 'string' && { healthCheckUrl }),
    securitySettings: {
      authenticationRequired: securitySettings?.authenticationRequired ?? true,
      rateLimitingEnabled: securitySettings?.rateLimitingEnabled ?? true,
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(maxBodyBytes !== undefined && { maxBodyBytes }),
    },
    ...(isGiven(cors) && { cors }),
    timeoutSeconds: terms.timeoutSeconds ?? 30,
    status: terms.status ?? 'active',
  };
}

export function toGatewayColumns(terms: GatewayTerms) {
  const fields = fillGateway(terms);
  return {
    name: fields.name,
    description: fields.description ?? null,
    base_url: fields.baseUrl ?? null,
    version: fields.version,
    versioning: toOptionalJson(fields.versioning),
    hosts: fields.hosts,
    route_prefix: fields.routePrefix === '/' ? '' : fields.routePrefix,
    upstream_services: toJson(fields.upstreamServices),
    load_balancing_strategy: fields.loadBalancingStrategy,
    circuit_breaker: toOptionalJson(fields.circuitBreaker),
    max_concurrent_requests: fields.maxConcurrentRequests ?? null,
    health_check_url: fields.healthCheckUrl ?? null,
    security_settings: toJson(fields.securitySettings),
    cors: toOptionalJson(fields.cors),
    timeout_seconds: fields.timeoutSeconds,
    status: fields.status,
  } satisfies GatewayChange;
}

export function toGatewayFields(row: GatewayRow): GatewayFields {
  return fillGateway({
    name: row.name,
    description: row.description,
    baseUrl: row.base_url,
    version: row.version,
    versioning: row.versioning,
    hosts: row.hosts,
    routePrefix: row.route_prefix === '' ? '/' : row.route_prefix,
    upstreamServices: row.upstream_services.map(({ targets, ...service }) => ({ ...service, targets: [...targets] })),
    loadBalancingStrategy: row.load_balancing_strategy,
    circuitBreaker: row.circuit_breaker,
    maxConcurrentRequests: row.max_concurrent_requests,
    healthCheckUrl: row.health_check_url,
    securitySettings: row.security_settings,
    cors: row.cors,
    timeoutSeconds: row.timeout_seconds,
    status: row.status,
  });
}

function isGiven<Value extends object>(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined;
}
