// Brings a database up to the program: every missing migration in one transaction, under a lock, so that any number of processes may
// start at once; then the walls between tenants.

import { sql, type Kysely } from 'kysely';
import { Migrator, type Migration } from 'kysely/migration';
import type { OpenedDatabase } from './open.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { buildTenantWalls } from './tenant-walls.ts';

const TABLE = 'kysely_migration';

/** The database was migrated by a newer program than this one; its message is for the person who started it. */
export class DatabaseNewer extends Error {
  constructor(unknown: readonly string[]) {
    super(
      `the database was made by a newer Tollgate (it has ${unknown.join(', ')}, which this one does not know): ` +
        'start that version, or restore a backup from before the upgrade',
    );
    this.name = 'DatabaseNewer';
  }
}

/** Throws DatabaseNewer, TenantRoleUnfit, or the error of the migration that failed; then no migration of this run has been applied. */
export async function migrate(
  database: Pick<OpenedDatabase, 'db' | 'kind'>,
  migrations: Readonly<Record<string, Migration>> = MIGRATIONS,
): Promise<void> {
  await database.db.connection().execute(async (connection) => {
    // A migration may take long, and so may waiting for another process that migrates: the pool's limit is not for them.
    if (database.kind === 'postgres') await sql`set statement_timeout = 0`.execute(connection);
    try {
      await run(connection, migrations);
      await buildTenantWalls(connection);
    } finally {
      if (database.kind === 'postgres') await sql`reset statement_timeout`.execute(connection);
    }
  });
}

async function run<Schema>(connection: Kysely<Schema>, migrations: Readonly<Record<string, Migration>>): Promise<void> {
  const applied = await readApplied(connection);
  checkNotNewer(applied, migrations);
  // The usual start: nothing to do, and no reason to wait for anybody's lock.
  if (Object.keys(migrations).every((name) => applied.includes(name))) return;
  const migrator = new Migrator({ db: connection, provider: { getMigrations: async () => ({ ...migrations }) } });
  const { error: cause } = await migrator.migrateToLatest();
  if (cause === undefined) return;
  // A newer program may have migrated while this one waited for the lock.
  checkNotNewer(await readApplied(connection), migrations);
  throw cause instanceof Error ? cause : new Error('a migration failed', { cause });
}

/** The names of the migrations that the database has seen. */
async function readApplied<Schema>(connection: Kysely<Schema>): Promise<string[]> {
  const found = await sql<{ exists: boolean }>`select to_regclass(${TABLE}) is not null as exists`.execute(connection);
  if (found.rows[0]?.exists !== true) return [];
  const applied = await sql<{ name: string }>`select name from ${sql.table(TABLE)} order by name`.execute(connection);
  return applied.rows.map((row) => row.name);
}

function checkNotNewer(applied: readonly string[], migrations: Readonly<Record<string, Migration>>): void {
  const unknown = applied.filter((name) => !Object.hasOwn(migrations, name));
  if (unknown.length > 0) throw new DatabaseNewer(unknown);
}
