// Where everything stands in the memory that the limits of one process share: a header, a desk for each thread, and the slots of the
// counters.

import { createSharedMemory, type Words } from './shared-words.ts';

/** How many slots one change may touch: those of 64 checks, and for each that is to be made, the one where a search for it begins. */
export const MAX_ENTRIES = 128;
/** Threads that may work with one memory at the same time. */
const MAX_SEATS = 512;
const MAX_ENTRIES_OF_TABLE = 2 ** 23;

const MAGIC = 0x746f_6c32;
const MAGIC_WORD = 0;
const SLOTS_WORD = 1;
const SEATS_WORD = 2;
const KEY0_WORD = 3;
const KEY1_WORD = 4;
/** Counters that were given up for others because there was no room. */
export const EVICTED_WORD = 6;
/** Decisions that were made without Redis. */
export const FALLBACKS_WORD = 8;
const HEADER_WORDS = 16;

/** The words of a thread's desk: how its change stands, how many entries that has, how often it was aborted; and the entries. */
export const DESK_STATUS = 0;
export const DESK_SIZE = 2;
export const DESK_TRIES = 3;
export const DESK_HOLDS_USED = 4;
export const DESK_ENTRIES = 16;
export const ENTRY_WORDS = 16;
/** Behind the entries, and one more for copies of others': the places of concurrency that the thread's requests hold. */
export const DESK_HOLDS = DESK_ENTRIES + (MAX_ENTRIES + 1) * ENTRY_WORDS;
export const HOLD_WORDS = 2;
export const MAX_HOLDS = 4096;
const DESK_WORDS = DESK_HOLDS + MAX_HOLDS * HOLD_WORDS;

/** The words of a slot: four pairs, each changed by one swap. */
export const SLOT_WORDS = 8;
/** Whose counter: 52 bits of a keyed hash; and 12 that count how often the slot has changed hands. Zero when never. */
export const ID = 0;
/** What was counted; and who has changed the counter last, or is about to. */
export const COUNT = 2;
/** 28 bits of the minute in which the window ends, 4 bits of class; and who has written it last. */
export const WINDOW = 4;
/** A second number of the algorithm; and who has written it last. */
export const REST = 6;

export interface CounterMemoryOptions {
  /** How many counters there may be at the same time; the table is half full then. */
  readonly entries: number;
  /** How many threads use it, the main thread included. */
  readonly seats: number;
  /** Of the hash; whoever does not know it cannot make two subjects that share a counter. */
  readonly key: readonly [number, number];
}

/** 64 bytes a counter, and 41 KB a thread. */
export function createCounterMemory({ entries, seats, key }: CounterMemoryOptions): WebAssembly.Memory {
  if (!Number.isSafeInteger(entries) || entries < 1 || entries > MAX_ENTRIES_OF_TABLE)
    throw new RangeError(`a table of ${entries} counters cannot be made, at most ${MAX_ENTRIES_OF_TABLE}`);
  if (!Number.isSafeInteger(seats) || seats < 1 || seats > MAX_SEATS)
    throw new RangeError(`${seats} threads cannot share counters, at most ${MAX_SEATS}`);
  const slots = entries * 2;
  const memory = createSharedMemory(HEADER_WORDS + seats * DESK_WORDS + slots * SLOT_WORDS);
  const words = new Int32Array(memory.buffer);
  words[SLOTS_WORD] = slots;
  words[SEATS_WORD] = seats;
  words[KEY0_WORD] = key[0];
  words[KEY1_WORD] = key[1];
  Atomics.store(words, MAGIC_WORD, MAGIC);
  return memory;
}

export interface CounterLayout {
  readonly slots: number;
  readonly seats: number;
  readonly key: readonly [number, number];
}

/** Throws for memory of another make. */
export function readLayout(words: Words): CounterLayout {
  if (words.fresh(MAGIC_WORD) !== MAGIC)
    throw new Error('the memory of the limits was not made by createSharedCounters');
  return {
    slots: words.fresh(SLOTS_WORD),
    seats: words.fresh(SEATS_WORD),
    key: [words.fresh(KEY0_WORD), words.fresh(KEY1_WORD)],
  };
}

export function deskAt(seat: number): number {
  return HEADER_WORDS + seat * DESK_WORDS;
}

/** The first word of a slot. */
export function slotAt(layout: CounterLayout, slot: number): number {
  return HEADER_WORDS + layout.seats * DESK_WORDS + slot * SLOT_WORDS;
}
