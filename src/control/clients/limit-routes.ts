// The limits of a client, apart from all else that a client is.

import { toOptionalJson } from '../../db/columns.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { overrideOperations } from '../limit-overrides.ts';
import type { Operation } from '../operation.ts';
import { resolveRateLimit } from '../rate-limit.ts';
import { ClientLimits, PutClientLimits } from '../rate-limits/schema.ts';
import { loadTenantLimits } from '../rate-limits/store.ts';
import { changeClient, existing } from './change.ts';
import { findClient, loadClientLimits, type ClientRow } from './store.ts';

export const CLIENT_LIMIT_OPERATIONS: readonly Operation[] = overrideOperations({
  name: 'Client',
  plural: 'clients',
  words: 'a client',
  description: 'In the place of those of its tier, over all its keys together.',
  override: PutClientLimits,
  shown: ClientLimits,
  async show({ services, principal }, id) {
    return inTenant(services.db, principal, async (trx) => {
      const row = existing(await findClient(trx, principal, id));
      const client = (await loadClientLimits(trx, principal, [id])).get(id);
      const tenant = await loadTenantLimits(trx, principal);
      return {
        ...known(row),
        effective: resolveRateLimit({ client, tenant, defaults: services.defaultLimits }),
      };
    });
  },
  async change(context, id, override) {
    await changeClient(context, id, (before) => ({
      action: 'client.update',
      events: ['client.updated'],
      change: { rate_limits: toOptionalJson(override) },
      known: known(before),
    }));
  },
});

/** What a caller can know, and make a change depend on. */
function known(row: ClientRow): Omit<ClientLimits, 'effective'> {
  return {
    id: row.id,
    override: row.rate_limits ?? {},
    ...(row.rate_limit_tier !== null && { tier: row.rate_limit_tier }),
    ...(row.monthly_quota !== null && { monthlyQuota: row.monthly_quota }),
  };
}
