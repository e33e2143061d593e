// The counters that outlive the process, those of days and months, for whoever keeps them: read on the main thread, beside the threads
// that count.

import { endMinuteOf, isSaved } from './counter-class.ts';
import { COUNT, type CounterLayout, ID, readLayout, REST, slotAt, WINDOW } from './counter-memory.ts';
import { OWNER_BITS } from './counter-table.ts';
import { SharedWords, type Words } from './shared-words.ts';
import type { SharedCounters } from './shared-counters.ts';

/** A counter as it is kept. Its id means something only under the secret that the counters were made with. */
export interface SavedCounter {
  /** 52 bits of a keyed hash. */
  readonly id: number;
  /** What the table has to know of it: see counter-class.ts. */
  readonly class: number;
  /** The end of its window, in minutes since the epoch. */
  readonly endMinute: number;
  readonly count: number;
  readonly rest: number;
}

const CLASS_MASK = 0b1111;

export class CounterReader {
  readonly #words: Words;
  readonly #layout: CounterLayout;
  /** For each slot, the stamp of its counter when it was last kept: every change leaves another. */
  readonly #kept: Int32Array;

  constructor(memory: SharedCounters) {
    this.#words = new SharedWords(memory);
    this.#layout = readLayout(this.#words);
    this.#kept = new Int32Array(this.#layout.slots);
  }

  get slots(): number {
    return this.#layout.slots;
  }

  /**
   * The counters in some slots that have changed since they were last kept. `markKept` is for after that: what cannot be kept now comes
   * again the next time.
   */
  readChanged(from: number, to: number): { readonly counters: SavedCounter[]; readonly markKept: () => void } {
    const counters: SavedCounter[] = [];
    const stamps: [slot: number, stamp: number][] = [];
    for (let slot = from; slot < Math.min(to, this.#layout.slots); slot++) {
      const at = slotAt(this.#layout, slot);
      const stamp = this.#words.load(at + COUNT + 1);
      if (stamp === this.#kept[slot] || !isSaved(this.#words.load(at + WINDOW))) continue;
      const counter = this.#read(at);
      if (counter === undefined) continue;
      counters.push(counter);
      stamps.push([slot, stamp]);
    }
    const markKept = (): void => {
      for (const [slot, stamp] of stamps) this.#kept[slot] = stamp;
    };
    return { counters, markKept };
  }

  /** A counter as it is between two changes; undefined while it is being changed, for then it changes again. */
  #read(at: number): SavedCounter | undefined {
    const words = this.#words;
    const stamp = words.fresh(at + COUNT + 1);
    if (stamp < 0) return undefined;
    const low = words.fresh(at + ID);
    const high = words.fresh(at + ID + 1);
    const window = words.fresh(at + WINDOW);
    const rest = words.fresh(at + REST);
    const count = words.fresh(at + COUNT);
    if (words.fresh(at + COUNT + 1) !== stamp || high === 0) return undefined;
    return {
      id: (high >>> OWNER_BITS) * 2 ** 32 + (low >>> 0),
      class: window & CLASS_MASK,
      endMinute: endMinuteOf(window),
      count: count >>> 0,
      rest: rest >>> 0,
    };
  }
}
