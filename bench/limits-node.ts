// A node for the measurements of limits: a process of its own, with the limiter that a gateway thread has. It does one job and sends what
// came out.

import { readFileSync } from 'node:fs';
import { systemClock } from '../src/lib/clock.ts';
import { FailoverLimiter } from '../src/limits/failover.ts';
import type { Check, OnFailure, Verdict } from '../src/limits/limiter.ts';
import { openRedisLimiter } from '../src/limits/redis.ts';
import { createSharedCounters } from '../src/limits/shared-counters.ts';
import { SharedMemoryLimiter } from '../src/limits/shared-memory.ts';
import { toSixChecks } from './limits-checks.ts';
import { callAtPace, type Pace, type Paced } from './paced.ts';

export type NodeJob = Pace & { readonly url: string } & (
    | { readonly kind: 'pace alone' }
    | { readonly kind: 'six checks'; readonly onFailure: OnFailure }
    | { readonly kind: 'one limit'; readonly check: Check }
  );

export interface NodeResult extends Paced {
  readonly admitted: number;
  readonly unavailable: number;
  /** When each call for one limit was decided, by the clock of Redis. */
  readonly decidedAtMs: readonly number[];
}

const CALLERS = 200;
/** What is measured is not how soon a busy machine counts as away. */
const TIMEOUT_MS = 5000;
/** Until the engine has compiled what is called: at ten thousand calls a second it takes that long. */
const WARM_UP_SECONDS = 6;

async function run(job: NodeJob): Promise<NodeResult> {
  const redis = await openRedisLimiter({ url: job.url, timeoutMs: TIMEOUT_MS });
  const memory = createSharedCounters({ entries: 10_000, seats: 1, secret: 'bench' });
  const local = new SharedMemoryLimiter({ memory, seat: 0, clock: systemClock });
  const limiter = new FailoverLimiter({ redis, local });
  const seen = { admitted: 0, unavailable: 0 };
  const decidedAtMs: number[] = [];
  const note = (verdict: Verdict): void => {
    if (verdict.outcome === 'unavailable') {
      seen.unavailable++;
      return;
    }
    if (verdict.outcome === 'admitted') seen.admitted++;
    if (job.kind === 'one limit') decidedAtMs.push(verdict.atMs);
  };
  const onFailure = job.kind === 'six checks' ? job.onFailure : 'deny';
  const lists =
    job.kind === 'one limit' ? [[job.check]] : Array.from({ length: CALLERS }, (_, i) => toSixChecks(`key:${i}`));
  const sets = lists.map((checks) => limiter.prepare('ten_1', checks, onFailure));
  const call = async (index: number): Promise<void> => {
    const set = sets[index % sets.length];
    if (set !== undefined && job.kind !== 'pace alone') note(await limiter.take(set, 1));
  };
  if (job.kind !== 'one limit') await callAtPace({ ...job, seconds: WARM_UP_SECONDS }, call);
  seen.unavailable = 0;
  const paced = await callAtPace(job, call);
  redis.close();
  return { ...paced, ...seen, decidedAtMs };
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- given by limits-redis.ts
const job = JSON.parse(readFileSync(0, 'utf8')) as NodeJob;
process.stdout.write(JSON.stringify(await run(job)));
