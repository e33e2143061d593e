// The text of a key: `<prefix>_<public id>_<secret><checksum>`.
//
// The public id finds the key, the secret (256 bits) proves it, and the checksum (CRC-32 of all before it) tells a typing error or
// a leak scanner's false find without a look-up. The prefix takes no part: keys made under an older one go on working. Only an HMAC of
// the whole text is ever stored. Keys that were made elsewhere: see foreign-key-text.ts.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from './crc32.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Octet → its value in BASE62, or -1. */
const VALUES = Int8Array.from({ length: 256 }, (_, octet) => BASE62.indexOf(String.fromCharCode(octet)));
const PUBLIC_ID_CHARACTERS = 12;
const SECRET_CHARACTERS = 43;
const CHECKSUM_CHARACTERS = 6;
/** Room for the prefix of the settings and an environment behind it. */
const MAX_PREFIX_CHARACTERS = 64;
const BEHIND_PREFIX = 1 + PUBLIC_ID_CHARACTERS + 1 + SECRET_CHARACTERS + CHECKSUM_CHARACTERS;
const UNDERSCORE = 0x5f;

export interface NewKeyText {
  readonly text: string;
  readonly publicId: string;
}

export function newKeyText(prefix: string): NewKeyText {
  const publicId = randomBase62(PUBLIC_ID_CHARACTERS);
  const body = `${prefix}_${publicId}_${randomBase62(SECRET_CHARACTERS)}`;
  return { text: body + checksum(body), publicId };
}

/**
 * The public id of a text that has the form of a key: as long as one, with underscores where they stand. Undefined for all else. Says
 * nothing of the characters between: who has found nothing under the id asks `hasChecksum`.
 */
export function readPublicId(text: string): string | undefined {
  const idMark = text.length - BEHIND_PREFIX;
  if (idMark < 1 || idMark > MAX_PREFIX_CHARACTERS) return undefined;
  const secretMark = idMark + 1 + PUBLIC_ID_CHARACTERS;
  if (text.charCodeAt(idMark) !== UNDERSCORE || text.charCodeAt(secretMark) !== UNDERSCORE) return undefined;
  return text.slice(idMark + 1, secretMark);
}

/** Whether a text of that form is a key as it was made: no character of it mistyped. */
export function hasChecksum(text: string): boolean {
  const idMark = text.length - BEHIND_PREFIX;
  if (!isPrefix(text, idMark)) return false;
  for (let i = idMark + 1; i < text.length; i++) {
    if (i !== idMark + 1 + PUBLIC_ID_CHARACTERS && !isBase62(text.charCodeAt(i))) return false;
  }
  const split = text.length - CHECKSUM_CHARACTERS;
  return readBase62(text, split) === crc32(text, split);
}

/** The public id of a well-formed key, or undefined when the form or the checksum is wrong. */
export function parsePublicId(text: string): string | undefined {
  const publicId = readPublicId(text);
  return publicId !== undefined && hasChecksum(text) ? publicId : undefined;
}

/** HMAC-SHA-384 of the whole text under the server's pepper: 48 bytes. */
export function hashKeyText(text: string, pepper: string): Uint8Array {
  return createHmac('sha384', pepper).update(text, 'latin1').digest();
}

/** Compares in constant time; different lengths are simply unequal. */
export function isKeyHash(expected: Uint8Array, actual: Uint8Array): boolean {
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** A lower-case letter, then lower-case letters, digits and underscores. */
function isPrefix(text: string, end: number): boolean {
  for (let i = 0; i < end; i++) {
    const octet = text.charCodeAt(i);
    const isLetter = octet >= 0x61 && octet <= 0x7a;
    if (!isLetter && (i === 0 || (octet !== UNDERSCORE && !(octet >= 0x30 && octet <= 0x39)))) return false;
  }
  return true;
}

function isBase62(octet: number): boolean {
  return (VALUES[octet] ?? -1) >= 0;
}

/** The number that the text spells from `start` to its end. */
function readBase62(text: string, start: number): number {
  let value = 0;
  for (let i = start; i < text.length; i++) value = value * 62 + (VALUES[text.charCodeAt(i)] ?? 0);
  return value;
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
