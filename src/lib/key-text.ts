// The text of a key: `<prefix>_<public id>_<secret><checksum>`.
//
// The public id finds the key, the secret (256 bits) proves it, and the checksum (CRC-32 of all before it) tells a typing error or
// a leak scanner's false find without a look-up. Only an HMAC of the whole text is ever stored.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from './crc32.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Octet → its value in BASE62, or -1. */
const VALUES = Int8Array.from({ length: 256 }, (_, octet) => BASE62.indexOf(String.fromCharCode(octet)));
const PUBLIC_ID_CHARACTERS = 12;
const SECRET_CHARACTERS = 43;
const CHECKSUM_CHARACTERS = 6;
const MAX_PREFIX_CHARACTERS = 32;
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

/** The public id of a well-formed key, or undefined when the form or the checksum is wrong. Read from the end, where lengths are fixed. */
export function parsePublicId(text: string): string | undefined {
  const secretMark = text.length - SECRET_CHARACTERS - CHECKSUM_CHARACTERS - 1;
  const idMark = secretMark - PUBLIC_ID_CHARACTERS - 1;
  if (idMark < 1 || idMark > MAX_PREFIX_CHARACTERS || !isPrefix(text, idMark)) return undefined;
  for (let i = idMark; i < text.length; i++) {
    const isMark = i === idMark || i === secretMark;
    const octet = text.charCodeAt(i);
    if (isMark ? octet !== UNDERSCORE : !isBase62(octet)) return undefined;
  }
  const split = text.length - CHECKSUM_CHARACTERS;
  return readBase62(text, split) === crc32(text, split) ? text.slice(idMark + 1, secretMark) : undefined;
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
