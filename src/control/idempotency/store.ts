// Claims of repeatable calls, and the answers kept for their repetition, in the database.

import { sql, type Kysely, type Selectable } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { Problem } from '../../lib/problem.ts';

/** Whose call it is, and which. */
export interface CallIdentity {
  readonly tenantId: string;
  readonly callerId: string;
  readonly operation: string;
  readonly keyHash: Uint8Array;
}

/** The right to carry a call out: whoever holds the token, until somebody else takes the call over. */
export interface Claim {
  readonly call: CallIdentity;
  readonly token: Uint8Array;
}

interface NewClaim extends Claim {
  readonly fingerprint: Uint8Array;
  readonly now: Date;
  readonly until: Date;
  readonly expiresAt: Date;
}

export type ClaimRow = Selectable<Database['idempotency_keys']>;

/** Of a tenant, at most so many are kept: the newest. */
const MAX_CALLS = 100_000;

/**
 * Takes the call when it is new, out of date, or was left behind by somebody who neither carried it out nor came back in time; answers
 * undefined then, and else with what is known of it. One statement: of two at once, one takes it.
 */
export async function claimCall(trx: Kysely<Database>, claim: NewClaim): Promise<ClaimRow | undefined> {
  const { call, token, fingerprint, now, until, expiresAt } = claim;
  const state = { fingerprint, claim: token, claimed_until: until, created_at: now, expires_at: expiresAt };
  const taken = await trx
    .insertInto('idempotency_keys')
    .values({
      tenant_id: call.tenantId,
      caller_id: call.callerId,
      operation: call.operation,
      key_hash: call.keyHash,
      ...state,
    })
    .onConflict((on) =>
      on
        .columns(['tenant_id', 'caller_id', 'operation', 'key_hash'])
        .doUpdateSet({ ...state, resource_id: sql<string>`null`, answer: sql<Uint8Array>`null` })
        .where((eb) =>
          eb.or([
            eb('idempotency_keys.expires_at', '<=', now),
            eb.and([
              eb('idempotency_keys.claimed_until', '<=', now),
              eb('idempotency_keys.resource_id', 'is', null),
              eb('idempotency_keys.answer', 'is', null),
              eb('idempotency_keys.fingerprint', '=', fingerprint),
            ]),
          ]),
        ),
    )
    .returning('operation')
    .executeTakeFirst();
  if (taken !== undefined) return undefined;
  const known = await selectCall(trx, call).executeTakeFirst();
  // It was released between the two statements, which is as rare as can be: the caller tries again.
  if (known === undefined) throw new Problem('idempotency_key_in_use', { headers: ['retry-after', '1'] });
  return known;
}

/**
 * Notes, in the transaction of the change, that the call was carried out: it will not be done twice, whatever happens to its answer. Throws when
 * somebody else has taken the call over meanwhile; the change is then to be undone.
 */
export async function markCarriedOut(trx: Kysely<Database>, claim: Claim, resourceId: string): Promise<void> {
  const { numUpdatedRows } = await updateCall(trx, claim)
    .set({ resource_id: sql<string>`coalesce(resource_id, ${resourceId})` })
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new Problem('idempotency_key_in_use');
}

export async function keepAnswer(trx: Kysely<Database>, claim: Claim, answer: Uint8Array): Promise<void> {
  await updateCall(trx, claim).set({ answer }).execute();
}

/** Forgets a call that failed, so that it can be tried again at once. What was carried out before it failed stays known, and is no longer under way. */
export async function releaseCall(trx: Kysely<Database>, claim: Claim, now: Date): Promise<void> {
  const { call, token } = claim;
  await updateCall(trx, claim).set({ claimed_until: now }).execute();
  await trx
    .deleteFrom('idempotency_keys')
    .where('tenant_id', '=', call.tenantId)
    .where('caller_id', '=', call.callerId)
    .where('operation', '=', call.operation)
    .where('key_hash', '=', call.keyHash)
    .where('claim', '=', token)
    .where('resource_id', 'is', null)
    .execute();
}

/** Of all tenants. Answers how many there were, at most `maxRows`. */
export async function deleteOldCalls(trx: Kysely<Database>, now: Date, maxRows: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`delete from idempotency_keys where ctid = any(array(
    select ctid from idempotency_keys where expires_at <= ${now} order by expires_at limit ${maxRows}))`.execute(trx);
  return Number(numAffectedRows);
}

/** Beyond the newest of each tenant, the oldest of one. */
export async function deleteSurplusCalls(trx: Kysely<Database>, _now: Date, maxRows: number): Promise<number> {
  const { numAffectedRows = 0n } = await sql`delete from idempotency_keys where ctid = any(array(
    select ctid from idempotency_keys
    where tenant_id = (select tenant_id from idempotency_keys group by tenant_id having count(*) > ${MAX_CALLS} limit 1)
    order by created_at desc offset ${MAX_CALLS} limit ${maxRows}))`.execute(trx);
  return Number(numAffectedRows);
}

function selectCall(db: Kysely<Database>, call: CallIdentity) {
  return db
    .selectFrom('idempotency_keys')
    .selectAll()
    .where('tenant_id', '=', call.tenantId)
    .where('caller_id', '=', call.callerId)
    .where('operation', '=', call.operation)
    .where('key_hash', '=', call.keyHash);
}

function updateCall(db: Kysely<Database>, { call, token }: Claim) {
  return db
    .updateTable('idempotency_keys')
    .where('tenant_id', '=', call.tenantId)
    .where('caller_id', '=', call.callerId)
    .where('operation', '=', call.operation)
    .where('key_hash', '=', call.keyHash)
    .where('claim', '=', token);
}
