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

/** Another pepper from now on; unless somebody else has just changed it too. */
export async function replaceHmacCheck(db: Kysely<Database>, before: Uint8Array, after: Uint8Array): Promise<void> {
  await db.updateTable('installation').set({ hmac_check: after }).where('hmac_check', '=', before).execute();
}

/** The channel on which every change of the version is announced. */
export const VERSION_CHANNEL = 'tollgate_version';

/** The keys that a change is about, by their public ids; `all`: anything may have changed. */
export type ChangedKeys = 'all' | readonly string[];

/** A notification holds 8,000 bytes: so many public ids fit in any case. */
const MAX_ANNOUNCED = 150;

/**
 * Counts a change of what gateways serve, announces it to all nodes with the commit, and answers with the new version. The row stays locked
 * until the transaction ends: what must not happen twice at once (a deploy) counts first, everything else last.
 */
export async function bumpVersion(trx: Kysely<Database>, changed: ChangedKeys = 'all'): Promise<number> {
  const keys = changed === 'all' || changed.length > MAX_ANNOUNCED ? null : JSON.stringify(changed);
  const { rows } = await sql<{ version: number }>`
    with bumped as (update installation set version = version + 1 returning version)
    select version, pg_notify(${VERSION_CHANNEL}, json_build_object('version', version, 'keys', ${keys}::json)::text)
    from bumped`.execute(trx);
  const [bumped] = rows;
  if (bumped === undefined) throw new Error('the table installation has no row');
  return bumped.version;
}

export interface Announcement {
  readonly version: number;
  readonly changed: ChangedKeys;
}

/** Undefined for what this program does not write: anybody may notify. */
export function parseAnnouncement(payload: string): Announcement | undefined {
  let json: unknown;
  try {
    json = JSON.parse(payload);
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null || !('version' in json) || typeof json.version !== 'number')
    return undefined;
  const keys: unknown = 'keys' in json ? json.keys : null;
  const isList = Array.isArray(keys) && keys.every((key) => typeof key === 'string');
  return { version: json.version, changed: isList ? keys : 'all' };
}

/** Only the version: the query that every node asks again and again. */
export async function readVersion(db: Kysely<Database>): Promise<number> {
  const row = await db.selectFrom('installation').select('version').executeTakeFirstOrThrow();
  return row.version;
}
