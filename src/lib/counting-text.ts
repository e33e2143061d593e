// Numbers that count up or down, as decimal text.
//
// The engine keeps the text of a number that it has written in a table of many thousand. Numbers that never come twice fill it with texts that
// live until they are written over, and a collector made for what dies young copies them again and again. Of a number that counts, all but the
// last digits is what it was the last time.

const PLACES = 3;
const THOUSAND = 10 ** PLACES;

const BELOW_THOUSAND = Array.from({ length: THOUSAND }, (_, i) => String(i));
const LAST_DIGITS = BELOW_THOUSAND.map((text) => text.padStart(PLACES, '0'));

export class CountingText {
  #thousands = 0;
  #text = '';

  /** Of a whole number from 0 to 2^53. */
  of(count: number): string {
    if (!(count >= THOUSAND)) return BELOW_THOUSAND[count] ?? String(count);
    const thousands = Math.floor(count / THOUSAND);
    if (thousands !== this.#thousands) {
      this.#thousands = thousands;
      this.#text = String(thousands);
    }
    return this.#text + LAST_DIGITS[count - thousands * THOUSAND];
  }
}
