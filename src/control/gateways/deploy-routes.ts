// The operations on what is live: deploys, revisions, differences, and the way back.

import { Type } from 'typebox';
import { inTenant } from '../../db/tenant-transaction.ts';
import { operation, type Operation } from '../operation.ts';
import { pagingFaults, toPaging, type Sort } from '../paging.ts';
import { IdParams } from '../schema-parts.ts';
import { authorOf, changing, existingGateway, MAY_READ, MAY_UPDATE } from './changing.ts';
import { deployGateway } from './deploy.ts';
import * as schema from './revision-schema.ts';
import { listRevisions } from './revision-store.ts';
import { compareSides, existingRevision, rollBack, toRevision, toRevisionEntry } from './revisions.ts';
import { recordDeployment } from './trail.ts';

const deploy = operation(MAY_UPDATE, {
  id: 'deployGateway',
  method: 'POST',
  path: '/gateways/{id}/deploy',
  summary: 'Put a gateway on the air',
  description:
    'Checks the whole draft, keeps it as a revision, and answers when every thread of this node serves it; other nodes follow within a second. Refused, what was live stays.',
  tag: 'Deploys',
  params: IdParams,
  replies: { 200: schema.Deployment },
  async handle({ params }, context) {
    const deployment = await changing(context, async (trx) => {
      const gateway = await existingGateway(trx, context.principal, params.id);
      const made = await deployGateway(trx, authorOf(context), gateway, context.services);
      await recordDeployment(trx, context, gateway, made);
      return made;
    });
    await context.services.publish();
    return { status: 200, data: deployment };
  },
});

const listAllRevisions = operation(MAY_READ, {
  id: 'listRevisions',
  method: 'GET',
  path: '/gateways/{id}/revisions',
  summary: 'List what was deployed',
  tag: 'Deploys',
  params: IdParams,
  query: schema.ListRevisions,
  replies: { 200: Type.Array(schema.RevisionEntry) },
  isList: true,
  faults: ({ query }) => pagingFaults(query, sortOf(query)),
  async handle({ params, query }, { services, principal }) {
    const sort = sortOf(query);
    const listing = { order: sort.order, paging: toPaging(query, sort) };
    const { gateway, page } = await inTenant(services.db, principal, async (trx) => {
      const existing = await existingGateway(trx, principal, params.id);
      return { gateway: existing, page: await listRevisions(trx, principal, existing.id, listing) };
    });
    return { status: 200, data: page.rows.map((row) => toRevisionEntry(row, gateway)), meta: page.meta };
  },
});

const getRevision = operation(MAY_READ, {
  id: 'getRevision',
  method: 'GET',
  path: '/gateways/{id}/revisions/{revision}',
  summary: 'Look at a revision',
  description: 'With the routes that it changed, and the draft that it was made of.',
  tag: 'Deploys',
  params: schema.RevisionParams,
  replies: { 200: schema.Revision },
  async handle({ params }, { services, principal }) {
    const revision = await inTenant(services.db, principal, async (trx) => {
      const gateway = await existingGateway(trx, principal, params.id);
      return toRevision(await existingRevision(trx, principal, gateway, params.revision), gateway);
    });
    return { status: 200, data: revision };
  },
});

const diff = operation(MAY_READ, {
  id: 'diffGateway',
  method: 'GET',
  path: '/gateways/{id}/diff',
  summary: 'Compare what is live with the draft, or any two revisions',
  description: 'What a deploy of the draft would change, unless told otherwise.',
  tag: 'Deploys',
  params: IdParams,
  query: schema.DiffQuery,
  replies: { 200: schema.Difference },
  async handle({ params, query: { from = 'live', to = 'draft' } }, { services, principal }) {
    const difference = await inTenant(services.db, principal, async (trx) =>
      compareSides(trx, principal, await existingGateway(trx, principal, params.id), { from, to }),
    );
    return { status: 200, data: difference };
  },
});

const rollback = operation(MAY_UPDATE, {
  id: 'rollbackGateway',
  method: 'POST',
  path: '/gateways/{id}/rollback',
  summary: 'Bring a revision back',
  description:
    'As a new revision, checked beside what is live now. The draft stays as it is unless `restoreDraft` is true: a later deploy would put it on the air again.',
  tag: 'Deploys',
  params: IdParams,
  body: schema.Rollback,
  isBodyOptional: true,
  replies: { 200: schema.Deployment },
  async handle({ params, body }, context) {
    const deployment = await changing(context, async (trx) => {
      const gateway = await existingGateway(trx, context.principal, params.id);
      const made = await rollBack(trx, authorOf(context), gateway, { wish: body, surroundings: context.services });
      await recordDeployment(trx, context, gateway, made);
      return made;
    });
    await context.services.publish();
    return { status: 200, data: deployment };
  },
});

export const DEPLOY_OPERATIONS: readonly Operation[] = [deploy, listAllRevisions, getRevision, diff, rollback];

function sortOf(query: Partial<schema.ListRevisions>): Sort {
  return { by: 'number', order: query.sortOrder ?? 'desc' };
}
