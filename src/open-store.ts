// Opens the database of a node, and proves that it can be worked with; or finds what the node served last, while the database is away.

import type { Logger } from 'pino';
import { SettingsError, type Settings } from './config.ts';
import { isDatabaseAway } from './db/failure.ts';
import { DatabaseNewer, migrate } from './db/migrate.ts';
import {
  awaitPostgres,
  DatabaseUnreachable,
  openDatabase,
  type AwaitedDatabase,
  type OpenedDatabase,
} from './db/open.ts';
import { TenantRoleUnfit } from './db/tenant-role.ts';
import type { GatewayConfig } from './gateway/snapshot.ts';
import { warnOfUnprovable } from './key-path.ts';
import { findForeignSecrets, type Secrets } from './secrets.ts';
import type { SnapshotFile } from './snapshot-file.ts';

export interface StoreOptions {
  readonly settings: Settings;
  readonly dataDir: string;
  readonly secrets: Secrets;
  readonly file: SnapshotFile;
  readonly log: Logger;
}

export interface Store {
  readonly database: OpenedDatabase | AwaitedDatabase;
  /** What was served last, when the database is away. */
  readonly lastGood?: GatewayConfig[] | undefined;
}

/** Throws a SettingsError for whatever the person who started the node can mend. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { DATABASE_URL: databaseUrl } = options.settings;
  try {
    return { database: await openFit(options) };
  } catch (cause) {
    const isAway = cause instanceof DatabaseUnreachable && isDatabaseAway(cause.cause);
    const lastGood = isAway && databaseUrl !== undefined ? options.file.load() : undefined;
    if (databaseUrl !== undefined && lastGood !== undefined) return { database: awaitPostgres(databaseUrl), lastGood };
    if (cause instanceof DatabaseUnreachable || cause instanceof DatabaseNewer || cause instanceof TenantRoleUnfit)
      throw new SettingsError([`${databaseUrl === undefined ? 'DATA_DIR' : 'DATABASE_URL'}: ${cause.message}`]);
    throw cause;
  }
}

async function openFit(options: StoreOptions): Promise<OpenedDatabase> {
  const { settings, dataDir } = options;
  const database = await openDatabase({ databaseUrl: settings.DATABASE_URL, dataDir });
  try {
    await fit(database, options);
    return database;
  } catch (cause) {
    await database.close();
    if (!isDatabaseAway(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DatabaseUnreachable(`the database went away while it was made ready: ${reason}`, cause);
  }
}

async function fit(database: OpenedDatabase, { secrets, log }: StoreOptions): Promise<void> {
  await migrate(database);
  const foreign = await findForeignSecrets(database.db, secrets);
  if (foreign.length > 0) {
    throw new SettingsError(
      foreign.map(
        (name) =>
          `${name}: not the one that this database was made with; give the one of the first node, or of a backup`,
      ),
    );
  }
  await warnOfUnprovable(database, secrets, log);
}
