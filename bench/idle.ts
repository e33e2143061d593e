// What idle connections cost: memory of the process for each, and processor time for all of them. A connection that was used once and is kept
// is what a gateway has most of.

import { setTimeout as sleep } from 'node:timers/promises';
import { toUrl } from './check.ts';
import type { Stoppable } from './contestant.ts';
import { openIdleConnections } from './idle-connections.ts';
import type { Load } from './load/load.ts';
import { runLoad } from './load/run-load.ts';
import { waitUntilIdle } from './measure.ts';
import { readProcessTicks, readResidentBytes } from './process-times.ts';
import { rotate } from './rounds.ts';
import type { Stage } from './stage.ts';
import { toSpread, type Spread } from './statistics.ts';

/** The least is what is promised; the most tells it finer, since memory comes in large pieces. */
export const IDLE_COUNTS = [1000, 5000] as const;
const WATCH_MS = 2000;

export interface IdleSample {
  readonly contestant: string;
  /** Before, and with so many connections as `IDLE_COUNTS` says. */
  readonly residentBytes: readonly number[];
  /** Processor time of the whole process in a second, with all of them. */
  readonly processorMsPerSecond: number;
}

export interface IdleRow {
  readonly contestant: string;
  /** For each of `IDLE_COUNTS`. */
  readonly bytesPerConnection: readonly { readonly connections: number; readonly bytes: Spread }[];
  readonly processorMsPerSecond: Spread;
}

export interface IdleBench {
  readonly stage: Stage;
  readonly load: Load;
  readonly ticksPerSecond: number;
}

/** Starts a contestant anew: what earlier connections have left behind would be used again. */
export type StartFresh = () => Promise<Stoppable>;

export async function measureIdle(
  bench: IdleBench,
  starts: readonly StartFresh[],
  rounds: number,
): Promise<IdleSample[]> {
  const samples: IdleSample[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const start of rotate(starts, round)) {
      const contestant = await start();
      const sample = await sampleIdle(bench, contestant);
      await contestant.stop();
      samples.push(sample);
      const [before = 0, , after = 0] = sample.residentBytes;
      const each = (after - before) / IDLE_COUNTS[1];
      console.log(`idle, round ${round + 1} of ${rounds}: ${contestant.name}: ${each.toFixed(0)} bytes a connection`);
    }
  }
  return samples;
}

async function sampleIdle({ stage, load, ticksPerSecond }: IdleBench, contestant: Stoppable): Promise<IdleSample> {
  const { pid, headers } = contestant;
  // First the heap grows to what traffic needs anyway.
  await runLoad(stage, contestant, load);
  await waitUntilIdle(pid, stage.signal);
  const residentBytes = [readResidentBytes(pid).now];
  const connections = openIdleConnections({
    url: toUrl(contestant, load.request),
    headers,
    answerBytes: load.request.route.answerBytes,
    signal: stage.signal,
  });
  try {
    for (const count of IDLE_COUNTS) {
      await connections.grow(count);
      await waitUntilIdle(pid, stage.signal);
      residentBytes.push(readResidentBytes(pid).now);
    }
    const ticks = readProcessTicks(pid);
    await sleep(WATCH_MS, undefined, { signal: stage.signal });
    const usedMs = ((readProcessTicks(pid) - ticks) / ticksPerSecond) * 1000;
    return { contestant: contestant.name, residentBytes, processorMsPerSecond: usedMs / (WATCH_MS / 1000) };
  } finally {
    connections.close();
  }
}

export function summarizeIdle(samples: readonly IdleSample[]): IdleRow[] {
  const names = new Set(samples.map(({ contestant }) => contestant));
  return [...names].map((contestant) => {
    const own = samples.filter((sample) => sample.contestant === contestant);
    const bytesPerConnection = IDLE_COUNTS.map((connections, i) => ({
      connections,
      bytes: toSpread(
        own.map(({ residentBytes }) => ((residentBytes[i + 1] ?? 0) - (residentBytes[0] ?? 0)) / connections),
      ),
    }));
    return {
      contestant,
      bytesPerConnection,
      processorMsPerSecond: toSpread(own.map(({ processorMsPerSecond }) => processorMsPerSecond)),
    };
  });
}
