// Calls at an even pace, whatever their answers take: so many a second, those of a millisecond in one turn of the event loop. What the
// process used of the processor for each, and how long each waited.

import { toPercentile } from './statistics.ts';

const TICK_MS = 1;

export interface Pace {
  readonly perSecond: number;
  readonly seconds: number;
}

export interface Paced {
  readonly calls: number;
  /** User and system time of the process for each call, with what the pace itself costs. */
  readonly processorMicroseconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** `call` is given the number of the call. Resolves when all have been answered. */
export async function callAtPace(pace: Pace, call: (index: number) => Promise<unknown>): Promise<Paced> {
  const total = pace.perSecond * pace.seconds;
  const waitedMs = new Float64Array(total);
  const end = Promise.withResolvers<void>();
  let answered = 0;
  let made = 0;
  const usedBefore = process.cpuUsage();
  const startMs = performance.now();
  const makeDue = (): void => {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) * pace.perSecond) / 1000));
    for (; made < due; made++) {
      const beganMs = performance.now();
      void call(made).then(() => {
        waitedMs[answered++] = performance.now() - beganMs;
        if (answered === total) end.resolve();
      }, end.reject);
    }
  };
  const timer = setInterval(makeDue, TICK_MS);
  await end.promise;
  clearInterval(timer);
  const used = process.cpuUsage(usedBefore);
  waitedMs.sort();
  return {
    calls: total,
    processorMicroseconds: (used.user + used.system) / total,
    p50Ms: toPercentile(waitedMs, 0.5),
    p99Ms: toPercentile(waitedMs, 0.99),
  };
}
