// More keys for an operator, beside the first: for another machine, or in place of one that was lost.

import { bumpVersion } from '../../db/installation.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { checkDefined } from '../defined-scopes.ts';
import { announceKey } from '../keys/announce.ts';
import { operation, type Operation } from '../operation.ts';
import { issueOperatorKey } from '../operator-keys.ts';
import { checkManages, checkPermission } from '../permissions.ts';
import { IdParams } from '../schema-parts.ts';
import { findWithinReach } from './rules.ts';
import * as schema from './schema.ts';

const DAY_MS = 86_400_000;

const createOperatorKey = operation('authenticated', {
  id: 'createOperatorKey',
  method: 'POST',
  path: '/operators/{id}/keys',
  summary: 'Make another key for an operator',
  description:
    'For oneself, or for others with `admin:users:update` or `operators:update`; only with a key that may do all that the operator may. The answer holds the key itself, this once.',
  tag: 'Operators',
  params: IdParams,
  body: schema.CreateOperatorKey,
  replies: { 201: schema.NewOperatorKey },
  async handle({ params, body }, context) {
    const { services, principal, nowMs } = context;
    checkManages(principal, 'operators');
    if (params.id !== principal.operatorId) checkPermission(['admin:users:update', 'operators:update'], principal);
    const { text, row } = await inTenant(services.db, principal, async (trx) => {
      // Counted first: an operator who is being changed is seen as they are afterwards.
      await bumpVersion(trx, []);
      const operator = await findWithinReach(trx, principal, params.id);
      // Whatever stands here, the role bounds it, and the caller's reach is no shorter than the role.
      const scopes = body.scopes ?? ['*'];
      await checkDefined(trx, principal, services.undefinedScopes, { scopes, path: 'body.scopes' });
      const issued = await issueOperatorKey(trx, context, {
        operatorId: operator.id,
        name: body.name,
        owner: operator.email,
        scopes,
        expiresAt: body.expiresInDays === undefined ? null : new Date(nowMs + body.expiresInDays * DAY_MS),
      });
      await announceKey(trx, context, { action: 'create', after: issued.row });
      return issued;
    });
    const { id, name, created_at: createdAt, expires_at: expiresAt } = row;
    const key = { apiKey: text, key: text, keyId: id };
    const times = { createdAt: createdAt.toISOString(), ...(expiresAt && { expiresAt: expiresAt.toISOString() }) };
    return { status: 201, data: { id, operatorId: params.id, name, scopes: row.scopes, ...times, ...key } };
  },
});

export const OPERATOR_KEY_OPERATIONS: readonly Operation[] = [createOperatorKey];
