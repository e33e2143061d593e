// Whether a caller may change or revoke an operator's key: only when they may do all that the operator may.

import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Principal } from '../gateway/ports.ts';
import { Problem } from '../lib/problem.ts';
import { SUPER_ADMIN } from './built-in-roles.ts';
import type { KeyRow } from './keys/store.ts';
import { findRoleOf, hasOtherAdmin } from './operators/store.ts';
import { checkReach } from './permissions.ts';
import { findPermissions } from './roles/store.ts';

/** Throws `beyond_reach`. A key of nobody in particular is anybody's who may manage keys. */
export async function checkKeyReach(
  trx: Kysely<Database>,
  principal: Principal,
  key: Pick<KeyRow, 'operator_id'>,
): Promise<void> {
  if (key.operator_id === null) return;
  checkReach(await permissionsOfOperator(trx, principal, key.operator_id), principal, 'The operator whose key this is');
}

/** The same for revoking it, which every key may do to itself. Without any key of a SUPER_ADMIN nobody could ever give rights again. */
export async function checkRevocable(
  trx: Kysely<Database>,
  principal: Principal,
  key: Pick<KeyRow, 'id' | 'operator_id'>,
  now: Date,
): Promise<void> {
  if (key.operator_id === null) return;
  if (key.id !== principal.keyId) await checkKeyReach(trx, principal, key);
  if ((await findRoleOf(trx, principal, key.operator_id)) !== SUPER_ADMIN) return;
  const leaving = { operatorId: key.operator_id, keyId: key.id };
  if (!(await hasOtherAdmin(trx, principal, leaving, now))) throw new Problem('last_operator_key');
}

/** What the operator's role permits now; nothing when it is gone. */
async function permissionsOfOperator(
  trx: Kysely<Database>,
  principal: Principal,
  operatorId: string,
): Promise<readonly string[]> {
  const role = await findRoleOf(trx, principal, operatorId);
  return role === undefined ? [] : ((await findPermissions(trx, principal, role)) ?? []);
}
