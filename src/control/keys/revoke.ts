// Revoking a key: for good, at once, and once.

import type { Transaction } from 'kysely';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { checkRevocable } from '../key-reach.ts';
import type { AuthorizedContext } from '../operation.ts';
import { announceKey } from './announce.ts';
import { showing, toRevokedKey } from './present.ts';
import type { Key, RevokedKey } from './schema.ts';
import { checkNotOver, statusOf } from './state.ts';
import { updateKey, type KeyRow } from './store.ts';

/** `find` looks for the key as the caller named it, and refuses when there is none. */
export type Find = (trx: Transaction<Database>) => Promise<KeyRow>;

export interface Revoked {
  readonly data: RevokedKey;
  readonly resource: Key;
}

/** Answers with the key, revoked now or before. */
export async function revoke(context: AuthorizedContext, find: Find): Promise<Revoked> {
  const { services, principal, nowMs } = context;
  const { row, resource } = await inTenant(services.db, principal, async (trx) => {
    const after = await revokeIn(trx, context, find);
    const show = await showing(trx, context, [after]);
    return { row: after, resource: show(after) };
  });
  await services.dataPlane.forgetCredentials([row.public_id]);
  return { data: toRevokedKey(row, nowMs), resource };
}

async function revokeIn(trx: Transaction<Database>, context: AuthorizedContext, find: Find): Promise<KeyRow> {
  const { principal, precondition, nowMs } = context;
  const now = new Date(nowMs);
  const present = await find(trx);
  const isOver = statusOf(present, nowMs) === 'revoked';
  // Counted first: from here on no other key changes, so the last key of an operator is seen to be the last.
  if (!isOver) await bumpVersion(trx, [present.public_id]);
  const before = isOver ? present : await find(trx);
  const isRevoked = statusOf(before, nowMs) === 'revoked';
  if (!isRevoked) {
    checkNotOver(before, nowMs);
    await checkRevocable(trx, principal, before, now);
  }
  const show = await showing(trx, context, [before]);
  precondition.check(show(before));
  if (isRevoked) return before;
  const after = await updateKey(trx, principal, before.id, { revoked_at: now, updated_at: now });
  await announceKey(trx, context, { action: 'revoke', before, after });
  return after;
}
