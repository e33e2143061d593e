// What holds for operators beyond their schema: nobody gives what they do not have, nobody touches who may do more than they may, and
// somebody who may do everything stays.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { Principal } from '../../gateway/ports.ts';
import { Problem, type Fault } from '../../lib/problem.ts';
import { hasScope } from '../../lib/scope.ts';
import { SUPER_ADMIN } from '../built-in-roles.ts';
import { checkReach } from '../permissions.ts';
import { findPermissions } from '../roles/store.ts';
import type { SetPassword, UpdateOperator } from './schema.ts';
import { findOperator, hasOtherAdmin, type OperatorRow } from './store.ts';

/** Throws unless there is such a role in the tenant, and the principal may do all that it permits. */
export async function checkRoleGiven(trx: Kysely<Database>, principal: Principal, role: string): Promise<void> {
  const path = 'body.role';
  const permissions = await findPermissions(trx, principal, role);
  if (permissions === undefined) {
    const message = 'names no role of this tenant; GET /api/v1/roles lists them';
    throw new Problem('invalid_request', { errors: [{ path, message }] });
  }
  const beyond = permissions.filter((permission) => !hasScope(principal.scopes, permission));
  if (beyond.length === 0) return;
  const message = `${role} is not yours to give: it permits ${beyond.join(', ')}, which you do not hold`;
  throw new Problem('scope_not_grantable', { errors: [{ path, message }] });
}

/** The operator, if the principal may do all that they may: 404 for who is not there, 403 for who may do more. */
export async function findWithinReach(trx: Kysely<Database>, principal: Principal, id: string): Promise<OperatorRow> {
  const row = await findOperator(trx, principal, id);
  if (row === undefined) throw noSuchOperator();
  checkReach((await findPermissions(trx, principal, row.role)) ?? [], principal, 'This operator');
  return row;
}

export function noSuchOperator(): Problem {
  return new Problem('not_found', { detail: 'There is no operator with this id.' });
}

/** Throws when, without this one as they are, the tenant would have no SUPER_ADMIN with a key that works. */
export async function checkNotLastAdmin(trx: Kysely<Database>, operator: OperatorRow, now: Date): Promise<void> {
  if (operator.role !== SUPER_ADMIN || operator.status !== 'active') return;
  const leaving = { operatorId: operator.id, keyId: undefined };
  const scope = { tenantId: operator.tenant_id };
  if (!(await hasOtherAdmin(trx, scope, leaving, now))) throw new Problem('last_super_admin');
}

/** Whether the change takes from what the operator may do. */
export function isDemotion(before: OperatorRow, { role, status }: UpdateOperator): boolean {
  return (role !== undefined && role !== before.role) || status === 'suspended';
}

/** `isOwn`: whose password it is sets it. */
export function passwordFaults(body: SetPassword, operator: OperatorRow, isOwn: boolean): Fault[] {
  const faults: Fault[] = [];
  const known = [operator.name, operator.email].map((text) => text.toLowerCase());
  if (known.includes(body.password.toLowerCase())) {
    faults.push({ path: 'body.password', message: 'must not be the name or the e-mail address' });
  }
  const path = 'body.currentPassword';
  const isNeeded = isOwn && operator.password_changed_at !== null;
  if (isNeeded && body.currentPassword === undefined) faults.push({ path, message: 'is required to change your own' });
  if (!isNeeded && body.currentPassword !== undefined) {
    faults.push({ path, message: 'goes only with a password of your own that you have already; leave it out' });
  }
  return faults;
}
