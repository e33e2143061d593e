// The memory in which all threads of a process count, and what an operator should know of it.

import { hash } from 'node:crypto';
import { createCounterMemory, EVICTED_WORD, FALLBACKS_WORD } from './counter-memory.ts';

export type SharedCounters = WebAssembly.Memory;

export interface SharedCountersOptions {
  /** How many counters may be live at the same time, at 64 bytes each. A subject has one for each of its limits. */
  readonly entries: number;
  /** How many threads share them, the main thread included. */
  readonly seats: number;
  /** Counters that were saved can be restored only under the same. Whoever does not know it cannot make subjects that share a counter. */
  readonly secret: string;
}

/** Made once, on the main thread, and passed to the others. */
export function createSharedCounters({ entries, seats, secret }: SharedCountersOptions): SharedCounters {
  const digest = hash('sha256', `limit counters\0${secret}`, 'buffer');
  return createCounterMemory({ entries, seats, key: [digest.readInt32LE(0), digest.readInt32LE(4)] });
}

/** What an operator should know of, since the memory was made. */
export interface LimitMetrics {
  /** Counters that had to give way to others although they counted still: make the table larger. */
  readonly evictions: number;
  /** Decisions that were made without Redis. */
  readonly fallbacks: number;
}

export function readLimitMetrics(memory: SharedCounters): LimitMetrics {
  const words = new Int32Array(memory.buffer);
  return {
    evictions: Atomics.load(words, EVICTED_WORD) >>> 0,
    fallbacks: Atomics.load(words, FALLBACKS_WORD) >>> 0,
  };
}

export function countEviction(memory: SharedCounters): void {
  Atomics.add(new Int32Array(memory.buffer), EVICTED_WORD, 1);
}

export function countFallback(memory: SharedCounters): void {
  Atomics.add(new Int32Array(memory.buffer), FALLBACKS_WORD, 1);
}
