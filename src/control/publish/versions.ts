// Watches the configuration version, so that a change made on one node is seen by the others: at once by its announcement, and by a look
// every second at what an announcement may have missed.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import {
  parseAnnouncement,
  readVersion,
  VERSION_CHANNEL,
  type Announcement,
  type ChangedKeys,
} from '../../db/installation.ts';
import type { ListenOptions, Listening } from '../../db/listen.ts';
import type { Database } from '../../db/schema.ts';

/** What is committed is announced at once; a look that comes in between waits so long for it. */
const ANNOUNCEMENT_MS = 250;

export interface VersionWatchOptions {
  readonly db: Kysely<Database>;
  /** Undefined: only looks. */
  readonly listen: ((options: ListenOptions) => Listening) | undefined;
  /** The version that is known already. */
  readonly since: number;
  /** How long a change may go unseen. */
  readonly intervalMs: number;
  /** Called with what changed, one call at a time. */
  readonly onChange: (changed: ChangedKeys) => Promise<void>;
  /** The database could not be asked, or onChange failed. The watch goes on; a failed change is tried again. */
  readonly onError: (error: unknown) => void;
}

export interface VersionWatch {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

export function watchVersion(options: VersionWatchOptions): VersionWatch {
  const stopping = new AbortController();
  const { signal } = stopping;
  let seen = options.since;
  let isListening = false;
  let isReported = false;
  /** Changes are taken over one after the other, whichever way they were heard of. */
  let underway: Promise<void> = Promise.resolve();

  /** An announcement that follows on the last one tells what changed; with a gap before it, anything may have. */
  function takeOver({ version, changed }: Announcement, wentBack = false): Promise<void> {
    underway = underway.then(async () => {
      if (signal.aborted || (version <= seen && !wentBack)) return;
      try {
        await options.onChange(version === seen + 1 ? changed : 'all');
        seen = version;
      } catch (error) {
        report(error);
      }
    });
    return underway;
  }

  /** `heard`: nothing should have been missed, since somebody listened all the time. */
  async function look(heard: boolean): Promise<void> {
    const before = seen;
    try {
      const version = await readVersion(options.db);
      // What is announced is taken over as it was announced; only what was not is found here.
      if (version > seen && heard) await pause(ANNOUNCEMENT_MS, signal);
      const missed = version > seen;
      // Smaller than before: the database was restored from a backup.
      await takeOver({ version, changed: 'all' }, version < before);
      if (missed && heard) listening?.restart(); // Announced to everybody but us: a connection that died silently.
      if (version <= seen) isReported = false;
    } catch (error) {
      report(error);
    }
  }

  /** Once for each outage, not once for each look. */
  function report(error: unknown): void {
    if (!isReported && !signal.aborted) options.onError(error);
    isReported = true;
  }

  async function poll(): Promise<void> {
    while (!signal.aborted) {
      await look(isListening);
      await pause(options.intervalMs, signal);
    }
  }

  const listening = options.listen?.({
    channel: VERSION_CHANNEL,
    onMessage(payload) {
      const announced = parseAnnouncement(payload);
      if (announced !== undefined) void takeOver(announced);
    },
    onListening() {
      isListening = true;
      void look(false); // For what was said while nobody listened.
    },
    onLost(error) {
      isListening = false;
      report(error);
    },
  });
  const polling = poll();

  return {
    async stop() {
      stopping.abort();
      await Promise.all([listening?.stop(), polling]);
      await underway;
    },
  };
}

/** An abort only ends the pause early; whoever paused looks at the signal. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
