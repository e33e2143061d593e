// How the services behind a gateway are.

import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import { operation, type Operation } from '../operation.ts';
import { IdParams } from '../schema-parts.ts';
import { GatewayHealth } from './health-schema.ts';
import { toGatewayHealth } from './present-health.ts';
import { findGateway } from './store.ts';

const getGatewayHealth = operation(['admin:gateways:read', 'gateways:read'], {
  id: 'getGatewayHealth',
  method: 'GET',
  path: '/gateways/{id}/health',
  summary: 'See how the services of a gateway are',
  description: 'As the threads of the node that answers find them now. Each thread looks for itself.',
  tag: 'Gateways',
  params: IdParams,
  replies: { 200: GatewayHealth },
  async handle({ params }, { services, principal }) {
    const row = await inTenant(services.db, principal, (trx) => findGateway(trx, principal, params.id));
    if (row === undefined) throw new Problem('not_found', { detail: 'There is no gateway with this id.' });
    return { status: 200, data: toGatewayHealth(row.id, await services.dataPlane.health(row.id)) };
  },
});

export const GATEWAY_HEALTH_OPERATIONS: readonly Operation[] = [getGatewayHealth];
