// Numbers that look random and come again for the same seed (mulberry32), so that a failure can be shown again.

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  }

  /** True once in so many times. */
  once(inTimes: number): boolean {
    return this.below(inTimes) === 0;
  }

  pick(from: readonly string[]): string {
    return from[this.below(from.length)] ?? '';
  }
}

/** Always the same messages, so that a run that was green stays green; TOLLGATE_WIRE_SEED looks at others. */
export function chooseSeed(): number {
  const given = process.env['TOLLGATE_WIRE_SEED'];
  return given === undefined ? 1 : Number(given);
}
