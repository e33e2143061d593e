// The two secrets of an installation, and the proof that they are the ones its database was made with: with another pepper every key
// would be refused as wrong, and nobody would know why.

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Kysely } from 'kysely';
import { readInstallation, replaceHmacCheck, saveSecretChecks } from './db/installation.ts';
import type { Database } from './db/schema.ts';
import { pepperIdOf, proofOfPepper } from './lib/pepper.ts';

export interface Secrets {
  readonly hmacSecret: string;
  /** The pepper before it, while keys are still hashed under that. */
  readonly previousHmacSecret: string | undefined;
  readonly encryptionKey: string;
}

export type SecretName = 'HMAC_SECRET' | 'ENCRYPTION_KEY';

/**
 * The secrets that are not those of the database; empty when all is well. The first start leaves the proof. A pepper may take the place of
 * another when that one is still at hand as the previous one.
 */
export async function findForeignSecrets(db: Kysely<Database>, secrets: Secrets): Promise<SecretName[]> {
  const hmacCheck = proofOfPepper(secrets.hmacSecret);
  const encryptionCheck = createHmac('sha384', secrets.encryptionKey)
    .update('tollgate check of ENCRYPTION_KEY')
    .digest();
  let installation = await readInstallation(db);
  if (installation.hmacCheck === undefined) installation = await saveSecretChecks(db, { hmacCheck, encryptionCheck });
  const foreign: SecretName[] = [];
  if (!isSame(installation.hmacCheck, hmacCheck)) {
    const previous = secrets.previousHmacSecret;
    const before = previous === undefined ? undefined : proofOfPepper(previous);
    if (before !== undefined && isSame(installation.hmacCheck, before)) await replaceHmacCheck(db, before, hmacCheck);
    else foreign.push('HMAC_SECRET');
  }
  if (!isSame(installation.encryptionCheck, encryptionCheck)) foreign.push('ENCRYPTION_KEY');
  return foreign;
}

/** How many keys that could work are hashed under a pepper that is not at hand, and are refused for it. */
export async function countUnprovable(db: Kysely<Database>, secrets: Secrets, now: Date): Promise<number> {
  const peppers = [secrets.hmacSecret, secrets.previousHmacSecret].filter((secret) => secret !== undefined);
  const { count } = await db
    .selectFrom('keys')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('pepper', 'not in', peppers.map(pepperIdOf))
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
    .executeTakeFirstOrThrow();
  return count;
}

function isSame(kept: Uint8Array | undefined, made: Uint8Array): boolean {
  return kept !== undefined && kept.length === made.length && timingSafeEqual(kept, made);
}
