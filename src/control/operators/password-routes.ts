// Setting an operator's password: one's own, or an administrator that of others.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import type { Principal } from '../../gateway/ports.ts';
import { Problem } from '../../lib/problem.ts';
import { recordAudit } from '../audit/record.ts';
import { operation, type AuthorizedContext, type Operation } from '../operation.ts';
import { checkManages, checkPermission } from '../permissions.ts';
import { IdParams } from '../schema-parts.ts';
import { invalidRequest } from '../validation.ts';
import { hashPassword } from './password-hash.ts';
import { savePassword } from './password-store.ts';
import { toOperator } from './present.ts';
import { findWithinReach, passwordFaults } from './rules.ts';
import * as schema from './schema.ts';
import { lockOperator, type OperatorRow } from './store.ts';
import { verifyPassword } from './verify-password.ts';

const setPassword = operation('authenticated', {
  id: 'setOperatorPassword',
  method: 'PUT',
  path: '/operators/{id}/password',
  summary: 'Set a password',
  description:
    'One’s own, or that of others with `admin:users:update` or `operators:update`; only with a key that may do all that the operator may. Whoever has a password already sends it along to change it; five wrong ones in a row lock it for a minute, and each that follows for twice as long, up to an hour. An administrator’s setting unlocks it.',
  tag: 'Operators',
  params: IdParams,
  body: schema.SetPassword,
  replies: { 200: schema.PasswordSet },
  async handle({ params, body }, context) {
    const { services, principal, nowMs } = context;
    checkManages(principal, 'operators');
    const isOwn = params.id === principal.operatorId;
    if (!isOwn) checkPermission(['admin:users:update', 'operators:update'], principal);
    const check = (trx: Kysely<Database>) => checkAllowed(trx, principal, { ...body, operatorId: params.id, isOwn });
    await inTenant(services.db, principal, check);
    if (body.currentPassword !== undefined) await checkCurrent(context, params.id, body.currentPassword);
    const hash = await hashPassword(body.password);
    const changedAt = new Date(nowMs);
    const resource = await inTenant(services.db, principal, async (trx) => {
      // Again: much may have happened while the password was hashed.
      await lockOperator(trx, principal, params.id);
      const before = await check(trx);
      context.precondition.check(toOperator(before));
      await savePassword(trx, principal, { operatorId: params.id, hash, changedAt });
      const after = toOperator({ ...before, password_changed_at: changedAt });
      const audit = { action: 'operator.set_password', resourceType: 'operator', resourceId: params.id };
      await recordAudit(trx, context, { ...audit, before: toOperator(before), after });
      return after;
    });
    return { status: 200, data: { id: params.id, passwordChangedAt: changedAt.toISOString() }, resource };
  },
});

export const PASSWORD_OPERATIONS: readonly Operation[] = [setPassword];

interface Setting extends schema.SetPassword {
  readonly operatorId: string;
  readonly isOwn: boolean;
}

async function checkAllowed(trx: Kysely<Database>, principal: Principal, setting: Setting): Promise<OperatorRow> {
  const operator = await findWithinReach(trx, principal, setting.operatorId);
  const faults = passwordFaults(setting, operator, setting.isOwn);
  if (faults.length > 0) throw invalidRequest(faults);
  return operator;
}

async function checkCurrent(
  { services, principal, nowMs }: AuthorizedContext,
  operatorId: string,
  password: string,
): Promise<void> {
  const verdict = await verifyPassword(services.db, principal, { operatorId, password, nowMs });
  switch (verdict.outcome) {
    case 'right':
      return;
    case 'wrong':
      throw new Problem('wrong_password');
    case 'locked': {
      const seconds = Math.ceil((verdict.untilMs - nowMs) / 1000);
      throw new Problem('password_locked', { headers: ['retry-after', String(seconds)] });
    }
  }
}
