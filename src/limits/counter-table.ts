// A fixed-size table of counters in memory that all threads of the process share. Open addressing; every change is a transaction.
//
// A counter is looked for along a probe sequence of at most PROBES slots that begins at its home. A slot that was used once stays used,
// so behind one that never was there is nothing.
//
// Why no two slots ever count for one identity. A counter is made in a transaction that has marked its home: of two threads that would
// make the same one, the later marks when the earlier has settled, and searches after that. Who uses a counter marks its slot first
// and looks then whose it is; a slot changes hands only in a transaction that has marked it.
//
// A counter is made in the very transaction that counts on it first. So nobody can take its slot in between, and a call that counts nothing
// makes nothing, and takes nothing from anybody.
//
// When there is no free slot among the PROBES, the least useful gives way: one whose window is over, then the one that has counted least.
// Its client begins anew, so that is counted for the operator to see; the remedy is a larger table.

import { overAtMinute, worthOf } from './counter-class.ts';
import { COUNT, type CounterLayout, ID, REST, slotAt, WINDOW } from './counter-memory.ts';
import type { Words } from './shared-words.ts';
import type { Transaction } from './transaction.ts';

/** Linear probing in a table that is at most half full hardly ever needs more; a fuller one gives counters up. */
const PROBES = 64;
/** A counter is kept so long after its window, if there is room: a clock that was set forward may be set back. */
const GRACE_MINUTES = 60;
/** No window ends later than this: the clock was wrong when it was made. */
const MAX_AHEAD_MINUTES = 33 * 24 * 60;

const NO_SLOT = -1;
const FREE = -Infinity;
// The second word of an id: 20 bits of the hash, and 12 that count the owners of the slot, from 1.
export const OWNER_BITS = 12;
const OWNER_MASK = 0xfff;

/** Where a counter is, as one thread remembers it. */
export class Place {
  readonly low: number;
  readonly high: number;
  /** Where the search for it begins: a slot by its number, and by its first word. */
  readonly home: number;
  readonly homeSlot: number;
  readonly class: number;
  /** The first word of its slot where it was last seen, and the second word of the id there. */
  slot = NO_SLOT;
  owner = 0;

  /** Counters are told apart by 52 bits of a hash: all of `low`, and 20 of `high`. */
  constructor(layout: CounterLayout, hash: { readonly low: number; readonly high: number }, ofClass: number) {
    this.low = hash.low;
    this.high = hash.high >>> OWNER_BITS;
    this.home = Math.floor((hash.low >>> 0) * (layout.slots / 2 ** 32));
    this.homeSlot = slotAt(layout, this.home);
    this.class = ofClass;
  }

  forget(): void {
    this.slot = NO_SLOT;
  }

  get isKnown(): boolean {
    return this.slot !== NO_SLOT;
  }
}

/** No room for a counter: all slots where it could be have requests under way. Or another thread was quicker: then abandon. */
export type NoSlot = 'full' | 'again';

/** The entry of the slot that a counter was given, and whether one that still counted has to give way. */
interface Given {
  readonly entry: number;
  readonly evicts: boolean;
}

export interface TableParts {
  readonly words: Words;
  readonly layout: CounterLayout;
  readonly transaction: Transaction;
}

export class CounterTable {
  readonly #parts: TableParts;
  readonly #words: Words;
  readonly #probes: number;

  constructor(parts: TableParts) {
    this.#parts = parts;
    this.#words = parts.words;
    this.#probes = Math.min(PROBES, parts.layout.slots);
  }

  /** Looks the counter up. It may change hands at any time: whoever uses it marks it, and asks `isThere`. */
  find(place: Place): boolean {
    const words = this.#words;
    for (let probe = 0; probe < this.#probes; probe++) {
      const slot = this.#slotOf(place, probe);
      const owner = words.load(slot + ID + 1);
      if (owner === 0) break;
      if (owner >>> OWNER_BITS !== place.high || words.load(slot + ID) !== place.low) continue;
      place.slot = slot;
      place.owner = owner;
      return true;
    }
    place.forget();
    return false;
  }

  /** Whether the slot, which is marked, is the counter's still. */
  isThere({ slot, owner, low }: Place): boolean {
    return this.#words.load(slot + ID + 1) === owner && this.#words.load(slot + ID) === low;
  }

  /**
   * In the transaction at hand: marks where the search for the counter begins, and looks it up after that. False when it is nowhere:
   * until the transaction is over nobody else can make it.
   */
  mayBeThere(place: Place): boolean {
    return this.#parts.transaction.mark(place.homeSlot) < 0 || this.find(place);
  }

  /** In the transaction at hand: gives a counter that is nowhere a slot, but none that `isTaken`. The caller enters what it holds. */
  give(place: Place, nowMinute: number, isTaken: (slot: number) => boolean): Given | NoSlot {
    const words = this.#words;
    const { transaction } = this.#parts;
    const { slot, worth } = this.#chooseSlot(place, nowMinute, isTaken);
    if (slot === NO_SLOT) return 'full';
    const entry = transaction.mark(slot);
    // Marked, the slot keeps still; until then somebody may have taken it.
    if (entry < 0 || this.#worthOf(slot, nowMinute) > worth) return 'again';
    const before = words.load(slot + ID + 1);
    const owner = (place.high << OWNER_BITS) | (((before & OWNER_MASK) % OWNER_MASK) + 1);
    transaction.rename(entry, place.low, owner);
    place.slot = slot;
    place.owner = owner;
    return { entry, evicts: worth >= 0 };
  }

  /** The slot of the sequence that is worth least, the first of them, and how much that was; none when all are worth everything. */
  #chooseSlot(place: Place, nowMinute: number, isTaken: (slot: number) => boolean) {
    let least = Infinity;
    let chosen = NO_SLOT;
    for (let probe = 0; probe < this.#probes && least > FREE; probe++) {
      const slot = this.#slotOf(place, probe);
      const worth = this.#worthOf(slot, nowMinute);
      if (worth >= least || isTaken(slot)) continue;
      least = worth;
      chosen = slot;
    }
    return { slot: chosen, worth: least };
  }

  /** What is lost with what a slot holds: nothing when it is free, less than nothing when its window is over. */
  #worthOf(slot: number, nowMinute: number): number {
    const words = this.#words;
    if (words.load(slot + ID + 1) === 0) return FREE;
    const window = words.load(slot + WINDOW);
    const overFor = nowMinute - overAtMinute(window);
    if (overFor >= GRACE_MINUTES || overFor < -MAX_AHEAD_MINUTES) return FREE;
    return overFor >= 0 ? -1 - overFor : worthOf(window, words.load(slot + COUNT) >>> 0, words.load(slot + REST) >>> 0);
  }

  #slotOf(place: Place, probe: number): number {
    const { layout } = this.#parts;
    return slotAt(layout, (place.home + probe) % layout.slots);
  }
}
