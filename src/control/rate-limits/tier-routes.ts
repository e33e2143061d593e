// The operations on tiers. Everybody may know them; they are the platform's to change, for the clients of all tenants.

import type { Transaction } from 'kysely';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import { recordAudit } from '../audit/record.ts';
import { operation, type AuthorizedContext, type Operation } from '../operation.ts';
import { isOfPlatform } from '../permissions.ts';
import { rateLimitFaults } from '../rate-limit.ts';
import * as schema from './schema.ts';
import { allTiers, deleteTier, findTier, findTierUse, saveTier, type TierRow } from './store.ts';

const ONLY_PLATFORM = 'Only for operators of the default tenant.';
const MAX_TIERS = 100;
/** Who has a tier is told as far as that. */
const MAX_TOLD = 20;

const listAllTiers = operation('authenticated', {
  id: 'listRateLimitTiers',
  method: 'GET',
  path: '/rate-limits',
  summary: 'List the tiers',
  description: 'Sets of limits that clients can be given.',
  tag: 'Rate limits',
  replies: { 200: schema.Tiers },
  async handle(_input, { services, principal }) {
    const rows = await inTenant(services.db, principal, allTiers);
    return { status: 200, data: Object.fromEntries(rows.map(({ name, limits }) => [name, limits])) };
  },
});

const getTier = operation('authenticated', {
  id: 'getRateLimitTier',
  method: 'GET',
  path: '/rate-limits/tiers/{name}',
  summary: 'Look at a tier',
  tag: 'Rate limits',
  params: schema.TierParams,
  replies: { 200: schema.Tier },
  async handle({ params }, { services, principal }) {
    const row = await inTenant(services.db, principal, (trx) => findTier(trx, params.name));
    return { status: 200, data: toTier(found(row)) };
  },
});

const putTier = operation(['admin:rate-limits:update', 'rate-limits:update'], {
  id: 'putRateLimitTier',
  method: 'PUT',
  path: '/rate-limits/tiers/{name}',
  summary: 'Make a tier, or change it',
  description: `${ONLY_PLATFORM} Holds for all its clients at once, on every node within a second; what they have used stays used.`,
  tag: 'Rate limits',
  params: schema.TierParams,
  body: schema.PutTier,
  replies: { 200: schema.Tier, 201: schema.Tier },
  faults: ({ body }) => rateLimitFaults(body, 'body'),
  async handle({ params: { name }, body }, context) {
    const { before, after } = await changing(context, async (trx) => {
      const was = await findTier(trx, name);
      context.precondition.check(was && toTier(was));
      if (was === undefined && (await allTiers(trx)).length >= MAX_TIERS) throw tooMany();
      const is = await saveTier(trx, name, body, new Date(context.nowMs));
      const verb = was === undefined ? 'create' : 'update';
      await recordAudit(trx, context, { ...auditOf(verb, name), before: was && toTier(was), after: toTier(is) });
      return { before: was, after: is };
    });
    return { status: before === undefined ? 201 : 200, data: toTier(after) };
  },
});

const removeTier = operation(['admin:rate-limits:delete', 'rate-limits:delete'], {
  id: 'deleteRateLimitTier',
  method: 'DELETE',
  path: '/rate-limits/tiers/{name}',
  summary: 'Delete a tier',
  description: `${ONLY_PLATFORM} Only when no client of any tenant has it.`,
  tag: 'Rate limits',
  params: schema.TierParams,
  replies: { 200: schema.DeletedTier },
  async handle({ params: { name } }, context) {
    await changing(context, async (trx) => {
      const before = found(await findTier(trx, name));
      await checkUnused(trx, name);
      context.precondition.check(toTier(before));
      await deleteTier(trx, name);
      await recordAudit(trx, context, { ...auditOf('delete', name), before: toTier(before) });
    });
    return { status: 200, data: { name, deleted: true } };
  },
});

export const TIER_OPERATIONS: readonly Operation[] = [listAllTiers, getTier, putTier, removeTier];

/** Works as the owner, since no tenant may change what all have; then every thread asks anew what its keys may do. */
async function changing<Result>(
  { services, principal }: AuthorizedContext,
  work: (trx: Transaction<Database>) => Promise<Result>,
): Promise<Result> {
  if (!isOfPlatform(principal)) throw new Problem('platform_only');
  const result = await services.db.transaction().execute(async (trx) => {
    // Counted first: changes happen one after the other, and no client gets a tier that is being deleted.
    await bumpVersion(trx);
    return work(trx);
  });
  await services.dataPlane.forgetCredentials('all');
  return result;
}

async function checkUnused(trx: Transaction<Database>, name: string): Promise<void> {
  const { total, clients } = await findTierUse(trx, name, MAX_TOLD);
  if (total === 0) return;
  const usedBy = clients.map(({ id, tenant_id: tenantId, name: called }) => ({ id, tenantId, name: called }));
  const who = usedBy.map(({ id }) => id).join(', ');
  throw new Problem('tier_in_use', {
    detail: `${total} ${total === 1 ? 'client has' : 'clients have'} this tier: ${who}${total > MAX_TOLD ? ', …' : ''}.`,
    members: { usedBy, total },
  });
}

function toTier({ name, limits, created_at: createdAt, updated_at: updatedAt }: TierRow): schema.Tier {
  return { name, ...limits, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}

function found(row: TierRow | undefined): TierRow {
  if (row === undefined) throw new Problem('not_found', { detail: 'There is no tier with this name.' });
  return row;
}

function tooMany(): Problem {
  return new Problem('invalid_request', {
    errors: [{ path: 'params.name', message: `is one too many: there are at most ${MAX_TIERS} tiers` }],
  });
}

function auditOf(verb: string, name: string) {
  return { action: `tier.${verb}`, resourceType: 'rate_limit_tier', resourceId: name };
}
