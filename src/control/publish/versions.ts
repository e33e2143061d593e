// Watches the configuration version, so that a change made on one node is seen by the others.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { readVersion } from '../../db/installation.ts';
import type { Database } from '../../db/schema.ts';

export interface VersionWatchOptions {
  readonly db: Kysely<Database>;
  /** The version that is known already. */
  readonly since: number;
  /** How long a change may go unseen. */
  readonly intervalMs: number;
  /** Called with each other version seen, one call at a time. */
  readonly onChange: (version: number) => Promise<void>;
  /** The database could not be asked, or onChange failed. The watch goes on; a failed change is tried again. */
  readonly onError: (error: unknown) => void;
}

export interface VersionWatch {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

export function watchVersion(options: VersionWatchOptions): VersionWatch {
  const stopping = new AbortController();
  const running = watch(options, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function watch(options: VersionWatchOptions, signal: AbortSignal): Promise<void> {
  let seen = options.since;
  while (!signal.aborted) {
    try {
      const version = await readVersion(options.db);
      if (version !== seen) await options.onChange(version);
      seen = version;
    } catch (error) {
      options.onError(error);
    }
    // An abort only ends the wait early; the loop's condition does the rest.
    await sleep(options.intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
