// A key as one would make it who has seen the public id of another: a secret of their own, and a checksum that is right.

import { crc32 } from '../../src/lib/crc32.ts';
import { newKeyText, parsePublicId } from '../../src/lib/key-text.ts';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CHECKSUM_CHARACTERS = 6;

export function forgeKeyText(publicId: string): string {
  const { text, publicId: own } = newKeyText('tg_live');
  const body = text.slice(0, -CHECKSUM_CHARACTERS).replace(own, publicId);
  let rest = crc32(body);
  let checksum = '';
  for (let i = 0; i < CHECKSUM_CHARACTERS; i++) {
    checksum = DIGITS.charAt(rest % DIGITS.length) + checksum;
    rest = Math.floor(rest / DIGITS.length);
  }
  const forged = body + checksum;
  if (parsePublicId(forged) !== publicId) throw new Error('the forgery would be told from a key by its form');
  return forged;
}
