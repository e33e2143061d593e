// Keeps the counters of days and months over the life of the process: takes them up at the start, saves what has changed every few
// seconds, and all of it at the end. Only where they are counted in memory; Redis keeps its own.
//
// Killed, the process loses what was counted since the last save: of a day's limit, at most what was admitted in that time.

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { deletePastCounters, loadCounters, saveCounters } from './control/publish/limit-counters.ts';
import type { Database } from './db/schema.ts';
import type { Clock } from './lib/clock.ts';
import { CounterReader } from './limits/saved-counters.ts';
import type { SharedCounters } from './limits/shared-counters.ts';
import type { SharedMemoryLimiter } from './limits/shared-memory.ts';

const SAVE_EVERY_MS = 5_000;
/** Slots looked at before other work of the thread has its turn. */
const SLOTS_AT_ONCE = 65_536;
const FORGET_EVERY_MS = 3_600_000;
const MINUTE_MS = 60_000;

export interface KeeperOptions {
  readonly db: Kysely<Database>;
  readonly counters: SharedCounters;
  readonly clock: Clock;
  readonly log: { error(fields: object, message: string): void };
  readonly saveEveryMs?: number;
}

export interface Keeper {
  /** Saves what has changed since the last time. Rejects when that cannot be done. */
  save(): Promise<void>;
  /** Saves the last of it. Resolves also when that cannot be done: then it has been told. */
  stop(): Promise<void>;
}

/** To be called before anybody counts. */
export async function restoreCounters(
  db: Kysely<Database>,
  limiter: Pick<SharedMemoryLimiter, 'restore'>,
  nowMs: number,
): Promise<void> {
  for await (const counters of loadCounters(db, Math.floor(nowMs / MINUTE_MS))) limiter.restore(counters);
}

export function keepCounters(options: KeeperOptions): Keeper {
  const { db, counters, clock, log, saveEveryMs = SAVE_EVERY_MS } = options;
  const reader = new CounterReader(counters);
  const stopping = new AbortController();
  let forgotAtMs = 0;

  /** What cannot be saved now comes again the next time. */
  const onError = (cause: unknown): void => {
    log.error({ reason: String(cause) }, 'the counters of limits could not be saved');
  };

  async function save(): Promise<void> {
    for (let from = 0; from < reader.slots; from += SLOTS_AT_ONCE) {
      const { counters: changed, markKept } = reader.readChanged(from, from + SLOTS_AT_ONCE);
      await saveCounters(db, changed);
      markKept();
      await nextTurn();
    }
    if (clock.nowMs() - forgotAtMs < FORGET_EVERY_MS) return;
    await deletePastCounters(db, Math.floor(clock.nowMs() / MINUTE_MS));
    forgotAtMs = clock.nowMs();
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      // An abort only ends the wait early; the loop's condition does the rest.
      await sleep(saveEveryMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      await save().catch(onError);
    }
    // What was counted while the last save was under way.
    await save().catch(onError);
  }

  const running = run();
  return {
    save,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
