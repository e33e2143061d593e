// Carries a call with an `Idempotency-Key` out once (draft-ietf-httpapi-idempotency-key-header): its repetition gets the answer that was kept.
//
// The change and the note that it was made are one transaction (see markCarriedOut, called by recordAudit), so a call whose process died is either
// done or not, and never done twice. Only its answer may be lost then; the repetition is told so.

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import type { Principal } from '../../gateway/ports.ts';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { isProblemCode, Problem } from '../../lib/problem.ts';
import { seal, unseal, type SealedFor } from '../../lib/seal.ts';
import { claimCall, keepAnswer, releaseCall, type CallIdentity, type Claim, type ClaimRow } from './store.ts';

const RETENTION_MS = 24 * 60 * 60_000;
/** Longer than the control plane gives any handler, so that nobody takes over what is still under way. */
const LEASE_MS = 120_000;
/**
 * Longer answers are not kept, and whoever repeats the call is told that its answer is lost. No operation that makes something gives one: the
 * longest is that of an import of 500 keys, of which each has at most 4 KB of metadata, and less than 1 MB of all else together.
 */
const MAX_ANSWER_CHARACTERS = 4_194_304;

export interface RepeatableCall {
  readonly db: Kysely<Database>;
  readonly principal: Principal;
  readonly nowMs: number;
  /** 32 bytes: seals the answers. */
  readonly key: Uint8Array;
  readonly operation: string;
  /** As the caller sent it. */
  readonly idempotencyKey: string;
  /** What tells this call from another one. */
  readonly request: unknown;
}

export interface KeptAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** A refusal is an answer as well, and kept; failures (5xx) are not. */
export async function once(call: RepeatableCall, carryOut: (claim: Claim) => Promise<KeptAnswer>): Promise<KeptAnswer> {
  const identity = toIdentity(call);
  const claim = { call: identity, token: randomBytes(16) };
  const fingerprint = createHmac('sha256', call.key).update(canonicalJson(call.request)).digest();
  const known = await claimFirst(call, claim, fingerprint);
  if (known !== undefined) return replay(known, fingerprint, call);
  try {
    const answer = await carryOut(claim);
    await keep(call, claim, { ...answer });
    return answer;
  } catch (error) {
    if (error instanceof Problem && error.status < 500 && error.code !== 'idempotency_key_in_use') {
      const { code, detail, errors, headers } = error;
      await keep(call, claim, { problem: { code, detail, errors, headers } });
    } else await release(call, claim);
    throw error;
  }
}

async function claimFirst(call: RepeatableCall, claim: Claim, fingerprint: Uint8Array): Promise<ClaimRow | undefined> {
  const { db, principal, nowMs } = call;
  const times = {
    now: new Date(nowMs),
    until: new Date(nowMs + LEASE_MS),
    expiresAt: new Date(nowMs + RETENTION_MS),
  };
  return inTenant(db, principal, (trx) => claimCall(trx, { ...claim, fingerprint, ...times }));
}

function replay(known: ClaimRow, fingerprint: Uint8Array, call: RepeatableCall): KeptAnswer {
  if (!timingSafeEqual(known.fingerprint, fingerprint)) throw new Problem('idempotency_key_reused');
  if (known.answer !== null) return parseAnswer(unseal(known.answer, sealedFor(call)));
  if (known.claimed_until.getTime() > call.nowMs) {
    throw new Problem('idempotency_key_in_use', { headers: ['retry-after', '1'] });
  }
  throw new Problem('idempotency_answer_lost', {
    detail: `The call was carried out and changed ${known.resource_id ?? 'something'}, but its answer was lost; do not repeat it.`,
  });
}

const Kept = Type.Union([
  Type.Object({
    status: Type.Integer(),
    body: Type.Unknown(),
    headers: Type.Record(Type.String(), Type.String()),
  }),
  Type.Object({
    problem: Type.Object({
      code: Type.String(),
      detail: Type.Optional(Type.String()),
      errors: Type.Array(Type.Object({ path: Type.String(), message: Type.String() })),
      headers: Type.Array(Type.String()),
    }),
  }),
]);

function parseAnswer(text: string | undefined): KeptAnswer {
  const kept: unknown = text === undefined ? undefined : JSON.parse(text);
  if (!Value.Check(Kept, kept)) throw new Error('an answer that was kept cannot be read');
  if (!('problem' in kept)) return { ...kept, headers: { ...kept.headers, 'idempotent-replayed': 'true' } };
  const { code, headers, ...details } = kept.problem;
  if (!isProblemCode(code)) throw new Error(`an answer was kept with the unknown code ${code}`);
  throw new Problem(code, { ...details, headers: [...headers, 'idempotent-replayed', 'true'] });
}

/** What was carried out is the caller's, also when it cannot be kept: the database may be gone meanwhile. */
async function keep(call: RepeatableCall, claim: Claim, answer: object): Promise<void> {
  const text = JSON.stringify(answer);
  if (text.length > MAX_ANSWER_CHARACTERS) return;
  const sealed = seal(text, sealedFor(call));
  await inTenant(call.db, call.principal, (trx) => keepAnswer(trx, claim, sealed)).catch(() => undefined);
}

/** When it fails, the claim ends by itself. */
async function release({ db, principal, nowMs }: RepeatableCall, claim: Claim): Promise<void> {
  await inTenant(db, principal, (trx) => releaseCall(trx, claim, new Date(nowMs))).catch(() => undefined);
}

function toIdentity({ principal, operation, idempotencyKey }: RepeatableCall): CallIdentity {
  return {
    tenantId: principal.tenantId,
    // An operator's keys are one caller: a key may be rotated between two tries.
    callerId: principal.operatorId ?? principal.keyId,
    operation,
    keyHash: createHash('sha256').update(toBareKey(idempotencyKey)).digest(),
  };
}

/** The draft writes it as a quoted string, most clients do not. */
function toBareKey(key: string): string {
  return key.startsWith('"') ? key.slice(1, -1) : key;
}

function sealedFor(call: RepeatableCall): SealedFor {
  const { tenantId, callerId, operation, keyHash } = toIdentity(call);
  const owner = canonicalJson([tenantId, callerId, operation, Buffer.from(keyHash).toString('hex')]);
  return { key: call.key, owner };
}
