// Real threads that call one limiter as fast as they can, all at the same time, round after round.

import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { Check } from './limiter.ts';
import type { SharedCounters } from './shared-counters.ts';
import { SharedMemoryLimiter } from './shared-memory.ts';

export interface HammerPlan {
  readonly threads: number;
  readonly rounds: readonly HammerRound[];
}

export interface HammerRound {
  readonly nowMs: number;
  /** What the calls of the round ask for, in turn. */
  readonly requests: readonly (readonly Check[])[];
  readonly callsPerThread: number;
}

interface Boot extends HammerPlan {
  readonly memory: SharedCounters;
  readonly index: number;
  /** How many threads have come to the end of a round, since the beginning. */
  readonly barrier: SharedArrayBuffer;
}

/** For each round, for each of its requests: how many calls were admitted in all threads together. */
export async function hammer(memory: SharedCounters, plan: HammerPlan): Promise<number[][]> {
  const barrier = new SharedArrayBuffer(4);
  const results = await Promise.all(
    Array.from({ length: plan.threads }, async (_, index) => runThread({ ...plan, memory, index, barrier })),
  );
  return plan.rounds.map((round, r) =>
    round.requests.map((_, q) => results.reduce((sum, of) => sum + (of[r]?.[q] ?? 0), 0)),
  );
}

async function runThread(boot: Boot): Promise<number[][]> {
  const worker = new Worker(new URL(import.meta.url), { workerData: boot });
  try {
    return await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  } finally {
    await worker.terminate();
  }
}

function serve({ memory, index, barrier, threads, rounds }: Boot): void {
  const clock = { now: 0, nowMs: () => clock.now, monotonicMs: () => clock.now };
  const limiter = new SharedMemoryLimiter({ memory, seat: index + 1, clock });
  const arrived = new Int32Array(barrier);
  const admitted = rounds.map(({ nowMs, requests, callsPerThread }, r) => {
    clock.now = nowMs;
    meet(arrived, threads * (r + 1));
    const sets = requests.map((checks) => limiter.prepare('', checks));
    const counts = requests.map(() => 0);
    for (let i = 0; i < callsPerThread; i++) {
      // Every thread begins elsewhere, so that the same counters are met in different order.
      const q = (i + index) % requests.length;
      const set = sets[q];
      if (set === undefined) continue;
      const verdict = limiter.take(set, 1);
      if (verdict.outcome === 'unavailable') throw new Error(verdict.reason);
      if (verdict.outcome === 'admitted') counts[q] = (counts[q] ?? 0) + 1;
    }
    return counts;
  });
  parentPort?.postMessage(admitted);
}

/** Returns when `expected` threads have arrived. Spins first, so that all that have a core leave within the same microsecond. */
function meet(arrived: Int32Array, expected: number): void {
  Atomics.add(arrived, 0, 1);
  Atomics.notify(arrived, 0);
  for (let spins = 0; ; spins++) {
    const before = Atomics.load(arrived, 0);
    if (before >= expected) return;
    if (spins > 1000 && Atomics.wait(arrived, 0, before, 10_000) === 'timed-out')
      throw new Error('the other threads do not come');
  }
}

if (!isMainThread) serve(workerData as Boot);
