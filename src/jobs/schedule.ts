// Time-based work: each job every so often, on one node at a time, for as long as the node runs.

import { setTimeout as sleep } from 'node:timers/promises';
import { sql, type Kysely, type Transaction } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Clock } from '../lib/clock.ts';

export interface Job {
  /** Plain words joined by dashes; the name of its lock, and in the log. */
  readonly name: string;
  /** From the end of one run to the beginning of the next, more or less a tenth: nodes that started together drift apart. */
  readonly intervalMs: number;
  /**
   * Does a bounded piece of the work. `more`: there is more of it, and the next run follows at once. What it does is done when the
   * transaction is committed, or not at all.
   */
  readonly run: (trx: Transaction<Database>, now: Date) => Promise<'done' | 'more'>;
}

export interface ScheduleOptions {
  readonly db: Kysely<Database>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly jobs: readonly Job[];
  /** A run failed, `failures` times in a row by now. The schedule goes on. */
  readonly onError: (job: string, error: unknown, failures: number) => void;
  /** From 0 to below 1. */
  readonly random?: () => number;
  /** Resolves after the time, or when the signal aborts. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Schedule {
  /** Resolves when no job runs any more. */
  stop(): Promise<void>;
}

/** Of this program's advisory locks, the class of those for jobs; the second number is made of the job's name. */
const JOB_LOCKS = 7_301_002;
/** A start has better things to do first. */
const FIRST_RUN_MS = 5_000;

export function startSchedule(options: ScheduleOptions): Schedule {
  const stopping = new AbortController();
  const loops = options.jobs.map((job) => loop(job, options, stopping.signal));
  return {
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}

async function loop(job: Job, options: ScheduleOptions, signal: AbortSignal): Promise<void> {
  const { random = Math.random, wait = pause } = options;
  let failures = 0;
  let delayMs = Math.min(FIRST_RUN_MS, job.intervalMs) * random();
  while (!signal.aborted) {
    await wait(delayMs, signal);
    if (signal.aborted) return;
    delayMs = job.intervalMs * (0.9 + 0.2 * random());
    try {
      if ((await runOnce(job, options)) === 'more') delayMs = 0;
      failures = 0;
    } catch (error) {
      failures += 1;
      options.onError(job.name, error, failures);
    }
  }
}

/** `busy`: another node is at it. */
async function runOnce(job: Job, { db, clock }: ScheduleOptions): Promise<'done' | 'more' | 'busy'> {
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ taken: boolean }>`
      select pg_try_advisory_xact_lock(${JOB_LOCKS}, hashtext(${job.name})) as taken`.execute(trx);
    return rows[0]?.taken === true ? job.run(trx, new Date(clock.nowMs())) : 'busy';
  });
}

/** Keeps no process alive. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
