// The text of a key: `<prefix>_<public id>_<secret><checksum>`.
//
// The public id finds the key, the secret (256 bits) proves it, and the checksum (CRC-32 of all before it) tells a typing error or
// a leak scanner's false find without a look-up. Only an HMAC of the whole text is ever stored.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const PUBLIC_ID_CHARACTERS = 12;
const SECRET_CHARACTERS = 43;
const CHECKSUM_CHARACTERS = 6;
const FORM = /^([a-z][a-z0-9_]{0,31})_([0-9A-Za-z]{12})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;
const MAX_CHARACTERS = 32 + 1 + PUBLIC_ID_CHARACTERS + 1 + SECRET_CHARACTERS + CHECKSUM_CHARACTERS;

export interface NewKeyText {
  readonly text: string;
  readonly publicId: string;
}

export function newKeyText(prefix: string): NewKeyText {
  const publicId = randomBase62(PUBLIC_ID_CHARACTERS);
  const body = `${prefix}_${publicId}_${randomBase62(SECRET_CHARACTERS)}`;
  return { text: body + checksum(body), publicId };
}

/** The public id of a well-formed key, or undefined when the form or the checksum is wrong. */
export function parsePublicId(text: string): string | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const parts = FORM.exec(text);
  if (parts === null) return undefined;
  const split = text.length - CHECKSUM_CHARACTERS;
  return checksum(text.slice(0, split)) === text.slice(split) ? parts[2] : undefined;
}

/** HMAC-SHA-384 of the whole text under the server's pepper: 48 bytes. */
export function hashKeyText(text: string, pepper: string): Uint8Array {
  return createHmac('sha384', pepper).update(text, 'latin1').digest();
}

/** Compares in constant time; different lengths are simply unequal. */
export function isKeyHash(expected: Uint8Array, actual: Uint8Array): boolean {
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let i = 0; i < CHECKSUM_CHARACTERS; i++) {
    text = BASE62.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

function randomBase62(length: number): string {
  let text = '';
  while (text.length < length) {
    // 248 is the largest multiple of 62 below 256: bytes above it would favour the first characters.
    for (const byte of randomBytes(length)) if (byte < 248 && text.length < length) text += BASE62.charAt(byte % 62);
  }
  return text;
}
