// Rotation: a new key in the place of an old one, which goes on working for a while and then counts as revoked.

import { Type } from 'typebox';
import type { Transaction } from 'kysely';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import type { Principal } from '../../gateway/ports.ts';
import { Problem, type Fault } from '../../lib/problem.ts';
import { hasScope } from '../../lib/scope.ts';
import { issueSuccessor, type IssuedKey } from '../issue-key.ts';
import { checkKeyReach } from '../key-reach.ts';
import { operation, type AuthorizedContext } from '../operation.ts';
import { checkGrant } from '../permissions.ts';
import { closed, IdParams, oneOf, optional, time } from '../schema-parts.ts';
import { announceKey } from './announce.ts';
import { CompactRotation, toCompactNewKey } from './compact.ts';
import { checkPlaced } from './grants.ts';
import { mintOf } from './make.ts';
import { showing } from './present.ts';
import { inDays } from './rules.ts';
import { NewKey } from './schema.ts';
import { checkNotOver } from './state.ts';
import { getKey, updateKey, type KeyRow } from './store.ts';

const DAY_SECONDS = 86_400;
const MAX_DAYS = 365;

const RotateKey = closed({
  deprecationPeriod: optional(
    Type.Integer({
      minimum: 0,
      maximum: MAX_DAYS * DAY_SECONDS,
      description: 'Seconds for which the old key goes on working; 86400 unless told, 0 revokes it at once.',
    }),
  ),
  transitionPeriodDays: optional(Type.Integer({ minimum: 0, maximum: MAX_DAYS, description: 'The same in days.' })),
});

const Rotation = closed({
  newKey: NewKey,
  oldKey: closed({
    id: Type.String(),
    status: oneOf(['deprecated', 'revoked'], 'revoked when it had no time left.'),
    expiresAt: time('Until when it works.'),
  }),
});

export const rotateKey = operation(['admin:keys:update', 'keys:update'], {
  id: 'rotateKey',
  method: 'POST',
  path: '/keys/{id}/rotate',
  summary: 'Rotate a key',
  description:
    'Makes a key like it, and lets the old one go on for a while: both work until `oldKey.expiresAt`, then the old one counts as revoked. A key that was given a number of days gets as many again; one that was given a date keeps it. The answer holds the new key itself, this once; the old one is kept nowhere and never shown.',
  tag: 'Keys',
  params: IdParams,
  body: RotateKey,
  replies: { 200: Rotation },
  compact: {
    path: '/keys/{id}/rotate',
    reply: CompactRotation,
    present: ({ data: { newKey, oldKey } }) => ({
      newKey: toCompactNewKey(newKey),
      oldKey: { ...oldKey, expiresAt: Date.parse(oldKey.expiresAt) },
    }),
  },
  faults: ({ body }) => periodFaults(body),
  async handle({ params, body }, context) {
    const { services, principal, nowMs } = context;
    const graceSeconds = body.deprecationPeriod ?? (body.transitionPeriodDays ?? 1) * DAY_SECONDS;
    const { newKey, old } = await inTenant(services.db, principal, async (trx) => {
      const rotated = await rotate(trx, context, params.id, graceSeconds);
      const { row, text } = rotated.issued;
      const show = await showing(trx, context, [row]);
      return { newKey: { ...show(row), apiKey: text, key: text }, old: rotated.old };
    });
    await services.dataPlane.forgetCredentials([old.public_id]);
    const expiresAt = (old.expires_at ?? new Date(nowMs)).toISOString();
    const status = old.revoked_at === null ? ('deprecated' as const) : ('revoked' as const);
    return { status: 200, data: { newKey, oldKey: { id: old.id, status, expiresAt } } };
  },
});

async function rotate(
  trx: Transaction<Database>,
  context: AuthorizedContext,
  id: string,
  graceSeconds: number,
): Promise<{ issued: IssuedKey; old: KeyRow }> {
  const { principal, nowMs } = context;
  const { public_id: publicId } = await getKey(trx, principal, id);
  // Counted first: of two rotations at once, the second finds what the first made of the key.
  await bumpVersion(trx, [publicId]);
  const before = await getKey(trx, principal, id);
  checkNotOver(before, nowMs);
  if (before.deprecated_at !== null) throw new Problem('key_is_deprecated');
  await checkTakeOver(trx, before, principal);

  const succession = { createdBy: principal.operatorId ?? principal.keyId, expiresAt: newExpiry(before, nowMs) };
  const issued = await issueSuccessor(trx, before, succession, mintOf(context));
  const old = await updateKey(trx, principal, id, {
    ...endOf(before, nowMs, graceSeconds),
    replaced_by: issued.row.id,
    updated_at: new Date(nowMs),
  });
  const details = { oldKeyId: old.id, newKeyId: issued.row.id };
  await announceKey(trx, context, { action: 'rotate', before, after: old, details });
  return { issued, old };
}

/**
 * The answer hands the new key to whoever asks. So nobody rotates a key that could do more than they may give away, and only the operator
 * itself, or who may manage operators and do all that this one may, rotates an operator's key: with it one acts under that operator's name.
 */
async function checkTakeOver(trx: Transaction<Database>, key: KeyRow, principal: Principal): Promise<void> {
  const isForeign = key.operator_id !== null && key.operator_id !== principal.operatorId;
  if (isForeign && !hasScope(principal.scopes, 'admin:users:update')) {
    throw new Problem('insufficient_scope', {
      detail: "Another operator's key is rotated by that operator, or by one who holds admin:users:update.",
    });
  }
  const scopes = key.scopes.map((scope, i) => ({ scope, path: `key.scopes[${i}]` }));
  await checkPlaced(scopes, async (plain) => checkGrant(plain, principal));
  if (key.id !== principal.keyId) await checkKeyReach(trx, principal, key);
}

/** Never longer than the key would have lived. Without any grace it is revoked now. */
function endOf(key: KeyRow, nowMs: number, graceSeconds: number) {
  const endMs = Math.min(nowMs + graceSeconds * 1000, key.expires_at?.getTime() ?? Number.POSITIVE_INFINITY);
  const now = new Date(nowMs);
  return {
    deprecated_at: now,
    expires_at: new Date(endMs),
    ...(endMs <= nowMs && { revoked_at: now }),
  };
}

function newExpiry(key: KeyRow, nowMs: number): Date | null {
  return key.lifetime_days === null ? key.expires_at : inDays(nowMs, key.lifetime_days);
}

function periodFaults(body: { readonly deprecationPeriod?: number; readonly transitionPeriodDays?: number }): Fault[] {
  if (body.deprecationPeriod === undefined || body.transitionPeriodDays === undefined) return [];
  return [{ path: 'body.transitionPeriodDays', message: 'goes without deprecationPeriod: send one of the two' }];
}
