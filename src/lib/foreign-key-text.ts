// Keys that were made elsewhere and came here as SHA-256 hashes. Their text may be anything, so their digest does what public id and
// secret do for ours: half of it finds the key, all of it, under the pepper, proves it.

import { hash } from 'node:crypto';

/** Shorter texts could be guessed; longer ones are no keys but tokens. */
const MIN_CHARACTERS = 16;
const MAX_CHARACTERS = 256;
/** 128 bits: no two keys share them, and the stored half alone proves nothing. */
const ID_DIGITS = 32;
const ID_PREFIX = 'sha256_';

/** Whether a text may be such a key: visible ASCII, neither short nor long. */
export function isForeignText(text: string): boolean {
  if (text.length < MIN_CHARACTERS || text.length > MAX_CHARACTERS) return false;
  for (let i = 0; i < text.length; i++) {
    const octet = text.charCodeAt(i);
    if (octet < 0x21 || octet > 0x7e) return false;
  }
  return true;
}

/** SHA-256, 64 hexadecimal digits in lower case. */
export function digestOf(text: string): string {
  return hash('sha256', text, 'hex');
}

/** What the key with this digest is found by, in the place of a public id. */
export function toForeignId(digest: string): string {
  return ID_PREFIX + digest.slice(0, ID_DIGITS);
}

/** The same for a tenant that has taken the key over after another one had. */
export function toOwnForeignId(publicId: string, tenantId: string): string {
  return `${publicId}@${tenantId}`;
}

export function isForeignId(publicId: string): boolean {
  return publicId.startsWith(ID_PREFIX);
}

/** What is hashed under the pepper in the place of the text. No text of a key of ours looks like it. */
export function toForeignProof(digest: string): string {
  return `sha256:${digest}`;
}
