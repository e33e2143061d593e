// A thread that takes over six checks as fast as it can, for the measurement with another that contends for one of them.

import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../src/lib/clock.ts';
import type { SharedCounters } from '../src/limits/shared-counters.ts';
import { SharedMemoryLimiter } from '../src/limits/shared-memory.ts';
import { toSixChecks } from './limits-checks.ts';

export interface ThreadJob {
  readonly memory: SharedCounters;
  readonly seat: number;
  readonly threads: number;
  /** Whether the threads have a counter in common. */
  readonly isContended: boolean;
  readonly calls: number;
  readonly rounds: number;
  /** How many threads have come to the end of a round. */
  readonly arrived: Int32Array;
}

const CALLERS = 100;

/** For each round, microseconds a call. */
export function takeInRounds({ memory, seat, threads, isContended, calls, rounds, arrived }: ThreadJob): number[] {
  const endpoint = isContended ? 'endpoint:shared' : `endpoint:${seat}`;
  const limiter = new SharedMemoryLimiter({ memory, seat, clock: systemClock });
  const sets = Array.from({ length: CALLERS }, (_, i) =>
    limiter.prepare('', toSixChecks(`key:${seat}.${i}`, endpoint)),
  );
  return Array.from({ length: rounds }, (_, round) => {
    Atomics.add(arrived, 0, 1);
    while (Atomics.load(arrived, 0) < threads * (round + 1));
    const startMs = performance.now();
    for (let i = 0; i < calls; i++) {
      const set = sets[i % CALLERS];
      if (set === undefined || limiter.take(set, 1).outcome !== 'admitted') throw new Error('a call was not admitted');
    }
    return ((performance.now() - startMs) * 1000) / calls;
  });
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- given by limits-memory.ts
if (workerData !== null) parentPort?.postMessage(takeInRounds(workerData as ThreadJob));
