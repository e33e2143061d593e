// A fixed-size table of counters in memory that all threads of the process share. Open addressing, no locks, no messages.
//
// A slot is four 32-bit words:
//
//     LOW, HIGH   64 bits of a keyed hash: whose counter, of which window, of which instance of that window
//     COUNT       what was counted, on top of a base that follows from the hash (see below)
//     STATE       the minute in which the window ends (26 bits, until the year 2097), a version (4 bits), a phase (2 bits)
//
// The life of a slot: never used → claimed by one thread that fills it (FLUX) → TENTATIVE → SETTLED, and from then on it counts; when
// its window is past, or the claim was given up (VOID), it may be claimed again. It never becomes "never used" again.
//
// Why no two slots ever count for one identity. A counter is looked for along a probe sequence of at most PROBES slots. Who finds
// none claims the first slot that is free, and two threads may well claim two different ones: another slot may have come free
// between their searches. So a claimed slot is only TENTATIVE, and nobody counts on it before it is SETTLED, which takes a second
// search that begins after the slot was seen tentative. That search gives up the slot when it passes a settled one, or a tentative
// one earlier in the sequence, and voids tentative ones later in it. Suppose P settled slot p and Q settled slot q for one identity,
// and p became tentative first. Q's search began after q was tentative, so when it passed p, p was tentative or settled already:
// then Q either gave up q, or voided p by a compare-and-swap. P's settling is a compare-and-swap of the same word, so one of the two
// failed, and who fails begins again. (Atomics are sequentially consistent, ECMA-262 §29: "before" is the same for all threads.)
//
// Why a counter that was reclaimed never comes back empty for a thread that is late. Only who reads a clock that shows the window
// to be past reclaims its slot. The settling thread reads the clock after its search and before its compare-and-swap: if the window is
// not past then, it was not past during the search, so a counter that had existed would have been found.
//
// Why no thread can be in another's way. Nothing waits. A thread that dies in FLUX leaves a slot that is claimable when the window
// that it was claimed for is past; TENTATIVE slots are settled by whoever finds them. A thread that slept for long and wakes up in
// the middle of a step finds that its next compare-and-swap fails: STATE carries a version, and COUNT starts from another base in
// every incarnation (for two bases to meet is a chance of 2^-32, and only then). So a late increment or give-back never hits a
// counter that has become somebody else's.

import type { Clock } from '../lib/clock.ts';

/** A slot may be claimed again this long after its window ended: clocks that are set back by less keep their counters. */
const GRACE_MINUTES = 1;
/** A window that ends later than this cannot be: the clock was wrong when it was made. Longer than any window. */
const MAX_AHEAD_MINUTES = 2 * 24 * 60;
/** Linear probing; measured: of half a million counters in tables up to half full none needed more, at 70 % one in 15,000 did. */
const PROBES = 64;
/** How often a search begins again because other threads changed what it found. */
const MAX_ATTEMPTS = 64;
/** How often one counter is tried again because other threads counted on it at the same moment. */
const MAX_COUNT_ATTEMPTS = 10_000;

const MAGIC = 0x746f_6c31;
const MAGIC_WORD = 0;
const SLOTS_WORD = 1;
const KEY0_WORD = 2;
const KEY1_WORD = 3;
const HEADER_WORDS = 16;

const SLOT_WORDS = 4;
const LOW = 0;
const HIGH = 1;
const COUNT = 2;
const STATE = 3;

const NEVER_USED = 0;
const VOID = 0;
const FLUX = 1;
const TENTATIVE = 2;
const SETTLED = 3;
const PHASE_MASK = 0b11;
const VERSION_SHIFT = 2;
const VERSION_MASK = 0b1111 << VERSION_SHIFT;
const END_SHIFT = 6;

const MIN_SLOTS = PROBES;
const MAX_SLOTS = 2 ** 24;

const NO_SLOT = -1;

/** The counter is there. */
const OPEN = 0;
/** It is not there, and there is no room for it. */
export const FULL = 1;
/** Other threads were quicker, or the window is past meanwhile: begin again with the time of now. */
export const LOST = 2;

/** One counter as a thread works with it: filled in, then found, then counted on. Made once and used again. */
export class Counter {
  low = 0;
  high = 0;
  /** Minutes since the epoch. */
  endMinute = 0;
  /** What COUNT is when nothing was counted. Follows from the identity. */
  base = 0;
  /** Index of its first word. */
  slot = NO_SLOT;
  state = 0;
  word = 0;
  /** What was counted when the slot was last read. */
  used = 0;

