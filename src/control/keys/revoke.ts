// Revoking a key: for good, at once, and once.

import type { Transaction } from 'kysely';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import type { AuthorizedContext } from '../operation.ts';
import { announceKey } from './announce.ts';
import { countOtherOperatorKeys, updateKey, type KeyRow } from './store.ts';

/** `find` looks for the key as the caller named it; undefined when there is none. */
export type Find = (trx: Transaction<Database>) => Promise<KeyRow | undefined>;

/** Answers with the key, revoked now or before. */
export async function revoke(context: AuthorizedContext, find: Find): Promise<KeyRow> {
  const { services, principal } = context;
  const row = await inTenant(services.db, principal, async (trx) => {
    const present = found(await find(trx));
    if (present.revoked_at !== null) return present;
    // Counted first: from here on no other key changes, so the last key of an operator is seen to be the last.
    await bumpVersion(trx);
    const before = found(await find(trx));
    return before.revoked_at === null ? revokeNow(trx, context, before) : before;
  });
  await services.dataPlane.forgetCredentials([row.public_id]);
  return row;
}

async function revokeNow(trx: Transaction<Database>, context: AuthorizedContext, before: KeyRow): Promise<KeyRow> {
  const { principal, nowMs } = context;
  const now = new Date(nowMs);
  // The setup can be done only once: without any operator's key nobody could ever get in again.
  const isOperators = before.operator_id !== null;
  if (isOperators && (await countOtherOperatorKeys(trx, before, now)) === 0) throw new Problem('last_operator_key');
  const row = await updateKey(trx, principal, before.id, { revoked_at: now, updated_at: now });
  await announceKey(trx, context, { action: 'revoke', before, after: row });
  return row;
}

export function found(row: KeyRow | undefined): KeyRow {
  if (row === undefined) throw new Problem('not_found', { detail: 'There is no key with this id.' });
  return row;
}
