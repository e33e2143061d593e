// The counters of a call in one change of the shared memory: all of them marked and read, then changed together, or none. A counter that
// is nowhere counts as empty meanwhile, and is made in the same change when there is something to count.

import type { Clock } from '../lib/clock.ts';
import type { Counter, CounterSet } from './counter-set.ts';
import type { CounterTable, NoSlot } from './counter-table.ts';
import type { Words } from './shared-words.ts';
import type { Transaction } from './transaction.ts';

const MINUTE_MS = 60_000;

export interface SetChangeParts {
  readonly words: Words;
  readonly clock: Clock;
  readonly table: CounterTable;
  readonly transaction: Transaction;
  /** Told when a counter that still counted had to give way. */
  readonly onEvicted: () => void;
}

export class SetChange {
  readonly #parts: SetChangeParts;

  constructor(parts: SetChangeParts) {
    this.#parts = parts;
  }

  /**
   * Marks every counter that there is, and reads it; of every other, makes sure that it is nowhere, and stays so. False when something
   * moved meanwhile: then none is marked.
   */
  begin(set: CounterSet, nowMs: number): boolean {
    const { clock } = this.#parts;
    this.#find(set);
    for (const counter of set.toMark) if (!this.#mark(counter, nowMs)) return this.#giveUp();
    // This thread may have slept since it looked at the clock, while others went on into the next window. That is not taken back.
    return !set.isTakenBack || clock.nowMs() === nowMs || this.#giveUp();
  }

  /** Ends a change that counts nothing; false when what it saw may not have been so. What was taken back from the future stays there. */
  endUncounted(set: CounterSet): boolean {
    const { transaction } = this.#parts;
    if (!set.isTakenBack) return transaction.abandon();
    for (const counter of set.counters) if (counter.meter.isTakenBack) counter.write(transaction);
    return transaction.commit();
  }

  /** Ends a change of the counters that there are. False when another thread was quicker. */
  endWithoutNew(set: CounterSet): boolean {
    const { transaction } = this.#parts;
    for (const counter of set.counters) if (counter.isThere) counter.write(transaction);
    return transaction.commit();
  }

  /** Ends a change that counts: makes the counters that are nowhere, and of all of them what their meters say. */
  end(set: CounterSet, nowMs: number): 'done' | NoSlot {
    const { transaction } = this.#parts;
    let made: Made | undefined;
    for (const counter of set.counters) {
      if (!counter.isThere && !counter.isNobody) {
        made ??= { counters: [], evictions: 0 };
        const fault = this.#make(counter, { set, made, nowMs });
        if (fault !== undefined) return this.#undo(made, transaction.abandon() ? fault : 'again');
      }
      if (counter.isThere) counter.write(transaction);
    }
    if (!transaction.commit()) return this.#undo(made, 'again');
    if (made !== undefined) {
      set.sort();
      for (let i = 0; i < made.evictions; i++) this.#parts.onEvicted();
    }
    return 'done';
  }

  /** Looks up the slots of counters that are not known. */
  #find(set: CounterSet): void {
    let areKnown = true;
    for (const { place } of set.counters) {
      if (place.isKnown) continue;
      areKnown = false;
      this.#parts.table.find(place);
    }
    if (!areKnown) set.sort();
  }

  #mark(counter: Counter, nowMs: number): boolean {
    const { words, table, transaction } = this.#parts;
    const { place, meter } = counter;
    counter.entry = -1;
    if (place.isKnown) {
      counter.entry = transaction.mark(place.slot);
      if (counter.entry < 0) return false;
      if (table.isThere(place)) {
        counter.read(words, nowMs);
        return true;
      }
    } else if (!table.mayBeThere(place)) {
      meter.clear(nowMs);
      return true;
    }
    // It is looked for anew.
    place.forget();
    return false;
  }

  #make(counter: Counter, { set, made, nowMs }: Making): NoSlot | undefined {
    const given = this.#parts.table.give(counter.place, Math.floor(nowMs / MINUTE_MS), (slot) => set.isIn(slot));
    if (typeof given === 'string') return given;
    counter.entry = given.entry;
    made.counters.push(counter);
    if (given.evicts) made.evictions++;
    return undefined;
  }

  #undo(made: Made | undefined, fault: NoSlot): NoSlot {
    for (const { place } of made?.counters ?? []) place.forget();
    return fault;
  }

  #giveUp(): false {
    this.#parts.transaction.abandon();
    return false;
  }
}

/** The counters that a change has made, and how many that still counted have to give way to them. */
interface Made {
  readonly counters: Counter[];
  evictions: number;
}

interface Making {
  readonly set: CounterSet;
  readonly made: Made;
  readonly nowMs: number;
}
