// The operations on gateways as declarations write them, and on the way of a request through what is live.

import { inTenant } from '../../db/tenant-transaction.ts';
import { operation, type Operation } from '../operation.ts';
import { IdParams } from '../schema-parts.ts';
import { applyDeclaration } from './apply.ts';
import { existingGateway, MAY_READ, MAY_UPDATE } from './changing.ts';
import { declarationFaults } from './declaration-faults.ts';
import * as schema from './declaration-schema.ts';
import { toDeclaration } from './document.ts';
import { allEndpoints } from './endpoint-store.ts';
import { ExplainQuery, Explanation } from './explain-schema.ts';
import { explain } from './explain.ts';

const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

const apply = operation(MAY_UPDATE, {
  id: 'applyDeclaration',
  method: 'POST',
  path: '/gateways/apply',
  summary: 'Make gateways what a declaration says',
  description:
    'Drafts and what is live, all or nothing. Gateways are told by their names, endpoints by method and path. Applied again, it changes nothing. Needs the permissions to create and to delete gateways where the plan does so.',
  tag: 'Declarations',
  body: schema.ApplyDeclaration,
  maxBodyBytes: MAX_DOCUMENT_BYTES,
  replies: { 200: schema.AppliedDeclaration },
  faults: ({ body }) =>
    declarationFaults(body.gateways ?? []).map(({ path, message }) => ({ path: `body.${path}`, message })),
  async handle({ body }, context) {
    const applied = await applyDeclaration(context, body);
    if (applied.isApplied && applied.plan.length > 0) await context.services.publish();
    return { status: 200, data: applied };
  },
});

const exportGateway = operation(MAY_READ, {
  id: 'exportGateway',
  method: 'GET',
  path: '/gateways/{id}/declaration',
  summary: 'Write a gateway as a declaration',
  description: 'The draft. Applied as it is, it changes nothing.',
  tag: 'Declarations',
  params: IdParams,
  replies: { 200: schema.GatewayDocument },
  async handle({ params }, { services, principal }) {
    const document = await inTenant(services.db, principal, async (trx) => {
      const gateway = await existingGateway(trx, principal, params.id);
      return toDeclaration(gateway, await allEndpoints(trx, principal, gateway.id));
    });
    return { status: 200, data: document };
  },
});

const explainRoute = operation(MAY_READ, {
  id: 'explainRequest',
  method: 'GET',
  path: '/gateways/explain',
  summary: 'Tell what would become of a request',
  description: 'By what is live: the endpoint that takes it, every policy in order, and the service. Nothing is sent.',
  tag: 'Gateways',
  query: ExplainQuery,
  replies: { 200: Explanation },
  async handle({ query }, { services, principal }) {
    const { policies } = services;
    const snapshot = await services.loadSnapshot();
    return { status: 200, data: explain(query, { snapshot, policies, tenantId: principal.tenantId }) };
  },
});

export const DECLARATION_OPERATIONS: readonly Operation[] = [apply, exportGateway, explainRoute];
