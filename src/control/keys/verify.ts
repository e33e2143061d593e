// What a key permits, for gateways that stand elsewhere and keep no keys: they bring the whole text, and a credential of their own.

import type { Transaction } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { TenantScope } from '../../db/scope.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import type { CallerLimit, Credential } from '../../gateway/ports.ts';
import { isForeignId, toOwnForeignId } from '../../lib/foreign-key-text.ts';
import { findKeyRefusal } from '../../lib/key-state.ts';
import { hashKeyText, isKeyHash } from '../../lib/key-text.ts';
import { algorithmOf } from '../../lib/limit.ts';
import { findPepper, toPeppers } from '../../lib/pepper.ts';
import { parsePresentedKey } from '../../lib/presented-key.ts';
import { operation } from '../operation.ts';
import type { Services } from '../services.ts';
import { Verification, VerifyKey, type VerifiedKey } from './verify-schema.ts';

export const verifyKey = operation(['admin:keys:verify', 'admin:keys:read', 'keys:read'], {
  id: 'verifyKey',
  method: 'POST',
  path: '/keys/verify',
  summary: 'Ask what a key permits',
  description:
    'For a gateway that stands elsewhere, such as a sidecar: what it has to hold a caller to who brought this key. Keys that the asker may not see are unknown, like texts that are no key.',
  tag: 'Keys',
  body: VerifyKey,
  replies: { 200: Verification },
  async handle({ body }, { services, principal, nowMs }) {
    const credential = await inTenant(services.db, principal, (trx) => findProven(trx, principal, services, body.key));
    if (credential === undefined) return { status: 200, data: { isValid: false, reason: 'invalid_key' } };
    const reason = findKeyRefusal(credential, nowMs);
    const verdict = reason === undefined ? { isValid: true } : { isValid: false, reason };
    return { status: 200, data: { ...verdict, key: toVerifiedKey(credential) } };
  },
});

/** The key of this text that the scope may see, once the text has proved it. */
async function findProven(
  trx: Transaction<Database>,
  scope: TenantScope,
  services: Services,
  text: string,
): Promise<Credential | undefined> {
  const presented = parsePresentedKey(text);
  if (presented === undefined) return undefined;
  const { publicId, proof } = presented;
  const ids = isForeignId(publicId) ? [toOwnForeignId(publicId, scope.tenantId), publicId] : [publicId];
  const found = await services.findCredentials(trx, ids);
  const credential = ids.map((id) => found.get(id)).find((one) => one !== undefined && isSeen(one, scope));
  const peppers = toPeppers(services.hmacSecret, services.previousHmacSecret);
  const { current } = peppers;
  const pepper = credential && findPepper(peppers, credential.pepper);
  // The HMAC is made for unknown keys too, so that the answer's time does not tell whether the public id exists.
  const made = hashKeyText(proof, (pepper ?? current).secret);
  if (credential === undefined || pepper === undefined || !isKeyHash(credential.hash, made)) return undefined;
  // As a gateway thread does it: a key that is used nowhere else must outlive its pepper as well.
  if (pepper !== current) {
    const hash = hashKeyText(proof, current.secret);
    await services.saveRehash(trx, { publicId: credential.publicId, was: credential.hash, hash, pepper: current.id });
  }
  return credential;
}

/** The key of a client sees the keys of its client only. */
function isSeen({ principal }: Credential, scope: TenantScope): boolean {
  if (principal.tenantId !== scope.tenantId) return false;
  return scope.clientId === undefined || principal.clientId === scope.clientId;
}

function toVerifiedKey({ principal, client, ...credential }: Credential): VerifiedKey {
  const { status, expiresAtMs, suspended, allowedIps } = credential;
  return {
    id: principal.keyId,
    name: principal.name,
    kind: principal.kind,
    ...(principal.operatorId !== undefined && { operatorId: principal.operatorId }),
    status,
    ...toExpiry(expiresAtMs),
    ...(suspended !== undefined && { suspended }),
    scopes: [...principal.scopes],
    limits: principal.limits.map(toShownLimit),
    ...(allowedIps !== undefined && { allowedIps: [...allowedIps] }),
    ...(client !== undefined && { client: toShownClient(principal, client) }),
  };
}

function toShownClient(
  { clientId = '', restrictions = {} }: Credential['principal'],
  { status, expiresAtMs }: NonNullable<Credential['client']>,
): NonNullable<VerifiedKey['client']> {
  const { addresses, countries, endpoints } = restrictions;
  return {
    id: clientId,
    status,
    ...toExpiry(expiresAtMs),
    ...(addresses !== undefined && { ipWhitelist: [...addresses] }),
    ...(countries !== undefined && { allowedCountries: [...countries] }),
    ...(endpoints !== undefined && { allowedEndpoints: [...endpoints] }),
  };
}

function toExpiry(expiresAtMs: number | undefined): { expiresAt?: string } {
  return expiresAtMs === undefined ? {} : { expiresAt: new Date(expiresAtMs).toISOString() };
}

function toShownLimit({ of = 'key', ...limit }: CallerLimit): VerifiedKey['limits'][number] {
  const { expose: _, ...counted } = limit;
  return { of, ...counted, algorithm: algorithmOf(limit) };
}
