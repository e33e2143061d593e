// A key as a file keeps it: never its text, only what proves it, in one line that tells how it was made.
//
//   hmac-sha384:<what finds the key>:<id of the pepper>:<HMAC-SHA-384 of what proves it, in base64url>
//   sha256:<SHA-256 of the text, 64 hexadecimal digits>      for keys that were made elsewhere, where no pepper is given

import { toForeignId, toForeignProof } from './foreign-key-text.ts';
import { hashKeyText } from './key-text.ts';
import type { Pepper } from './pepper.ts';
import { parsePresentedKey } from './presented-key.ts';

/**
 * What keys in files are hashed under unless `HMAC_SECRET` is given. It is no secret, nor has it to be: the texts of our keys hold 256 bits
 * that nobody guesses, pepper or not. With a pepper, whoever can write the file still cannot make a key that works.
 */
export const PEPPER_OF_FILES = 'tollgate: keys in files without HMAC_SECRET';

const HASHED = /^hmac-sha384:([0-9A-Za-z]{12}|sha256_[0-9a-f]{32}):([0-9a-f]{16}):([A-Za-z0-9_-]{64})$/;
const PLAIN = /^sha256:([0-9a-f]{64})$/i;

export interface KeyProof {
  /** What the key is found by. */
  readonly publicId: string;
  readonly hash: Uint8Array;
  /** The id of the pepper in the hash. */
  readonly pepper: string;
}

/** The line for a key's text; undefined for what can be no key. */
export function toKeyHash(text: string, pepper: Pepper): string | undefined {
  const key = parsePresentedKey(text);
  if (key === undefined) return undefined;
  const hash = Buffer.from(hashKeyText(key.proof, pepper.secret)).toString('base64url');
  return `hmac-sha384:${key.publicId}:${pepper.id}:${hash}`;
}

/** What the line proves, in the terms of whoever proves keys under this pepper; undefined when it is no such line. */
export function parseKeyHash(line: string, pepper: Pepper): KeyProof | undefined {
  const hashed = HASHED.exec(line);
  if (hashed !== null) {
    const [, publicId = '', id = '', hash = ''] = hashed;
    return { publicId, pepper: id, hash: Buffer.from(hash, 'base64url') };
  }
  const digest = PLAIN.exec(line)?.[1]?.toLowerCase();
  // Anybody can make such a line, which is what a pepper is there to prevent.
  if (digest === undefined || pepper.secret !== PEPPER_OF_FILES) return undefined;
  return { publicId: toForeignId(digest), pepper: pepper.id, hash: hashKeyText(toForeignProof(digest), pepper.secret) };
}
