// A change of several counters at once, all or nothing, without locks: who is stopped in the middle, or dies there, is in nobody's way.
//
// A thread has one change under way at a time, at its desk: a status (a running number with UNDECIDED, ABORTED or DONE) and an entry for
// each counter, saying what is to become of it. It goes so:
//
// 1. Mark: for each counter, swap the stamp beside its count for a mark with this thread's seat and number. The count stays as it is.
// 2. Look: what stands in a marked counter keeps still, since everybody else has to get past the mark first. Decide; write the entries.
// 3. Commit: swap the status from UNDECIDED to DONE. This one swap is the moment at which all counters change.
// 4. Settle: swap what stands beside the counts into its place, for all counters; then, for each, the new count, and the mark for a plain
//    stamp. So whoever finds one of the marks gone finds every counter renamed that was, and the others' counts behind their marks.
//
// Whoever meets a mark looks at the desk of its seat. UNDECIDED: waits for about a microsecond, which nearly always is enough, then swaps
// the status to ABORTED, and the other begins again. DONE: settles the other's entries first. Another number, or ABORTED: the mark means
// nothing; the count beside it stands, and the mark may be overwritten.
//
// Why a committed change was whole. Only a thread itself sets its marks. Others remove one only after the status is not UNDECIDED any
// more, and then the commit, a swap of the same word, fails. So at the commit all marks stood, hence all that was looked at.
//
// Why settling twice, or late, does no harm. A thread goes on to its next number only when its entries are settled. Whoever helped and
// slept meanwhile swaps what no longer is there: every word of a counter has 32 bits of stamp beside it that tell who wrote it last, in
// which change. (For one to come again, a thread must sleep between two instructions until another has made a multiple of four million
// changes, the last of them on this counter and with the same count.)

import {
  COUNT,
  DESK_ENTRIES,
  DESK_SIZE,
  DESK_STATUS,
  DESK_TRIES,
  deskAt,
  ENTRY_WORDS,
  ID,
  MAX_ENTRIES,
  REST,
  WINDOW,
} from './counter-memory.ts';
import type { Words } from './shared-words.ts';

// A status: 30 bits of the number, 2 of what became of it. All zero is a thread that has done nothing yet.
const UNDECIDED = 0;
const ABORTED = 1;
const DONE = 2;
const OUTCOME_MASK = 0b11;
const OUTCOME_BITS = 2;

// A stamp: the sign bit for a mark, 9 bits of the seat, 22 of the number.
const MARK = 1 << 31;
const SEAT_SHIFT = 22;
const SEAT_MASK = 0x1ff;
const NUMBER_MASK = 0x3f_ffff;

// The words of an entry.
const SLOT = 0;
const CHANGES = 1;
const OLD_COUNT = 2;
const NEW_COUNT = 3;
const OLD_STAMP = 4;
const OLD_WINDOW = 5;
const NEW_WINDOW = 7;
const OLD_REST = 8;
const NEW_REST = 10;
const OLD_ID = 11;
const NEW_ID = 13;

const WINDOW_CHANGES = 1;
const REST_CHANGES = 2;
const ID_CHANGES = 4;

/** How often a mark is tried anew because others were quicker. */
const MAX_MARK_ATTEMPTS = 1000;
/** Whoever was aborted is given twice as long the next time, up to so many times: a slow thread is not aborted for ever. */
const MAX_TRIES = 7;

export class Transaction {
  readonly #words: Words;
  readonly #desk: number;
  readonly #patience: number;
  /** UNDECIDED, with the number of the change at hand. */
  #status = 0;
  #tries = 0;
  /** What this change leaves beside what it wrote. */
  #stamp: number;
  #size = 0;

