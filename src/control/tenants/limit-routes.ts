// The limits of a tenant: those over all that call in it, what the others are multiplied by, and whose days they are.

import { toOptionalJson } from '../../db/columns.ts';
import { recordAudit } from '../audit/record.ts';
import { overrideOperations } from '../limit-overrides.ts';
import type { Operation } from '../operation.ts';
import { PutTenantLimits, TenantLimits } from '../rate-limits/schema.ts';
import { changing, findVisible, ONLY_PLATFORM, reading } from './changing.ts';
import { updateTenant, type TenantRow } from './store.ts';

export const TENANT_LIMIT_OPERATIONS: readonly Operation[] = overrideOperations({
  name: 'Tenant',
  plural: 'tenants',
  words: 'a tenant',
  description: ONLY_PLATFORM,
  override: PutTenantLimits,
  shown: TenantLimits,
  async show(context, id) {
    return toTenantLimits(await reading(context, (trx) => findVisible(trx, context, id)));
  },
  async change(context, id, override) {
    const { multiplier = null, timeZone = null, ...windows } = override ?? {};
    const rateLimits = Object.keys(windows).length === 0 ? null : windows;
    await changing(context, id, async (trx, before) => {
      context.precondition.check(toTenantLimits(before));
      const after = await updateTenant(trx, id, {
        rate_limits: toOptionalJson(rateLimits),
        rate_multiplier: multiplier,
        time_zone: timeZone,
        updated_at: new Date(context.nowMs),
      });
      await recordAudit(trx, context, {
        action: 'tenant.limit',
        resourceType: 'tenant',
        resourceId: id,
        details: { name: before.name },
        before: toTenantLimits(before),
        after: toTenantLimits(after),
      });
    });
  },
});

function toTenantLimits({ id, rate_limits, rate_multiplier, time_zone }: TenantRow): TenantLimits {
  return {
    id,
    override: {
      ...rate_limits,
      ...(rate_multiplier !== null && { multiplier: rate_multiplier }),
      ...(time_zone !== null && { timeZone: time_zone }),
    },
  };
}
