// Making a key: what it may do is bounded by who makes it, and by the client that it is made for.

import { bumpVersion } from '../../db/installation.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { checkDefined } from '../defined-scopes.ts';
import { issueKey, type KeyMint, type KeyOrder } from '../issue-key.ts';
import type { AuthorizedContext } from '../operation.ts';
import { checkGrant } from '../permissions.ts';
import { announceKey } from './announce.ts';
import { checkOwnLimits, findOwner, ownerId, type KeyWish } from './owner.ts';
import { showing } from './present.ts';
import { expiryOf } from './rules.ts';
import type { Key, NewKey } from './schema.ts';

export interface MadeKey {
  /** The one answer that holds the key itself. */
  readonly data: NewKey;
  readonly resource: Key;
}

export async function makeKey(context: AuthorizedContext, wish: KeyWish): Promise<MadeKey> {
  const { services, principal } = context;
  const scopes = wish.scopes ?? [];
  checkGrant(scopes, principal);
  checkOwnLimits(principal, wish);
  return inTenant(services.db, principal, async (trx) => {
    await checkDefined(trx, principal, services.undefinedScopes, { scopes, path: 'body.scopes' });
    const clientId = ownerId(principal, wish);
    // Counted only where there is a client, which could go at the same moment: nobody can know yet that there was no such key.
    if (clientId !== undefined) {
      await bumpVersion(trx, []);
      await findOwner(trx, context, clientId, scopes);
    }
    const made = await issueKey(trx, toOrder(context, wish), mintOf(context));
    await announceKey(trx, context, { action: 'create', after: made.row });
    const show = await showing(trx, context, [made.row]);
    const resource = show(made.row);
    return { data: { ...resource, apiKey: made.text, key: made.text }, resource };
  });
}

export function toOrder({ principal, nowMs }: AuthorizedContext, wish: KeyWish): KeyOrder {
  return {
    tenantId: principal.tenantId,
    operatorId: null,
    clientId: ownerId(principal, wish) ?? null,
    name: wish.name,
    description: wish.description ?? null,
    owner: wish.owner ?? null,
    scopes: wish.scopes ?? [],
    rateLimit: wish.rateLimit ?? null,
    rateLimitOverride: wish.rateLimitOverride ?? null,
    metadata: wish.metadata ?? {},
    environment: wish.environment ?? null,
    allowedIps: wish.allowedIps ?? null,
    expiresAt: expiryOf(wish, nowMs),
    lifetimeDays: wish.expiresInDays ?? null,
    createdBy: principal.operatorId ?? principal.keyId,
  };
}

export function mintOf({ services, nowMs }: AuthorizedContext): KeyMint {
  return { keyPrefix: services.keyPrefix, hmacSecret: services.hmacSecret, nowMs };
}
