// Whether a key is valid, for whoever holds it: nothing is told but to one who brings all of its text.

import { Type } from 'typebox';
import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { findKeyRefusal, type KeyRefusal } from '../../lib/key-state.ts';
import { hashKeyText, isKeyHash } from '../../lib/key-text.ts';
import { findPepper, toPeppers, type Peppers } from '../../lib/pepper.ts';
import { parsePresentedKey } from '../../lib/presented-key.ts';
import { hasScope, normalizeScope } from '../../lib/scope.ts';
import { publicOperation } from '../operation.ts';
import { closed, oneOf, optional, text } from '../schema-parts.ts';
import { findHash, findShown } from './store.ts';

const ValidateKey = closed({
  key: text(512, 'The key, all of it.'),
  scopes: optional(
    Type.Array(Type.String({ format: 'scope' }), { maxItems: 50, description: 'What the key has to permit.' }),
  ),
});

const scopeList = (description: string) => optional(Type.Array(Type.String(), { description }));
const REASONS = ['insufficient_scope', 'invalid_key', 'expired', 'revoked'] as const;
type Reason = (typeof REASONS)[number];

const Validity = closed({
  isValid: Type.Boolean(),
  keyId: optional(Type.String({ description: '`key_…`' })),
  scopes: scopeList('What the key permits.'),
  owner: optional(Type.String({ description: 'Who uses it.' })),
  reason: optional(oneOf(REASONS, 'Why it is not valid.')),
  requiredScopes: scopeList('With insufficient_scope: what was asked for.'),
  providedScopes: scopeList('With insufficient_scope: what the key permits.'),
});

export const validateKey = publicOperation({
  id: 'validateKey',
  method: 'POST',
  path: '/validate',
  summary: 'Ask whether a key is valid',
  description:
    'For services that take keys of their own callers. Where the key may be used from is not looked at: who asks is not who brought it. One address may ask so often a minute (`VALIDATIONS_PER_MINUTE`).',
  tag: 'Keys',
  body: ValidateKey,
  replies: { 200: Validity },
  compact: { path: '/validate', reply: Validity, present: ({ data }) => data },
  async handle({ body }, { services, nowMs }) {
    const { db, hmacSecret, previousHmacSecret } = services;
    const publicId = await findProven(db, body.key, toPeppers(hmacSecret, previousHmacSecret));
    if (publicId === undefined) return { status: 200, data: invalid('invalid_key') };
    const credential = await services.findCredential(publicId);
    const shown = await findShown(db, publicId);
    if (credential === undefined || shown === undefined) return { status: 200, data: invalid('invalid_key') };
    const refusal = findKeyRefusal(credential, nowMs);
    if (refusal !== undefined) return { status: 200, data: invalid(toReason(refusal)) };

    const { principal } = credential;
    // Of an operator's key, what its role leaves of them.
    const scopes = principal.kind === 'key' ? shown.scopes : [...principal.scopes];
    const required = body.scopes ?? [];
    if (!required.every((scope) => hasScope(principal.scopes, normalizeScope(scope)))) {
      const data = { ...invalid('insufficient_scope'), requiredScopes: required, providedScopes: scopes };
      return { status: 200, data };
    }
    const owner = shown.owner === null ? {} : { owner: shown.owner };
    return { status: 200, data: { isValid: true, keyId: principal.keyId, scopes, ...owner } };
  },
});

/**
 * What the key is found by, once it has proved itself. An unknown key costs what a wrong one costs: one look-up that answers with one row, and one
 * HMAC. Only what is malformed, which everybody can see for himself, is refused earlier.
 */
async function findProven(db: Kysely<Database>, given: string, peppers: Peppers): Promise<string | undefined> {
  const presented = parsePresentedKey(given);
  if (presented === undefined) return undefined;
  const kept = await findHash(db, presented.publicId, { hash: new Uint8Array(48), pepper: peppers.current.id });
  const pepper = findPepper(peppers, kept.pepper);
  const made = hashKeyText(presented.proof, (pepper ?? peppers.current).secret);
  // No HMAC is all zeros: what stands for an unknown key proves nobody.
  return isKeyHash(kept.hash, made) && pepper !== undefined ? presented.publicId : undefined;
}

function invalid(reason: Reason) {
  return { isValid: false, reason };
}

/** The guide knows these four: what somebody has stopped counts as revoked, what time has stopped as expired. */
function toReason(refusal: KeyRefusal): Reason {
  switch (refusal) {
    case 'key_revoked':
    case 'key_superseded':
    case 'operator_suspended':
    case 'tenant_suspended':
    case 'client_pending':
    case 'client_suspended':
    case 'client_rejected':
      return 'revoked';
    case 'key_expired':
    case 'client_expired':
      return 'expired';
  }
}
