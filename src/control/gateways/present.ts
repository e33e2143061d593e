// Gateways and endpoints as answers show them.

import { toEndpointFields } from './endpoint-columns.ts';
import type { Endpoint } from './endpoint-schema.ts';
import type { EndpointRow } from './endpoint-store.ts';
import { toGatewayFields } from './gateway-columns.ts';
import type { Deleted, Gateway } from './schema.ts';
import type { GatewayRow } from './store.ts';

export function toGateway(row: GatewayRow): Gateway {
  return {
    id: row.id,
    ...toGatewayFields(row),
    ...toDeployed(row),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

export function toEndpoint(row: EndpointRow): Endpoint {
  return {
    id: row.id,
    gatewayId: row.gateway_id,
    ...toEndpointFields(row),
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