  identify(low: number, high: number, endMinute: number): void {
    this.low = low;
    this.high = high;
    this.endMinute = endMinute;
    // Any mixing of the two halves would do.
    this.base = Math.imul(low ^ (high >>> 15), 0x9e37_79b1) ^ high;
  }
}

/** The memory of a table that holds `entries` counters at the same time and is then half full. 16 bytes a slot. */
export function createCounterMemory(entries: number, randomWords: readonly [number, number]): SharedArrayBuffer {
  let slots = MIN_SLOTS;
  while (slots < entries * 2) slots *= 2;
  if (!Number.isSafeInteger(entries) || entries < 1 || slots > MAX_SLOTS) {
    throw new RangeError(`a table of ${entries} counters cannot be made, at most ${MAX_SLOTS / 2}`);
  }
  const memory = new SharedArrayBuffer((HEADER_WORDS + slots * SLOT_WORDS) * Int32Array.BYTES_PER_ELEMENT);
  const words = new Int32Array(memory);
  words[KEY0_WORD] = randomWords[0];
  words[KEY1_WORD] = randomWords[1];
  words[SLOTS_WORD] = slots;
  Atomics.store(words, MAGIC_WORD, MAGIC);
  return memory;
}

export class CounterTable {
  /** The key of the hash that gives the identities. */
  readonly key: readonly [number, number];
  readonly #clock: Clock;
  readonly #words: Int32Array;
  readonly #slotMask: number;
  // What the last search found besides the counter: the first slot that may be claimed, and its state then.
  #vacant = NO_SLOT;
  #vacantState = 0;

