// Ids: a kind, an underscore, and 26 characters that sort by the time of their making (ULID layout,
// Crockford base 32 in lower case: 48 bits of milliseconds, 80 bits of chance).

import { randomFillSync } from 'node:crypto';

export type IdKind = 'key' | 'cli' | 'ten' | 'usr' | 'gw' | 'ep' | 'rev' | 'req' | 'evt' | 'aud';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 16;

// Chance is drawn in blocks, as text: one system call serves 256 ids.
const CODES = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
const pool = Buffer.alloc(RANDOM_CHARACTERS * 256);
let chance = '';
let used = 0;

let lastTimeMs = -1;
let lastTimeText = '';

export function newId(kind: IdKind, nowMs: number): string {
  if (used === chance.length) {
    randomFillSync(pool);
    for (let i = 0; i < pool.length; i++) pool[i] = CODES[(pool[i] ?? 0) & 31] ?? 0;
    chance = pool.toString('latin1');
    used = 0;
  }
  used += RANDOM_CHARACTERS;
  return `${kind}_${timeText(nowMs)}${chance.slice(used - RANDOM_CHARACTERS, used)}`;
}

export function isId(kind: IdKind, text: string): boolean {
  return text.startsWith(`${kind}_`) && /^[a-z]+_[0-9a-hjkmnp-tv-z]{26}$/.test(text);
}

function timeText(nowMs: number): string {
  if (nowMs === lastTimeMs) return lastTimeText;
  let rest = nowMs;
  let text = '';
  for (let i = 0; i < TIME_CHARACTERS; i++) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  lastTimeMs = nowMs;
  lastTimeText = text;
  return text;
}
