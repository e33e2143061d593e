// The places of concurrency that a thread's requests hold, noted in shared memory: a thread that dies takes its requests with it, and
// whoever has its seat next gives their places back. (Between counting and noting, and between striking and giving back, a death costs the
// place: rather that than a place that is given back twice.)

import { DESK_HOLDS, DESK_HOLDS_USED, deskAt, HOLD_WORDS, MAX_HOLDS } from './counter-memory.ts';
import type { Words } from './shared-words.ts';

/** A counter's slot and the second word of its id, by which it is known that the slot is still the counter's. */
export interface Hold {
  readonly slot: number;
  readonly owner: number;
  /** Of the note; -1 when there was no room for one: then the place is lost if the thread dies. */
  readonly note: number;
}

export class Holds {
  readonly #words: Words;
  readonly #first: number;
  /** The word that tells how many notes were ever used. */
  readonly #used: number;
  /** Of those that were used, the ones that are free again. */
  readonly #free: number[] = [];

  constructor(words: Words, seat: number) {
    this.#words = words;
    this.#first = deskAt(seat) + DESK_HOLDS;
    this.#used = deskAt(seat) + DESK_HOLDS_USED;
  }

  /** Takes out what the thread that had the seat before has left. To be done before anything is noted. */
  takeLeft(): Hold[] {
    const left: Hold[] = [];
    const used = this.#words.load(this.#used);
    for (let note = 0; note < used; note++) {
      const slot = this.#words.load(this.#wordOf(note));
      if (slot === 0) continue;
      left.push({ slot, owner: this.#words.load(this.#wordOf(note) + 1), note: -1 });
      this.#words.store(this.#wordOf(note), 0);
    }
    this.#words.store(this.#used, 0);
    return left;
  }

  note(slot: number, owner: number): Hold {
    const note = this.#free.pop() ?? this.#firstUnused();
    if (note >= 0) {
      this.#words.store(this.#wordOf(note) + 1, owner);
      this.#words.store(this.#wordOf(note), slot);
    }
    return { slot, owner, note };
  }

  strike({ note }: Hold): void {
    if (note < 0) return;
    this.#words.store(this.#wordOf(note), 0);
    this.#free.push(note);
  }

  #firstUnused(): number {
    const used = this.#words.load(this.#used);
    if (used === MAX_HOLDS) return -1;
    this.#words.store(this.#used, used + 1);
    return used;
  }

  #wordOf(note: number): number {
    return this.#first + note * HOLD_WORDS;
  }
}
