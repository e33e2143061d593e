// HalfSipHash-2-4 with 64 bits of output (Aumasson, Bernstein: SipHash, 2012; halfsiphash.c of the reference code), over the UTF-16LE
// bytes of a text. Keyed, so that nobody who does not know the key can make two subjects that share a counter; the half version,
// because it works on 32-bit words, which are what JavaScript counts fast.

const ROUNDS_PER_WORD = 2;
const ROUNDS_AT_END = 4;

export class SubjectHash {
  /** The result of the last `update`: two signed 32-bit halves. Fields instead of a return value, so that nothing is allocated. */
  low = 0;
  high = 0;
  readonly #key0: number;
  readonly #key1: number;
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;

  constructor(key0: number, key1: number) {
    this.#key0 = key0;
    this.#key1 = key1;
  }

  update(text: string): void {
    this.#v0 = this.#key0;
    this.#v1 = this.#key1 ^ 0xee;
    this.#v2 = this.#key0 ^ 0x6c79_6765;
    this.#v3 = this.#key1 ^ 0x7465_6462;
    const length = text.length;
    const even = length & ~1;
    for (let i = 0; i < even; i += 2) this.#absorb(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16));
    const tail = length === even ? 0 : text.charCodeAt(even);
    this.#absorb(((length * 2) << 24) | tail);
    this.#v2 ^= 0xee;
    this.#mix(ROUNDS_AT_END);
    this.low = this.#v1 ^ this.#v3;
    this.#v1 ^= 0xdd;
    this.#mix(ROUNDS_AT_END);
    this.high = this.#v1 ^ this.#v3;
  }

  #absorb(word: number): void {
    this.#v3 ^= word;
    this.#mix(ROUNDS_PER_WORD);
    this.#v0 ^= word;
  }

  #mix(rounds: number): void {
    let v0 = this.#v0;
    let v1 = this.#v1;
    let v2 = this.#v2;
    let v3 = this.#v3;
    for (let i = 0; i < rounds; i++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    this.#v0 = v0;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}
