// Who we are to the hops around us (RFC 9110 §7.6.3), and whether a message has been here before.

import { createHmac } from 'node:crypto';

const COMMA = 0x2c;
const OPEN = 0x28;
const CLOSE = 0x29;
const BACKSLASH = 0x5c;

/**
 * The name in `Via`: the same on all nodes of an installation, another one on every other, since one Tollgate behind another is no
 * loop. Made from the secret that the nodes share, of which its eight digits tell nothing.
 */
export function toPseudonym(hmacSecret: string): string {
  return `tollgate-${createHmac('sha384', hmacSecret).update('tollgate name in Via').digest('hex').slice(0, 8)}`;
}

/** Whether a `Via` field lists the pseudonym as a hop; the words of its comments do not count. */
export function listsHop(value: string, pseudonym: string): boolean {
  if (!value.includes(pseudonym)) return false;
  let depth = 0;
  let from = 0;
  for (let i = 0; i < value.length; i++) {
    const octet = value.charCodeAt(i);
    if (octet === BACKSLASH && depth > 0) i++;
    else if (octet === OPEN) depth++;
    else if (octet === CLOSE && depth > 0) depth--;
    else if (octet === COMMA && depth === 0) {
      if (isBy(value.slice(from, i), pseudonym)) return true;
      from = i + 1;
    }
  }
  // A comment that does not end could hide us: only whoever wrote it loses by the refusal.
  return depth > 0 || isBy(value.slice(from), pseudonym);
}

/** `received-protocol RWS received-by [ RWS comment ]` */
function isBy(element: string, pseudonym: string): boolean {
  const [, by] = element.trim().split(/[ \t]+/, 2);
  return by === pseudonym;
}
