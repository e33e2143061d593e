// Watches the database: for what other nodes changed, and, when it was away at the start, for its return.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { VersionWatch } from './control/publish/versions.ts';
import { migrate } from './db/migrate.ts';
import type { AwaitedDatabase, OpenedDatabase } from './db/open.ts';
import { warnOfUnprovable, watchOtherNodes, type OtherNodesOptions } from './key-path.ts';
import { findForeignSecrets, type Secrets } from './secrets.ts';

const POLL_MS = 1000;

export interface Watching extends OtherNodesOptions {
  readonly database: OpenedDatabase | AwaitedDatabase;
  readonly secrets: Secrets;
}

export interface DatabaseWatch {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** Takes over what other nodes changed; and a database that was away, when it is back. */
export function watchDatabase(watching: Watching): DatabaseWatch | undefined {
  const { database, secrets, log } = watching;
  if (!('behind' in database)) return watchOtherNodes(watching);
  let later: VersionWatch | undefined;
  const onReturn = (): void => void (later = watchOtherNodes({ ...watching, since: NEVER_SEEN }));
  const returning = watchForReturn({ database, secrets, log, onReturn });
  return {
    async stop() {
      await returning.stop();
      await later?.stop();
    },
  };
}

/** No version of a database: whatever it has is a change. */
const NEVER_SEEN = -1;

interface ReturnOptions {
  readonly database: AwaitedDatabase;
  readonly secrets: Secrets;
  readonly log: Logger;
  /** Called once, when it can be used. */
  readonly onReturn: () => void;
}

function watchForReturn(options: ReturnOptions): DatabaseWatch {
  const stopping = new AbortController();
  const running = watch(options, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function watch({ database, secrets, log, onReturn }: ReturnOptions, signal: AbortSignal): Promise<void> {
  let told = '';
  while (!signal.aborted) {
    try {
      await prepare(database, secrets);
      database.open();
      await warnOfUnprovable(database, secrets, log);
      log.warn({}, 'the database is back: its configuration is served again');
      onReturn();
      return;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      if (reason !== told) log.error({ reason }, 'the database is away: what was served last is served');
      told = reason;
    }
    await sleep(POLL_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

async function prepare({ behind }: AwaitedDatabase, secrets: Secrets): Promise<void> {
  await migrate(behind);
  const foreign = await findForeignSecrets(behind.db, secrets);
  if (foreign.length > 0) throw new Error(`not the secrets that this database was made with: ${foreign.join(', ')}`);
}
