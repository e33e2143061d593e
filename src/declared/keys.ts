// Keys that stand in a file, or in an object, in the place of a database. Their texts are in neither.

import { Type, type Static } from 'typebox';
import { keyTerms } from '../control/keys/schema.ts';
import { toLimits } from '../control/rate-limit.ts';
import { closed, optional, text } from '../control/schema-parts.ts';
import { createValidation } from '../control/validation.ts';
import type { Credential } from '../gateway/ports.ts';
import { parseKeyHash } from '../lib/key-hash.ts';
import { findPepper, type Peppers } from '../lib/pepper.ts';
import type { Fault } from '../lib/problem.ts';
import { normalizeScope } from '../lib/scope.ts';

const MAX_KEYS = 10_000;

const { description, owner, scopes, rateLimit, allowedIps, expiresAt } = keyTerms;

const KeyEntry = closed({
  name: text(200, 'What the key is for; no other key of the list has it. Records tell the key by it.'),
  hash: text(200, 'What proves the key, as `tollgate key-file` writes it.'),
  description: optional(description),
  owner: optional(owner),
  scopes,
  rateLimit,
  allowedIps,
  expiresAt,
});

const KeyList = closed({ keys: Type.Array(KeyEntry, { maxItems: MAX_KEYS, description: 'Every key there is.' }) });

/** A key as it stands in a file of keys. */
export type KeyEntry = Static<typeof KeyEntry>;

/** Public id → credential. */
export type KeyRing = ReadonlyMap<string, Credential>;

export interface KeyOptions {
  readonly peppers: Peppers;
  /** Whose gateways they are keys of. */
  readonly tenantId: string;
  /** Of keys that name no limits. */
  readonly defaultRateLimit: NonNullable<KeyEntry['rateLimit']>;
}

export interface ParsedKeys {
  readonly keys: KeyRing;
  /** With paths such as `[2].hash`. Empty when all is well. */
  readonly faults: readonly Fault[];
}

/** Takes a list of keys. Nothing, as an empty file holds it, is an empty list. */
export function parseKeys(document: unknown, options: KeyOptions): ParsedKeys {
  const checked = createValidation().compile('body', KeyList)({ keys: document ?? [] });
  if (!checked.ok) return { keys: new Map(), faults: checked.faults.map(toListFault) };
  const keys = new Map<string, Credential>();
  const names = new Map<string, number>();
  const faults: Fault[] = [];
  for (const [i, entry] of checked.value.keys.entries()) {
    const first = names.get(entry.name);
    if (first !== undefined)
      faults.push({ path: `[${i}].name`, message: `"${entry.name}" is there already, at [${first}]` });
    names.set(entry.name, i);
    const credential = toCredential(entry, options);
    if (typeof credential === 'string') faults.push({ path: `[${i}].hash`, message: credential });
    else if (keys.has(credential.publicId)) faults.push({ path: `[${i}].hash`, message: 'is there twice' });
    else keys.set(credential.publicId, credential);
  }
  return { keys: faults.length > 0 ? new Map() : keys, faults };
}

/** The credential, or what is wrong with the hash. */
function toCredential(entry: KeyEntry, { peppers, tenantId, defaultRateLimit }: KeyOptions): Credential | string {
  const proof = parseKeyHash(entry.hash, peppers.current);
  if (proof === undefined) {
    return 'must be a line as `tollgate key-file` makes it (hmac-sha384:…), or without HMAC_SECRET sha256: and 64 hexadecimal digits; never the key itself';
  }
  if (findPepper(peppers, proof.pepper) === undefined) {
    return 'was made under another HMAC_SECRET than this one; give that one, or make the key anew';
  }
  return {
    ...proof,
    status: 'active',
    expiresAtMs: entry.expiresAt === undefined ? undefined : Date.parse(entry.expiresAt),
    allowedIps: entry.allowedIps,
    principal: {
      kind: 'key',
      tenantId,
      keyId: entry.name,
      operatorId: undefined,
      name: entry.name,
      scopes: (entry.scopes ?? []).map(normalizeScope),
      limits: toLimits(entry.rateLimit ?? defaultRateLimit),
    },
  };
}

/** `body.keys[2].name` → `[2].name`. */
function toListFault({ path, message }: Fault): Fault {
  return { path: path.replace(/^body\.keys/, ''), message: path === 'body.keys' ? 'must be a list of keys' : message };
}
