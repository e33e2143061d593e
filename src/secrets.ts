// The two secrets of an installation, and the proof that they are the ones its database was made with: with another pepper every key
// would be refused as wrong, and nobody would know why.

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Kysely } from 'kysely';
import { readInstallation, saveSecretChecks } from './db/installation.ts';
import type { Database } from './db/schema.ts';

export interface Secrets {
  readonly hmacSecret: string;
  readonly encryptionKey: string;
}

export type SecretName = 'HMAC_SECRET' | 'ENCRYPTION_KEY';

/** The secrets that are not those of the database; empty when all is well. The first start leaves the proof. */
export async function findForeignSecrets(db: Kysely<Database>, secrets: Secrets): Promise<SecretName[]> {
  const hmacCheck = proof(secrets.hmacSecret, 'HMAC_SECRET');
  const encryptionCheck = proof(secrets.encryptionKey, 'ENCRYPTION_KEY');
  let installation = await readInstallation(db);
  if (installation.hmacCheck === undefined) installation = await saveSecretChecks(db, { hmacCheck, encryptionCheck });
  const foreign: SecretName[] = [];
  if (!isSame(installation.hmacCheck, hmacCheck)) foreign.push('HMAC_SECRET');
  if (!isSame(installation.encryptionCheck, encryptionCheck)) foreign.push('ENCRYPTION_KEY');
  return foreign;
}

function proof(secret: string, name: SecretName): Uint8Array {
  return createHmac('sha384', secret).update(`tollgate check of ${name}`).digest();
}

function isSame(kept: Uint8Array | undefined, made: Uint8Array): boolean {
  return kept !== undefined && kept.length === made.length && timingSafeEqual(kept, made);
}
