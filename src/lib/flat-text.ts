// Text in one piece.

/**
 * The same Latin-1 text in one run of octets. V8 keeps what was joined as a tree of its parts (`ConsString`), and walks all of it each time it
 * is written: for what is written again and again, once is enough.
 */
export function toFlatText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
