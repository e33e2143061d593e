// The limits of a key, apart from all else that a key is.

import { toJson } from '../../db/columns.ts';
import { bumpVersion } from '../../db/installation.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { checkKeyReach } from '../key-reach.ts';
import { overrideOperations } from '../limit-overrides.ts';
import type { AuthorizedContext, Operation } from '../operation.ts';
import { checkManages } from '../permissions.ts';
import { KeyLimits, PutKeyLimits } from '../rate-limits/schema.ts';
import { announceKey } from './announce.ts';
import { showing } from './present.ts';
import { checkNotOver } from './state.ts';
import { getKey, updateKey, type KeyRow } from './store.ts';

export const KEY_LIMIT_OPERATIONS: readonly Operation[] = overrideOperations({
  name: 'Key',
  plural: 'keys',
  words: 'a key',
  description: 'In the place of those that it was made with, or of the defaults.',
  override: PutKeyLimits,
  shown: KeyLimits,
  async show(context, id) {
    const { services, principal } = context;
    return inTenant(services.db, principal, async (trx) => {
      const row = await getKey(trx, principal, id);
      const toKey = await showing(trx, context, [row]);
      return { ...known(row), effective: toKey(row).rateLimit };
    });
  },
  change,
});

async function change(context: AuthorizedContext, id: string, override: PutKeyLimits | undefined): Promise<void> {
  const { services, principal, precondition, nowMs } = context;
  checkManages(principal, 'limits');
  const { rateLimitOverride = null, ...windows } = override ?? {};
  const isSaid = Object.keys(windows).length > 0;
  const publicId = await inTenant(services.db, principal, async (trx) => {
    const { public_id } = await getKey(trx, principal, id);
    // Counted first: two changes of a key at once happen one after the other.
    await bumpVersion(trx, [public_id]);
    const before = await getKey(trx, principal, id);
    checkNotOver(before, nowMs);
    await checkKeyReach(trx, principal, before);
    precondition.check(known(before));
    const after = await updateKey(trx, principal, id, {
      rate_limit: isSaid ? toJson(windows) : null,
      rate_limit_override: rateLimitOverride,
      updated_at: new Date(nowMs),
    });
    await announceKey(trx, context, { action: 'update', before, after });
    return public_id;
  });
  await services.dataPlane.forgetCredentials([publicId]);
}

/** What a caller can know, and make a change depend on. */
function known({ id, rate_limit, rate_limit_override }: KeyRow): Omit<KeyLimits, 'effective'> {
  const minute = rate_limit_override === null ? {} : { rateLimitOverride: rate_limit_override };
  return { id, override: { ...rate_limit, ...minute } };
}
