// Tollgate without load: how soon it is ready, and what it holds in memory when nobody calls.

import { setTimeout as sleep } from 'node:timers/promises';
import { readResidentBytes } from './process-times.ts';
import type { Stage } from './stage.ts';
import { toSpread, type Spread } from './statistics.ts';
import { startTollgate, type Tollgate } from './tollgate.ts';

const IDLE_MS = 5000;

export interface AtRest {
  /** Spawn to ready on an empty folder: the database is made. */
  readonly firstStartMs: number;
  /** The same with data present. */
  readonly startMs: Spread;
  readonly startProcessorMs: Spread;
  /** Resident memory of the whole process, `idleSeconds` after it was ready with data present, before any other call. */
  readonly idleBytes: number;
  readonly idleSeconds: number;
}

export interface AtRestPlan {
  readonly dataDir: string;
  readonly firstStartMs: number;
  readonly starts: number;
}

/** Times starts on the data. The processes may use every core, as they would. */
export async function measureAtRest(
  stage: Stage,
  { dataDir, firstStartMs, starts: count }: AtRestPlan,
): Promise<AtRest> {
  const starts: Tollgate[] = [];
  let idleBytes = 0;
  while (starts.length < count) {
    const tollgate = await startTollgate(stage, { dataDir });
    starts.push(tollgate);
    if (starts.length === count) {
      await sleep(IDLE_MS, undefined, { signal: stage.signal });
      idleBytes = readResidentBytes(tollgate.pid).now;
    }
    await tollgate.stop();
  }
  return {
    firstStartMs,
    startMs: toSpread(starts.map((start) => start.readyMs)),
    startProcessorMs: toSpread(starts.map((start) => start.readyProcessorMs)),
    idleBytes,
    idleSeconds: IDLE_MS / 1000,
  };
}
