// The setup: the first operator and its key, once.

import type { Kysely } from 'kysely';
import { readInstallation } from '../../db/installation.ts';
import { DEFAULT_TENANT_ID, type Database } from '../../db/schema.ts';
import { newId } from '../../lib/id.ts';
import { Problem } from '../../lib/problem.ts';
import { recordAudit } from '../audit/record.ts';
import { SUPER_ADMIN } from '../built-in-roles.ts';
import { isLocal } from '../caller.ts';
import { issueKey } from '../issue-key.ts';
import { announceKey } from '../keys/announce.ts';
import type { KeyRow } from '../keys/store.ts';
import { publicOperation, type Context, type Operation } from '../operation.ts';
import { OPERATOR_RATE_LIMIT } from '../operator-keys.ts';
import { insertOperator } from '../operators/store.ts';
import { isSameSecret } from '../same-secret.ts';
import { SetupAnswer, SetupHeaders, SetupRequest } from './schema.ts';
import { claimSetup } from './store.ts';

const setup = publicOperation({
  id: 'setup',
  method: 'POST',
  path: '/setup',
  summary: 'Make the first operator',
  description:
    'Can be done once. From the machine that Tollgate runs on freely, from elsewhere with the token that its start printed.',
  tag: 'Setup',
  headers: SetupHeaders,
  body: SetupRequest,
  replies: { 201: SetupAnswer },
  compact: { path: '/setup', reply: SetupAnswer, present: ({ data }) => data },
  async handle({ headers, body }, context) {
    const { services, nowMs } = context;
    const { setupAt } = await readInstallation(services.db);
    if (setupAt !== undefined) throw new Problem('already_set_up');
    if (!isLocal(context) && !isSameSecret(services.setupToken, headers['x-setup-token']))
      throw new Problem('setup_token_required');

    const operator = { id: newId('usr', nowMs), name: body.name, email: body.email, role: SUPER_ADMIN };
    const issued = await services.db.transaction().execute(async (trx) => {
      const now = new Date(nowMs);
      if (!(await claimSetup(trx, now))) throw new Problem('already_set_up');
      await insertOperator(trx, { ...operator, tenant_id: DEFAULT_TENANT_ID, created_at: now, updated_at: now });
      const order = {
        tenantId: DEFAULT_TENANT_ID,
        operatorId: operator.id,
        name: operator.name,
        description: 'Made by the setup.',
        owner: operator.email,
        scopes: ['*'],
        clientId: null,
        rateLimit: OPERATOR_RATE_LIMIT,
        rateLimitOverride: null,
        metadata: {},
        expiresAt: null,
        createdBy: operator.id,
      };
      const made = await issueKey(trx, order, {
        keyPrefix: services.keyPrefix,
        hmacSecret: services.hmacSecret,
        nowMs,
      });
      await recordSetup(trx, context, operator, made.row);
      return made;
    });
    return { status: 201, data: { ...operator, apiKey: issued.text, key: issued.text, keyId: issued.row.id } };
  },
});

/** The first operator makes itself. */
async function recordSetup(
  trx: Kysely<Database>,
  context: Context,
  operator: { readonly id: string; readonly name: string; readonly email: string; readonly role: string },
  key: KeyRow,
): Promise<void> {
  const { id: operatorId, name } = operator;
  const principal = { kind: 'operator', tenantId: DEFAULT_TENANT_ID, keyId: key.id, operatorId, name } as const;
  const call = { ...context, principal };
  await recordAudit(trx, call, {
    action: 'operator.create',
    resourceType: 'operator',
    resourceId: operatorId,
    details: { setup: true },
    after: operator,
  });
  await announceKey(trx, call, { action: 'create', after: key });
}

export const SETUP_OPERATIONS: readonly Operation[] = [setup];
