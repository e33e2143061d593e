// How many keys a whole Tollgate makes in a second: gateway, management API, and a PostgreSQL that waits for the disk.

import { atLeast, inMilliseconds, plain, type Figure } from './figures.ts';
import { makeManyKeys, setUp } from './management.ts';
import { readProcessTicks, readTicksPerSecond } from './process-times.ts';
import type { Stage } from './stage.ts';
import { startTollgate, type TollgatePlan } from './tollgate.ts';

const KEYS = 5_000;
const WARMUP_KEYS = 500;
const AT_ONCE = 16;
const GOAL = 500;

export async function measureCreation(stage: Stage, plan: TollgatePlan): Promise<Figure[]> {
  const tollgate = await startTollgate(stage, plan);
  const management = await setUp(tollgate.origin);
  await tollgate.during(makeManyKeys(management, WARMUP_KEYS, AT_ONCE));
  const startedMs = performance.now();
  const startTicks = readProcessTicks(tollgate.pid);
  await tollgate.during(makeManyKeys(management, KEYS, AT_ONCE));
  const seconds = (performance.now() - startedMs) / 1000;
  const processorMs = ((readProcessTicks(tollgate.pid) - startTicks) / readTicksPerSecond()) * 1000;
  await tollgate.stop();
  return [
    atLeast(`keys made a second, ${AT_ONCE} calls at a time`, KEYS / seconds, GOAL, plain),
    { what: 'processor time of Tollgate for each key made', value: inMilliseconds(processorMs / KEYS), goal: '' },
  ];
}
