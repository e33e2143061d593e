// What limits in memory cost: a call over six checks, alone and with another thread that contends for one of them; what stands beneath it,
// the swap of 64 bits, beside the one that JavaScript has; and a million counters that all count.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../src/lib/clock.ts';
import { createSharedCounters, readLimitMetrics } from '../src/limits/shared-counters.ts';
import { SharedMemoryLimiter } from '../src/limits/shared-memory.ts';
import { createSharedMemory, SharedWords } from '../src/limits/shared-words.ts';
import { takeInRounds, type ThreadJob } from './limits-thread.ts';
import { toSpread } from './statistics.ts';
import type { Figure } from './limits.ts';

const CALLS = 100_000;
const ROUNDS = 15;
const SWAPS = 2_000_000;
const COUNTERS = 1_000_000;
const MEBIBYTE = 2 ** 20;

export async function measureTakes(): Promise<Figure[]> {
  const alone = await takeWith(1, false);
  const beside = await takeWith(2, false);
  const contended = await takeWith(2, true);
  return [
    { what: 'take over six checks in memory', unit: 'µs', value: toSpread(alone).median, below: 2 },
    // What two cores of this machine cost each other is no cost of limits.
    { what: 'the same, by each of two threads that share no counter', unit: 'µs', value: toSpread(beside).median },
    {
      what: 'the same, with two threads that contend for one of the counters',
      unit: 'µs',
      value: toSpread(contended).median,
      below: 2,
    },
  ];
}

async function takeWith(threads: number, isContended: boolean): Promise<number[]> {
  const memory = createSharedCounters({ entries: 10_000, seats: threads, secret: 'bench' });
  const arrived = new Int32Array(new SharedArrayBuffer(4));
  const job = { memory, threads, isContended, calls: CALLS, rounds: ROUNDS, arrived };
  const workers = Array.from({ length: threads - 1 }, (_, i) => {
    const workerData: ThreadJob = { ...job, seat: i + 1 };
    return new Worker(new URL('limits-thread.ts', import.meta.url), { workerData });
  });
  const others = workers.map(async (worker) => once(worker, 'message'));
  const own = takeInRounds({ ...job, seat: 0 });
  await Promise.all(others);
  return own.slice(Math.floor(ROUNDS / 3));
}

export function measureSwaps(): Figure[] {
  const memory = createSharedMemory(1024);
  const { swap } = new SharedWords(memory);
  const bigs = new BigInt64Array(memory.buffer);
  const ours = timeBest(() => {
    for (let i = 0; i < SWAPS; i++) swap(2, i, 0, i + 1, 0);
    swap(2, SWAPS, 0, 0, 0);
  });
  const theirs = timeBest(() => {
    for (let i = 0; i < SWAPS; i++) Atomics.compareExchange(bigs, 5, BigInt(i), BigInt(i + 1));
    Atomics.store(bigs, 5, 0n);
  });
  return [
    { what: 'a swap of 64 bits by WebAssembly', unit: 'ns', value: (ours * 1e6) / SWAPS },
    { what: 'a swap of 64 bits by Atomics and BigInt', unit: 'ns', value: (theirs * 1e6) / SWAPS },
  ];
}

/** The best of some passes, in milliseconds. */
function timeBest(pass: () => void): number {
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const startMs = performance.now();
    pass();
    best = Math.min(best, performance.now() - startMs);
  }
  return best;
}

/** A million counters of a day, each counted on, and each counted on again: none was lost. */
export function measureMillion(): Figure[] {
  const memory = createSharedCounters({ entries: COUNTERS, seats: 3, secret: 'bench' });
  const limiter = new SharedMemoryLimiter({ memory, seat: 0, clock: systemClock });
  let lost = 0;
  for (const left of [9, 8]) {
    for (let i = 0; i < COUNTERS; i++) {
      const verdict = limiter.take(
        limiter.prepare('', [{ subject: `key:${i}`, limit: { window: 'day', limit: 10 } }]),
        1,
      );
      if (verdict.outcome !== 'admitted' || verdict.standings[0]?.remaining !== left) lost++;
    }
  }
  return [
    { what: 'memory of a million counters', unit: 'MiB', value: memory.buffer.byteLength / MEBIBYTE, below: 64 },
    { what: 'of them lost or given up', unit: '', value: lost + readLimitMetrics(memory).evictions, below: 1 },
  ];
}
