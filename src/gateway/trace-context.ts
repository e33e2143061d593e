// Our step in a trace (W3C Trace Context, level 2): `00-<trace id>-<parent id>-<flags>`, all in lower-case hexadecimal.

import { randomFillSync } from 'node:crypto';
import { hexValue } from './wire/octets.ts';

const SPAN_CHARACTERS = 16;
const LENGTH = 55;
const DASH = 0x2d;
/** sampled and random: the two flags that are defined. Others are set to zero (§3.2.2.5). */
const KNOWN_FLAGS = 3;
/**
 * Of a trace that begins here: its id is chance, and it is sampled. The usual sampler of upstreams records what has no parent, or a sampled
 * one; with any other flags the traces of a service would vanish on the day a gateway is put before it.
 */
const NEW_FLAGS = '03';

// Chance is drawn in blocks, as text: one system call serves 512 steps.
const pool = Buffer.alloc((SPAN_CHARACTERS / 2) * 512);
let chance = '';
let used = 0;

/** First steps, one after the other, as lines: one slice serves a request. */
let beginnings = '';
let begun = 0;
const BLANK = toLine(`00-${'*'.repeat(32)}-${'*'.repeat(SPAN_CHARACTERS)}-${NEW_FLAGS}`);
const rendered = Buffer.from(BLANK.repeat(512), 'latin1');
const renderedView = new DataView(rendered.buffer, rendered.byteOffset, rendered.length);
/** Where in the text the two digits of an octet of chance go. */
const places = Uint16Array.from(rendered.toString('latin1').matchAll(/\*\*/g), ({ index }) => index);
const octets = Buffer.alloc(places.length);
/** The two digits of each octet, as the number that they are in memory. */
const DIGITS = Uint16Array.from({ length: 256 }, (_, octet) =>
  Buffer.from(Buffer.of(octet).toString('hex')).readUInt16BE(),
);

/** Whether the text names a trace and a parent that can be continued (§3.2.2, §4.3). */
export function isTraceparent(text: string): boolean {
  if (text.length < LENGTH || !isHex(text, 0, 2) || text.startsWith('ff')) return false;
  // A later version may say more after what we know, and only after a dash.
  if (text.length > LENGTH && (text.startsWith('00') || text.charCodeAt(LENGTH) !== DASH)) return false;
  if (text.charCodeAt(2) !== DASH || text.charCodeAt(35) !== DASH || text.charCodeAt(52) !== DASH) return false;
  return isId(text, 3, 35) && isId(text, 36, 52) && isHex(text, 53, 55);
}

/** As a line: the same trace, with us as the parent of what follows. `parent` is one that `isTraceparent` approved of. */
export function continueTrace(parent: string): string {
  return toLine(`00-${parent.slice(3, 35)}-${draw(SPAN_CHARACTERS)}-0${hexValue(parent.charCodeAt(54)) & KNOWN_FLAGS}`);
}

/** As a line: the first step of a new trace. */
export function beginTrace(): string {
  if (begun === beginnings.length) {
    randomFillSync(octets);
    for (let i = 0; i < places.length; i++) renderedView.setUint16(places[i] ?? 0, DIGITS[octets[i] ?? 0] ?? 0);
    beginnings = rendered.toString('latin1');
    begun = 0;
  }
  begun += BLANK.length;
  return beginnings.slice(begun - BLANK.length, begun);
}

function toLine(traceparent: string): string {
  return `traceparent: ${traceparent}\r\n`;
}

/** An id: hexadecimal, and not all zero. */
function isId(text: string, from: number, end: number): boolean {
  if (!isHex(text, from, end)) return false;
  for (let i = from; i < end; i++) if (text.charCodeAt(i) !== 0x30) return true;
  return false;
}

/** Capital letters are refused (§3.2.2). */
function isHex(text: string, from: number, end: number): boolean {
  for (let i = from; i < end; i++) {
    const octet = text.charCodeAt(i);
    if (hexValue(octet) < 0 || (octet >= 0x41 && octet <= 0x46)) return false;
  }
  return true;
}

/** Sixteen characters that are all zero, which no id may be, would come once in 2^64 draws: that trace is then begun anew by the next hop. */
function draw(characters: number): string {
  if (used + characters > chance.length) {
    chance = randomFillSync(pool).toString('hex');
    used = 0;
  }
  used += characters;
  return chance.slice(used - characters, used);
}
