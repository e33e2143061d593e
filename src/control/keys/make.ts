// Making a key: what it may do is bounded by who makes it, and by the client that it is made for.

import type { Kysely } from 'kysely';
import { isBadValue } from '../../db/failure.ts';
import { bumpVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import { Problem } from '../../lib/problem.ts';
import { Together } from '../../lib/together.ts';
import { checkDefined } from '../defined-scopes.ts';
import { issueKey, mintKey, type KeyMint, type KeyOrder } from '../issue-key.ts';
import type { AuthorizedContext } from '../operation.ts';
import { checkGrant } from '../permissions.ts';
import { announceKey, announceKeys, type KeyChangedByCall } from './announce.ts';
import { checkOwnLimits, findOwner, ownerId, type KeyWish } from './owner.ts';
import { showing } from './present.ts';
import { expiryOf } from './rules.ts';
import type { Key, NewKey } from './schema.ts';
import { insertKeys } from './store.ts';

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
  const clientId = ownerId(principal, wish);
  if (clientId === undefined) return services.keysTogether.run(principal.tenantId, { context, wish });
  return inTenant(services.db, principal, async (trx) => {
    await checkDefined(trx, principal, services.undefinedScopes, { scopes, path: 'body.scopes' });
    // Counted only where there is a client, which could go at the same moment: nobody can know yet that there was no such key.
    await bumpVersion(trx, []);
    await findOwner(trx, context, clientId, scopes);
    const made = await issueKey(trx, toOrder(context, wish), mintOf(context));
    await announceKey(trx, context, { action: 'create', after: made.row });
    const show = await showing(trx, context, [made.row]);
    return toMade(show(made.row), made.text);
  });
}

function toMade(resource: Key, text: string): MadeKey {
  return { data: { ...resource, apiKey: text, key: text }, resource };
}

/** One key of nobody's, to be made. */
export interface KeyJob {
  readonly context: AuthorizedContext;
  readonly wish: KeyWish;
}

/** Of a tenant, in one transaction. Each leaves its audit entry, and the next change waits for these until the commit is on disk. */
const MAX_TOGETHER = 50;

/** Keys that callers make at the same time, made in one go: they would wait for each other one by one at the end of the audit log. */
export function createKeysTogether(db: Kysely<Database>): Together<KeyJob, MadeKey> {
  return new Together({
    maxJobs: MAX_TOGETHER,
    carryOut: (jobs) => makeAll(db, jobs),
    isOfOne: (cause) => cause instanceof Problem || isBadValue(cause),
  });
}

async function makeAll(db: Kysely<Database>, jobs: readonly KeyJob[]): Promise<MadeKey[]> {
  const [first] = jobs;
  if (first === undefined) return [];
  return inTenant(db, { tenantId: first.context.principal.tenantId }, async (trx) => {
    for (const { context, wish } of jobs) {
      const given = { scopes: wish.scopes ?? [], path: 'body.scopes' };
      await checkDefined(trx, context.principal, context.services.undefinedScopes, given);
    }
    const minted = jobs.map(({ context, wish }) => mintKey(toOrder(context, wish), mintOf(context)));
    const rows = new Map(
      (
        await insertKeys(
          trx,
          minted.map(({ row }) => row),
        )
      ).map((row) => [row.id, row]),
    );
    const made: MadeKey[] = [];
    const changes: KeyChangedByCall[] = [];
    for (const [i, { context }] of jobs.entries()) {
      const {
        text,
        row: { id },
      } = minted[i] ?? { text: '', row: { id: '' } };
      const after = rows.get(id);
      if (after === undefined) throw new Error('a key that was made is not there');
      const show = await showing(trx, context, [after]);
      changes.push({ context, changed: { action: 'create', after }, show });
      made.push(toMade(show(after), text));
    }
    await announceKeys(trx, changes);
    return made;
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
