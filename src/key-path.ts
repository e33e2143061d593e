// What the gateway threads know of keys, put together: where they look them up, and how they learn of what other nodes changed.

import type { Logger } from 'pino';
import type { ControlPlane } from './control/control-plane.ts';
import { createCredentialSource, type CredentialSource } from './control/publish/credential-source.ts';
import { loadCredentials } from './control/publish/credentials.ts';
import { watchVersion, type VersionWatch } from './control/publish/versions.ts';
import type { OpenedDatabase } from './db/open.ts';
import type { RateLimit } from './db/schema.ts';
import type { Supervisor } from './gateway/supervision.ts';
import { countUnprovable, type Secrets } from './secrets.ts';

/** A change that was not announced is found within a second all the same. */
const VERSION_POLL_MS = 500;

/** Whoever exchanged the pepper must know how many keys would not survive it. */
export async function warnOfUnprovable({ db }: OpenedDatabase, secrets: Secrets, log: Logger): Promise<void> {
  const keys = await countUnprovable(db, secrets, new Date());
  if (keys > 0) log.warn({ keys }, 'keys are refused: hashed under neither HMAC_SECRET nor HMAC_SECRET_PREVIOUS');
}

export function openKeySource({ lookups }: OpenedDatabase, defaultLimits: RateLimit, log: Logger): CredentialSource {
  return createCredentialSource({
    load: (publicIds) => loadCredentials(lookups, publicIds, defaultLimits),
    onAway: (cause) =>
      log.error({ reason: String(cause) }, 'keys cannot be looked up: those that are remembered go on, others get 503'),
    onBack: () => log.info('keys can be looked up again'),
  });
}

export interface OtherNodesOptions {
  readonly database: OpenedDatabase;
  readonly control: ControlPlane;
  readonly supervisor: Supervisor;
  /** The version that the threads serve. */
  readonly since: number;
  readonly log: Logger;
}

/** Takes over what other nodes changed: what is live, and which keys are known. On an embedded database there are no others. */
export function watchOtherNodes(options: OtherNodesOptions): VersionWatch | undefined {
  const { database, control, supervisor, since, log } = options;
  if (database.kind === 'pglite') return undefined;
  return watchVersion({
    db: database.lookups,
    listen: database.listen,
    since,
    intervalMs: VERSION_POLL_MS,
    async onChange(changed) {
      if (changed.length === 0) return; // Counted for its lock alone.
      await supervisor.forget(changed);
      if (changed === 'all') await control.services.publish();
    },
    onError: (cause) => log.error({ reason: String(cause) }, 'changes of other nodes could not be looked for'),
  });
}
