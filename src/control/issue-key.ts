// Makes keys: their text, which is shown once and kept nowhere, and the row that proves it later.

import type { Kysely } from 'kysely';
import { toJson } from '../db/columns.ts';
import type { Database, RateLimit } from '../db/schema.ts';
import { toForeignId, toForeignProof } from '../lib/foreign-key-text.ts';
import { newId } from '../lib/id.ts';
import { hashKeyText, newKeyText } from '../lib/key-text.ts';
import { pepperIdOf } from '../lib/pepper.ts';
import { insertKey, type KeyRow, type NewKeyRow } from './keys/store.ts';

export interface KeyOrder {
  readonly tenantId: string;
  readonly operatorId: string | null;
  /** Null for keys that belong to no client; a key that takes the place of another has the other's. */
  readonly clientId: string | null;
  readonly name: string;
  readonly description: string | null;
  readonly owner: string | null;
  readonly scopes: readonly string[];
  /** Null: the defaults. */
  readonly rateLimit: RateLimit | null;
  /** Null: none. */
  readonly rateLimitOverride: number | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly environment?: string | null;
  /** Null: from anywhere. */
  readonly allowedIps?: readonly string[] | null;
  readonly expiresAt: Date | null;
  /** When the key was given days instead of a date. */
  readonly lifetimeDays?: number | null;
  readonly createdBy: string;
}

export interface KeyMint {
  readonly keyPrefix: string;
  readonly hmacSecret: string;
  readonly nowMs: number;
}

export interface IssuedKey {
  readonly text: string;
  readonly row: KeyRow;
}

/** A key that was made elsewhere: all that is known of its text. */
export interface ForeignKey {
  /** SHA-256 of the text, in hexadecimal digits of lower case. */
  readonly digest: string;
  readonly keyPrefix: string;
  readonly lastCharacters: string | null;
}

export async function issueKey(trx: Kysely<Database>, order: KeyOrder, mint: KeyMint): Promise<IssuedKey> {
  const { text, row } = mintKey(order, mint);
  return { text, row: await insertKey(trx, row) };
}

/** A key that is in no table yet. */
export function mintKey(order: KeyOrder, mint: KeyMint): { readonly text: string; readonly row: NewKeyRow } {
  const { text, ...own } = newText(order.environment ?? null, mint);
  return { text, row: { ...toTerms(order), ...own, ...birth(mint, order.createdBy) } };
}

/** The row of a key from elsewhere. */
export function toForeignRow(order: KeyOrder, foreign: ForeignKey, mint: KeyMint): NewKeyRow {
  return {
    ...toTerms(order),
    ...birth(mint, order.createdBy),
    public_id: toForeignId(foreign.digest),
    key_prefix: foreign.keyPrefix,
    last_characters: foreign.lastCharacters,
    hash: hashKeyText(toForeignProof(foreign.digest), mint.hmacSecret),
    pepper: pepperIdOf(mint.hmacSecret),
  };
}

export interface Succession {
  readonly createdBy: string;
  readonly expiresAt: Date | null;
}

/** A key in the place of another: all of that one but what tells it apart, and its past. */
export async function issueSuccessor(
  trx: Kysely<Database>,
  old: KeyRow,
  succession: Succession,
  mint: KeyMint,
): Promise<IssuedKey> {
  const { text, ...own } = newText(old.environment, mint);
  const row = await insertKey(trx, {
    ...old,
    rate_limit: old.rate_limit === null ? null : toJson(old.rate_limit),
    metadata: toJson(old.metadata),
    ...own,
    ...birth(mint, succession.createdBy),
    expires_at: succession.expiresAt,
    last_characters: null,
    deprecated_at: null,
    replaced_by: null,
    revoked_at: null,
    expiring_noticed_at: null,
    last_used_at: null,
  });
  return { text, row };
}

function newText(environment: string | null, mint: KeyMint) {
  const prefix = prefixFor(mint.keyPrefix, environment);
  const { text, publicId } = newKeyText(prefix);
  return {
    text,
    public_id: publicId,
    key_prefix: `${prefix}_${publicId}`,
    hash: hashKeyText(text, mint.hmacSecret),
    pepper: pepperIdOf(mint.hmacSecret),
  };
}

/** `tg_live` and `test` make `tg_test`; `km` and `test` make `km_test`: people and leak scanners tell the keys of a test by their sight. */
function prefixFor(keyPrefix: string, environment: string | null): string {
  return environment === null ? keyPrefix : `${keyPrefix.replace(/_live$/, '')}_${environment}`;
}

function birth(mint: KeyMint, createdBy: string) {
  const now = new Date(mint.nowMs);
  return { id: newId('key', mint.nowMs), created_by: createdBy, created_at: now, updated_at: now };
}

function toTerms(order: KeyOrder) {
  return {
    tenant_id: order.tenantId,
    operator_id: order.operatorId,
    client_id: order.clientId,
    name: order.name,
    description: order.description,
    owner: order.owner,
    scopes: [...order.scopes],
    rate_limit: order.rateLimit === null ? null : toJson(order.rateLimit),
    rate_limit_override: order.rateLimitOverride,
    metadata: toJson(order.metadata),
    environment: order.environment ?? null,
    allowed_ips: order.allowedIps ? [...order.allowedIps] : null,
    expires_at: order.expiresAt,
    lifetime_days: order.lifetimeDays ?? null,
  };
}