  /** `patience`: how often to look at somebody's change before aborting it. The thread that had the seat before must be dead. */
  constructor(words: Words, seat: number, patience: number) {
    this.#words = words;
    this.#desk = deskAt(seat);
    this.#stamp = seat << SEAT_SHIFT;
    this.#patience = patience;
    const left = words.fresh(this.#desk + DESK_STATUS);
    if ((left & OUTCOME_MASK) === DONE) this.#help(seat, left);
    this.#status = left & ~OUTCOME_MASK;
    this.#tries = words.fresh(this.#desk + DESK_TRIES);
    this.#advance((left & OUTCOME_MASK) === DONE ? DONE : UNDECIDED);
  }

  /**
   * Marks a counter, whatever it holds; one that is marked already stays so. Returns the number of its entry, or -1 when others were always
   * quicker: then abandon.
   */
  mark(slot: number): number {
    const words = this.#words;
    const mark = this.#stamp | MARK;
    for (let attempt = 0; attempt < MAX_MARK_ATTEMPTS; attempt++) {
      const count = words.load(slot + COUNT);
      const stamp = words.load(slot + COUNT + 1);
      if (stamp === mark) return this.#entryOf(slot);
      if (stamp < 0) this.#getPast(stamp);
      if (words.swap(slot + COUNT, count, stamp, count, mark) === 1) return this.#enter(slot, count, stamp);
    }
    return -1;
  }

  /** What the counter of an entry is to be. The three words as in counter-memory.ts. */
  change(entry: number, count: number, window: number, rest: number): void {
    const words = this.#words;
    const at = this.#entryAt(entry);
    const slot = words.load(at + SLOT);
    const oldWindow = words.load(slot + WINDOW);
    const oldRest = words.load(slot + REST);
    words.store(at + NEW_COUNT, count);
    let changes = words.load(at + CHANGES);
    if (oldWindow !== window) {
      words.store(at + OLD_WINDOW, oldWindow);
      words.store(at + OLD_WINDOW + 1, words.load(slot + WINDOW + 1));
      words.store(at + NEW_WINDOW, window);
      changes |= WINDOW_CHANGES;
    }
    if (oldRest !== rest) {
      words.store(at + OLD_REST, oldRest);
      words.store(at + OLD_REST + 1, words.load(slot + REST + 1));
      words.store(at + NEW_REST, rest);
      changes |= REST_CHANGES;
    }
    words.store(at + CHANGES, changes);
  }

  /** Whose counter it is to be. */
  rename(entry: number, idLow: number, idHigh: number): void {
    const words = this.#words;
    const at = this.#entryAt(entry);
    const slot = words.load(at + SLOT);
    words.store(at + OLD_ID, words.load(slot + ID));
    words.store(at + OLD_ID + 1, words.load(slot + ID + 1));
    words.store(at + NEW_ID, idLow);
    words.store(at + NEW_ID + 1, idHigh);
    words.store(at + CHANGES, words.load(at + CHANGES) | ID_CHANGES);
  }

  /** Makes all changes at once, or none; in either case nothing is marked any more. */
  commit(): boolean {
    const words = this.#words;
    const desk = this.#desk;
    words.store(desk + DESK_SIZE, this.#size);
    if (words.swap(desk + DESK_STATUS, this.#status, 0, this.#status | DONE, 0) !== 1) {
      this.abandon();
      return false;
    }
    for (let entry = 0; entry < this.#size; entry++) this.#settleBeside(this.#entryAt(entry), this.#stamp);
    // What was marked last is what others wait for.
    for (let entry = this.#size - 1; entry >= 0; entry--) this.#settleCount(this.#entryAt(entry), this.#stamp);
    this.#advance(DONE);
    return true;
  }

  /**
   * Gives up: nothing is marked any more, and nothing has changed. Tells whether all marks stood until now: if not, what was looked at
   * may never have been so at one moment.
   */
  abandon(): boolean {
    const words = this.#words;
    const stamp = this.#stamp;
    const size = this.#size;
    const hasStood = this.#advance(UNDECIDED);
    // The last first: a counter stands there twice when it was marked again after others had got past the first mark.
    for (let entry = size - 1; entry >= 0; entry--) {
      const at = this.#entryAt(entry);
      const count = words.load(at + OLD_COUNT);
      const old = words.load(at + OLD_STAMP);
      // A mark that meant nothing was overwritten, and does not come back.
      words.swap(words.load(at + SLOT) + COUNT, count, stamp | MARK, count, old < 0 ? stamp : old);
    }
    return hasStood;
  }

  #entryAt(entry: number): number {
    return this.#desk + DESK_ENTRIES + entry * ENTRY_WORDS;
  }

  /** The entry of a slot that this change has marked. */
  #entryOf(slot: number): number {
    for (let entry = this.#size - 1; entry >= 0; entry--)
      if (this.#words.load(this.#entryAt(entry) + SLOT) === slot) return entry;
    return -1;
  }

  #enter(slot: number, count: number, stamp: number): number {
    const words = this.#words;
    const at = this.#entryAt(this.#size);
    words.store(at + SLOT, slot);
    words.store(at + CHANGES, 0);
    words.store(at + OLD_COUNT, count);
    words.store(at + NEW_COUNT, count);
    words.store(at + OLD_STAMP, stamp);
    return this.#size++;
  }

  /** Returns when the change that set this mark is over: settled by now, or without effect. */
  #getPast(mark: number): void {
    const words = this.#words;
    const seat = (mark >>> SEAT_SHIFT) & SEAT_MASK;
    const at = deskAt(seat) + DESK_STATUS;
    const patience = this.#patience << words.fresh(deskAt(seat) + DESK_TRIES);
    for (let look = 0; ; look++) {
      const status = words.fresh(at);
      if ((numberOf(status) & NUMBER_MASK) !== (mark & NUMBER_MASK)) return;
      switch (status & OUTCOME_MASK) {
        case UNDECIDED:
          if (look >= patience) words.swap(at, status, 0, status | ABORTED, 0);
          continue;
        case DONE:
          this.#help(seat, status);
          return;
        default:
          return;
      }
    }
  }

  /** Settles the change that the thread with this seat has committed, while its status says so. */
  #help(seat: number, status: number): void {
    const words = this.#words;
    const desk = deskAt(seat);
    const stamp = (seat << SEAT_SHIFT) | (numberOf(status) & NUMBER_MASK);
    const size = words.fresh(desk + DESK_SIZE);
    // A place of our own behind our last entry.
    const copy = this.#entryAt(MAX_ENTRIES);
    for (let step = 0; step < 2 * size; step++) {
      const from = desk + DESK_ENTRIES + (step % size) * ENTRY_WORDS;
      for (let i = 0; i < ENTRY_WORDS; i++) words.store(copy + i, words.fresh(from + i));
      if (step < size && words.load(copy + CHANGES) === 0) continue;
      if (words.fresh(desk + DESK_STATUS) !== status) return;
      if (step < size) this.#settleBeside(copy, stamp);
      else this.#settleCount(copy, stamp);
    }
  }

  /** Carries out what an entry of the committed change with this stamp says of all but the count, as far as nobody has done so. */
  #settleBeside(at: number, stamp: number): void {
    const words = this.#words;
    const slot = words.load(at + SLOT);
    const changes = words.load(at + CHANGES);
    if ((changes & ID_CHANGES) !== 0) {
      const [oldLow, oldHigh] = [words.load(at + OLD_ID), words.load(at + OLD_ID + 1)];
      words.swap(slot + ID, oldLow, oldHigh, words.load(at + NEW_ID), words.load(at + NEW_ID + 1));
    }
    if ((changes & WINDOW_CHANGES) !== 0) {
      const [old, oldStamp] = [words.load(at + OLD_WINDOW), words.load(at + OLD_WINDOW + 1)];
      words.swap(slot + WINDOW, old, oldStamp, words.load(at + NEW_WINDOW), stamp);
    }
    if ((changes & REST_CHANGES) !== 0) {
      const [old, oldStamp] = [words.load(at + OLD_REST), words.load(at + OLD_REST + 1)];
      words.swap(slot + REST, old, oldStamp, words.load(at + NEW_REST), stamp);
    }
  }

  /** Then the count, which takes the mark away. */
  #settleCount(at: number, stamp: number): void {
    const words = this.#words;
    const slot = words.load(at + SLOT);
    words.swap(slot + COUNT, words.load(at + OLD_COUNT), stamp | MARK, words.load(at + NEW_COUNT), stamp);
  }

  /** On to the next number, after what became of this one; false when it was aborted. */
  #advance(outcome: typeof UNDECIDED | typeof DONE): boolean {
    const words = this.#words;
    const at = this.#desk + DESK_STATUS;
    const status = this.#status | outcome;
    const next = ((numberOf(status) + 1) << OUTCOME_BITS) | UNDECIDED;
    let tries = 0;
    if (words.swap(at, status, 0, next, 0) !== 1) {
      // Aborted, which is final: nobody but this thread changes it again.
      tries = Math.min(this.#tries + 1, MAX_TRIES);
      words.swap(at, this.#status | ABORTED, 0, next, 0);
    }
    if (tries !== this.#tries) words.store(this.#desk + DESK_TRIES, tries);
    this.#tries = tries;
    this.#status = next;
    this.#stamp = (this.#stamp & ~NUMBER_MASK) | (numberOf(next) & NUMBER_MASK);
    this.#size = 0;
    return tries === 0;
  }
}

function numberOf(status: number): number {
  return status >>> OUTCOME_BITS;
}