  constructor(memory: SharedArrayBuffer, clock: Clock) {
    this.#clock = clock;
    this.#words = new Int32Array(memory);
    const slots = this.#words[SLOTS_WORD] ?? 0;
    if (this.#words[MAGIC_WORD] !== MAGIC || this.#words.length !== HEADER_WORDS + slots * SLOT_WORDS) {
      throw new Error('the memory of the limits was not made by createSharedCounters');
    }
    this.#slotMask = slots - 1;
    this.key = [this.#words[KEY0_WORD] ?? 0, this.#words[KEY1_WORD] ?? 0];
  }

  /** Finds the counter of this identity, or makes it. */
  open(counter: Counter, nowMinute: number): typeof OPEN | typeof FULL | typeof LOST {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const found = this.#find(counter, nowMinute);
      if (found) {
        if ((counter.state & PHASE_MASK) === SETTLED || this.#settle(counter)) return OPEN;
        if (isPast(counter.endMinute, toMinute(this.#clock.nowMs()))) return LOST;
      } else {
        if (this.#vacant === NO_SLOT) return FULL;
        this.#claim(counter);
      }
    }
    return LOST;
  }

  /** Finds the counter, or tells that nothing was counted yet. */
  lookUp(counter: Counter, nowMinute: number): boolean {
    return this.#find(counter, nowMinute) && (counter.state & PHASE_MASK) === SETTLED;
  }

  /** Reads an open counter into `used`; false when it is lost. */
  read(counter: Counter): boolean {
    counter.word = Atomics.load(this.#words, counter.slot + COUNT);
    // In this order: the state still stands, so the word read before is this counter's.
    if (Atomics.load(this.#words, counter.slot + STATE) !== counter.state) return false;
    counter.used = (counter.word - counter.base) >>> 0;
    return true;
  }

  /** Counts `cost` on a counter that was read. False when that would exceed the limit, or the counter is lost; then nothing was. */
  reserve(counter: Counter, cost: number, limit: number): boolean {
    for (let attempt = 0; attempt < MAX_COUNT_ATTEMPTS; attempt++) {
      if (counter.used + cost > limit) return false;
      if (this.#swap(counter.slot + COUNT, counter.word, (counter.word + cost) | 0)) {
        counter.used += cost;
        return true;
      }
      if (!this.read(counter)) return false;
    }
    return false;
  }

  /** Takes back what was reserved. When the counter is lost, its window is past and there is nothing to take back. */
  giveBack(counter: Counter, cost: number): void {
    for (let attempt = 0; attempt < MAX_COUNT_ATTEMPTS; attempt++) {
      if (!this.read(counter)) return;
      if (this.#swap(counter.slot + COUNT, counter.word, (counter.word - cost) | 0)) return;
    }
  }

  /** Walks the probe sequence to the counter's slot, settled or, failing that, the first tentative one. */
  #find(counter: Counter, nowMinute: number): boolean {
    this.#vacant = NO_SLOT;
    counter.slot = NO_SLOT;
    for (let probe = 0; probe < PROBES; probe++) {
      const slot = this.#slotAt(counter, probe);
      const state = Atomics.load(this.#words, slot + STATE);
      if (this.#isOf(counter, slot, state)) {
        const settled = (state & PHASE_MASK) === SETTLED;
        if (settled || counter.slot === NO_SLOT) {
          counter.slot = slot;
          counter.state = state;
        }
        if (settled) return true;
      } else if (this.#vacant === NO_SLOT && isClaimable(state, nowMinute)) {
        this.#vacant = slot;
        this.#vacantState = state;
      }
      // A claim takes the first slot that is free, and used slots stay used: behind one that never was, there is nothing.
      if (state === NEVER_USED) break;
    }
    return counter.slot !== NO_SLOT;
  }

  /** Takes the vacant slot for the counter and makes it tentative. Whether that worked, the next search tells. */
  #claim(counter: Counter): void {
    const slot = this.#vacant;
    const version = (this.#vacantState + (1 << VERSION_SHIFT)) & VERSION_MASK;
    const end = counter.endMinute << END_SHIFT;
    const flux = end | version | FLUX;
    if (!this.#swap(slot + STATE, this.#vacantState, flux)) return;
    const filled = this.#fill(counter, slot, flux);
    this.#swap(slot + STATE, flux, filled ? end | version | TENTATIVE : toVoid(flux));
  }

  /**
   * Nobody else writes to a slot in flux, unless this thread sleeps until its claim is out of date and another takes over. So every word
   * is swapped for what it was while the claim stood: the other has changed COUNT by then, and the first swap fails.
   */
  #fill(counter: Counter, slot: number, flux: number): boolean {
    const count = Atomics.load(this.#words, slot + COUNT);
    const low = Atomics.load(this.#words, slot + LOW);
    const high = Atomics.load(this.#words, slot + HIGH);
    return (
      Atomics.load(this.#words, slot + STATE) === flux &&
      this.#swap(slot + COUNT, count, counter.base) &&
      this.#swap(slot + LOW, low, counter.low) &&
      this.#swap(slot + HIGH, high, counter.high)
    );
  }

  /** Makes the tentative slot that was found the counter's only one, or gives it up; false: search again. */
  #settle(counter: Counter): boolean {
    let passed = false;
    for (let probe = 0; probe < PROBES; probe++) {
      const slot = this.#slotAt(counter, probe);
      const state = Atomics.load(this.#words, slot + STATE);
      if (state === NEVER_USED) break;
      if (slot === counter.slot) {
        passed = true;
      } else if (this.#isOf(counter, slot, state)) {
        if (!passed || (state & PHASE_MASK) === SETTLED) {
          this.#swap(counter.slot + STATE, counter.state, toVoid(counter.state));
          return false;
        }
        if (!this.#swap(slot + STATE, state, toVoid(state))) return false;
      }
    }
    const settled = counter.state | SETTLED;
    if (isPast(counter.endMinute, toMinute(this.#clock.nowMs()))) return false;
    if (!this.#swap(counter.slot + STATE, counter.state, settled)) return false;
    counter.state = settled;
    return true;
  }

  #slotAt(counter: Counter, probe: number): number {
    return HEADER_WORDS + ((counter.low + probe) & this.#slotMask) * SLOT_WORDS;
  }

  #isOf(counter: Counter, slot: number, state: number): boolean {
    return (
      state >>> END_SHIFT === counter.endMinute &&
      (state & PHASE_MASK) >= TENTATIVE &&
      Atomics.load(this.#words, slot + LOW) === counter.low &&
      Atomics.load(this.#words, slot + HIGH) === counter.high
    );
  }

  #swap(index: number, expected: number, value: number): boolean {
    return Atomics.compareExchange(this.#words, index, expected, value) === expected;
  }
}

export function toMinute(epochMs: number): number {
  return Math.floor(epochMs / 60_000);
}

/** Whether nobody counts in a window that ended then any more; also true of ends that only a wrong clock can have made. */
function isPast(endMinute: number, nowMinute: number): boolean {
  return nowMinute >= endMinute + GRACE_MINUTES || endMinute > nowMinute + MAX_AHEAD_MINUTES;
}

function isClaimable(state: number, nowMinute: number): boolean {
  return state === NEVER_USED || (state & PHASE_MASK) === VOID || isPast(state >>> END_SHIFT, nowMinute);
}

/** An end of its own keeps it apart from NEVER_USED. */
function toVoid(state: number): number {
  return (1 << END_SHIFT) | (state & VERSION_MASK) | VOID;
}
