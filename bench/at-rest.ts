// Tollgate without load: how soon it is ready, and what it holds in memory when nobody calls.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Keys } from './contestant.ts';
import { issueKey, publishBench, setUp, type Management } from './management.ts';
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

export interface Prepared {
  readonly atRest: AtRest;
  readonly keys: Keys;
}

export interface AtRestPlan {
  readonly dataDir: string;
  /** What the gateway that stands in the data leads to. */
  readonly upstream: string;
  readonly starts: number;
}

/** Fills the folder, and times starts on it. The processes may use every core, as they would. */
export async function prepareAtRest(stage: Stage, { dataDir, upstream, starts: count }: AtRestPlan): Promise<Prepared> {
  const first = await startTollgate(stage, { dataDir });
  const management: Management = await setUp(first.origin);
  await publishBench(management, upstream);
  const apiKey = await issueKey(management);
  await first.stop();

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
    atRest: {
      firstStartMs: first.readyMs,
      startMs: toSpread(starts.map((start) => start.readyMs)),
      startProcessorMs: toSpread(starts.map((start) => start.readyProcessorMs)),
      idleBytes,
      idleSeconds: IDLE_MS / 1000,
    },
    keys: { adminKey: management.apiKey, apiKey },
  };
}
