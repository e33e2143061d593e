// Throws away what is kept for a stated time only. Any number of nodes may do so: of each chore, one at a time.

import { setTimeout as sleep } from 'node:timers/promises';
import { sql, type Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { deleteOldEvents } from './events/store.ts';
import { deletePastNotices } from './rate-limits/store.ts';
import { deleteOldCalls, deleteSurplusCalls } from './idempotency/store.ts';

/** Of this program's advisory locks, the one for upkeep. */
const UPKEEP_LOCK = 7_301_003;
/** In one statement, so that no lock is held for long. */
const CHUNK_ROWS = 1_000;
/** In one round; what is left is for the next. */
const MAX_CHUNKS = 1_000;

/** Deletes at most so many rows, and answers how many there were. */
type Chore = (trx: Kysely<Database>, now: Date, maxRows: number) => Promise<number>;

const CHORES: readonly Chore[] = [deleteOldEvents, deleteOldCalls, deleteSurplusCalls, deletePastNotices];

export interface UpkeepOptions {
  readonly db: Kysely<Database>;
  readonly clock: Clock;
  readonly intervalMs: number;
  /** A round failed; the next one tries again. */
  readonly onError: (error: unknown) => void;
}

export interface Upkeep {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** A round at once, and then one every interval. */
export function startUpkeep(options: UpkeepOptions): Upkeep {
  const stopping = new AbortController();
  const running = keepUp(options, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function keepUp({ db, clock, intervalMs, onError }: UpkeepOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await tidy(db, new Date(clock.nowMs()), signal);
    } catch (error) {
      onError(error);
    }
    // An abort only ends the wait early; the loop's condition does the rest.
    await sleep(intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** One round. */
export async function tidy(db: Kysely<Database>, now: Date, signal?: AbortSignal): Promise<void> {
  for (const chore of CHORES) {
    for (let chunk = 0; chunk < MAX_CHUNKS; chunk++) {
      if (signal?.aborted === true) return;
      if ((await runChunk(db, chore, now)) < CHUNK_ROWS) break;
    }
  }
}

/** Nothing when another node is at it. */
async function runChunk(db: Kysely<Database>, chore: Chore, now: Date): Promise<number> {
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ mine: boolean }>`select pg_try_advisory_xact_lock(${UPKEEP_LOCK}) as mine`.execute(
      trx,
    );
    return rows[0]?.mine === true ? chore(trx, now, CHUNK_ROWS) : 0;
  });
}
