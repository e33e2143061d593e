// Gateways and endpoints as answers show them.

import type { EndpointRow } from './endpoint-store.ts';
import type { Deleted, Endpoint, Gateway } from './schema.ts';
import type { GatewayRow } from './store.ts';

export function toGateway(row: GatewayRow): Gateway {
  return {
    id: row.id,
    name: row.name,
    ...(row.description !== null && { description: row.description }),
    ...(row.base_url !== null && { baseUrl: row.base_url }),
    version: row.version,
    routePrefix: row.route_prefix === '' ? '/' : row.route_prefix,
    upstreamServices: row.upstream_services.map(({ targets, ...service }) => ({
      ...service,
      targets: targets.map(({ url }) => ({ url })),
    })),
    loadBalancingStrategy: row.load_balancing_strategy,
    securitySettings: row.security_settings,
    timeoutSeconds: row.timeout_seconds,
    status: row.status,
    ...toDeployed(row),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

export function toDeleted(id: string): Deleted {
  return { id, deleted: true };
}

function toDeployed(row: GatewayRow): Pick<Gateway, 'deployed'> {
  const { deployed_revision_id: revisionId, deployed_number: revision, deployed_at: deployedAt } = row;
  if (revisionId === null || revision === null || deployedAt === null) return {};
  return { deployed: { revision, revisionId, deployedAt: deployedAt.toISOString() } };
}

export function toEndpoint(row: EndpointRow): Endpoint {
  return {
    id: row.id,
    gatewayId: row.gateway_id,
    method: row.method,
    path: row.path,
    ...(row.operation_id !== null && { operationId: row.operation_id }),
    ...(row.summary !== null && { summary: row.summary }),
    ...(row.description !== null && { description: row.description }),
    tags: row.tags,
    ...(row.service !== null && { service: row.service }),
    ...(row.upstream_url !== null && { upstreamUrl: row.upstream_url }),
    ...(row.timeout_seconds !== null && { timeoutSeconds: row.timeout_seconds }),
    ...(row.auth_required !== null && { authRequired: row.auth_required }),
    requiredScopes: row.required_scopes,
    ...(row.rate_limit !== null && { rateLimit: row.rate_limit }),
    isActive: row.is_active,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
