// Ids: a kind, an underscore, and 26 characters that sort by the time of their making (ULID layout, Crockford base 32 in lower case):
// 48 bits of milliseconds; 20 that count within the millisecond, from a start by chance; 60 of chance. An id tells nobody what another one is, and
// opens nothing.

import { randomFillSync } from 'node:crypto';

export type IdKind = 'key' | 'cli' | 'ten' | 'usr' | 'gw' | 'ep' | 'rev' | 'req' | 'evt' | 'aud';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 12;
/** All texts of two characters, in order. */
const PAIRS = Array.from({ length: 1024 }, (_, i) => ALPHABET.charAt(i >> 5) + ALPHABET.charAt(i & 31));
/** Four characters hold twice as much: that many ids may follow within one millisecond, which is ten times what a thread can make. */
const MAX_START = 2 ** 19;

// Chance is drawn in blocks, as text: one call serves a thousand ids.
const CODES = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
const pool = Buffer.alloc(RANDOM_CHARACTERS * 1024);
let chance = '';
let used = 0;

const starts = new Uint32Array(1024);
let usedStarts = starts.length;

let lastTimeMs = -1;
let lastTimeText = '';
let count = 0;
/** Kind, time and the first half of the count, which change seldom; and for which kind that was. */
let head = '';
let headKind = '';

/** Those that this thread makes within a millisecond sort in the order of their making. */
export function newId(kind: IdKind, nowMs: number): string {
  if (used === chance.length) {
    randomFillSync(pool);
    for (let i = 0; i < pool.length; i++) pool[i] = CODES[(pool[i] ?? 0) & 31] ?? 0;
    chance = pool.toString('latin1');
    used = 0;
  }
  used += RANDOM_CHARACTERS;
  count++;
  if (nowMs !== lastTimeMs) turnTo(nowMs);
  if ((count & 1023) === 0 || headKind !== kind) {
    headKind = kind;
    head = `${kind}_${lastTimeText}${PAIRS[(count >> 10) & 1023]}`;
  }
  return head + PAIRS[count & 1023] + chance.slice(used - RANDOM_CHARACTERS, used);
}

export function isId(kind: IdKind, text: string): boolean {
  return text.startsWith(`${kind}_`) && /^[a-z]+_[0-9a-hjkmnp-tv-z]{26}$/.test(text);
}

/** When it was made, in milliseconds since the epoch; undefined for what is no id. */
export function timeOfId(kind: IdKind, text: string): number | undefined {
  if (!isId(kind, text)) return undefined;
  let timeMs = 0;
  for (const character of text.slice(kind.length + 1, kind.length + 1 + TIME_CHARACTERS))
    timeMs = timeMs * 32 + ALPHABET.indexOf(character);
  return timeMs;
}

function turnTo(nowMs: number): void {
  // Where a clock goes back, the count goes on.
  if (nowMs > lastTimeMs) count = drawStart();
  lastTimeMs = nowMs;
  lastTimeText = '';
  headKind = '';
  let rest = nowMs;
  for (let i = 0; i < TIME_CHARACTERS; i++) {
    lastTimeText = ALPHABET.charAt(rest % 32) + lastTimeText;
    rest = Math.floor(rest / 32);
  }
}

function drawStart(): number {
  if (usedStarts === starts.length) {
    randomFillSync(starts);
    usedStarts = 0;
  }
  return (starts[usedStarts++] ?? 0) % MAX_START;
}
