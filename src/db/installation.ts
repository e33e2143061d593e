// The one row that describes this installation.

import { sql, type Kysely } from 'kysely';
import type { Database } from './schema.ts';

export interface Installation {
  readonly version: number;
  readonly setupAt: Date | undefined;
  readonly firstGatewayAt: Date | undefined;
  readonly hmacCheck: Uint8Array | undefined;
  readonly encryptionCheck: Uint8Array | undefined;
}

export interface SecretChecks {
  readonly hmacCheck: Uint8Array;
  readonly encryptionCheck: Uint8Array;
}

export async function readInstallation(db: Kysely<Database>): Promise<Installation> {
  const row = await db.selectFrom('installation').selectAll().executeTakeFirstOrThrow();
  return {
    version: row.version,
    setupAt: row.setup_at ?? undefined,
    firstGatewayAt: row.first_gateway_at ?? undefined,
    hmacCheck: row.hmac_check ?? undefined,
    encryptionCheck: row.encryption_check ?? undefined,
  };
}

/** Keeps the checks unless there are some already: of two first starts at once, one wins. Answers with those that stand. */
export async function saveSecretChecks(db: Kysely<Database>, checks: SecretChecks): Promise<Installation> {
  await db
    .updateTable('installation')
    .set({ hmac_check: checks.hmacCheck, encryption_check: checks.encryptionCheck })
    .where('hmac_check', 'is', null)
    .execute();
  return readInstallation(db);
}

/**
 * Counts a change of what gateways serve, and answers with the new version. The row stays locked until the transaction ends: what must not
 * happen twice at once (a deploy) counts first, everything else last.
 */
export async function bumpVersion(trx: Kysely<Database>): Promise<number> {
  const row = await trx
    .updateTable('installation')
    .set({ version: sql<number>`version + 1` })
    .returning('version')
    .executeTakeFirstOrThrow();
  return row.version;
}

/** Only the version: the query that every node asks again and again. */
export async function readVersion(db: Kysely<Database>): Promise<number> {
  const row = await db.selectFrom('installation').select('version').executeTakeFirstOrThrow();
  return row.version;
}
