// What a control plane says of a key, read strictly, as a credential. A limit or a restriction that is not understood here must not be
// passed over: then nothing of the answer is believed.

import { Verification, type VerifiedKey } from '../control/keys/verify-schema.ts';
import { createValidation } from '../control/validation.ts';
import type { CallerLimit, Credential } from '../gateway/ports.ts';
import { findLimitFault } from '../lib/limit.ts';

const check = createValidation().compile('body', Verification);

/** Undefined when it is none that is understood. */
export function parseVerification(
  body: string,
): { readonly state: 'known'; readonly key: VerifiedKey } | { readonly state: 'unknown' } | undefined {
  const envelope = parseJson(body);
  if (typeof envelope !== 'object' || envelope === null || !('data' in envelope)) return undefined;
  const checked = check(envelope.data);
  if (!checked.ok) return undefined;
  const { isValid, key } = checked.value;
  if (key === undefined) return isValid ? undefined : { state: 'unknown' };
  return key.limits.every((limit) => toLimit(limit) !== undefined) ? { state: 'known', key } : undefined;
}

/** What is remembered of the key's text: enough to prove it here, under a pepper of this process. */
export type Proof = Pick<Credential, 'publicId' | 'hash' | 'pepper'>;

/** As if the key were one of `tenantId`, whose gateways stand here. */
export function toCredential(key: VerifiedKey, proof: Proof, tenantId: string): Credential {
  const { status, suspended, allowedIps, client } = key;
  return {
    ...proof,
    status,
    expiresAtMs: toMs(key.expiresAt),
    ...(suspended !== undefined && { suspended }),
    allowedIps,
    principal: {
      kind: key.kind,
      tenantId,
      keyId: key.id,
      operatorId: key.operatorId,
      name: key.name,
      scopes: key.scopes,
      limits: toLimits(key),
      ...(client !== undefined && { clientId: client.id, ...toRestrictions(client) }),
    },
    ...(client !== undefined && { client: { status: client.status, expiresAtMs: toMs(client.expiresAt) } }),
  };
}

export function toLimits({ limits }: VerifiedKey): CallerLimit[] {
  return limits.flatMap((limit) => toLimit(limit) ?? []);
}

function toRestrictions({ ipWhitelist, allowedCountries, allowedEndpoints }: NonNullable<VerifiedKey['client']>) {
  if (ipWhitelist === undefined && allowedCountries === undefined && allowedEndpoints === undefined) return {};
  return {
    restrictions: {
      ...(ipWhitelist !== undefined && { addresses: ipWhitelist }),
      ...(allowedCountries !== undefined && { countries: allowedCountries }),
      ...(allowedEndpoints !== undefined && { endpoints: allowedEndpoints }),
    },
  };
}

/** Undefined when it cannot be counted. */
function toLimit(shown: VerifiedKey['limits'][number]): CallerLimit | undefined {
  const { of, algorithm, window, limit, burst, timeZone } = shown;
  const made = make();
  return made !== undefined && findLimitFault(made) === undefined ? made : undefined;

  function make(): CallerLimit | undefined {
    switch (algorithm) {
      case 'concurrency':
        return (window ?? burst ?? timeZone) ? undefined : { of, algorithm, limit };
      case 'bucket':
        if ((window !== 'minute' && window !== 'hour') || burst === undefined || timeZone !== undefined)
          return undefined;
        return { of, algorithm, window, limit, burst };
      case 'fixed':
      case 'sliding':
        if (window === undefined || burst !== undefined) return undefined;
        return { of, algorithm, window, limit, ...(timeZone !== undefined && { timeZone }) };
    }
  }
}

function toMs(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
