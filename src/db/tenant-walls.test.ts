import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { sql, type Kysely } from 'kysely';
import { forEachDatabase, withPostgresUrl } from '../../test/harness/databases.ts';
import { makePartitions } from '../control/publish/partitions.ts';
import { newId } from '../lib/id.ts';
import { toJson } from './columns.ts';
import { bumpVersion } from './installation.ts';
import { migrate } from './migrate.ts';
import { openDatabase, type OpenedDatabase } from './open.ts';
import { DEFAULT_TENANT_ID, type Database } from './schema.ts';
import { TENANT_ROLE, TenantRoleUnfit } from './tenant-role.ts';
import { inTenant, outsideTenant } from './tenant-transaction.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const OWN = { tenantId: DEFAULT_TENANT_ID };
const OTHER = { tenantId: newId('ten', NOW.getTime()) };
const TABLES = [
  'audit_heads',
  'audit_logs',
  'clients',
  'events',
  'idempotency_keys',
  'operators',
  'operator_passwords',
  'roles',
  'keys',
  'gateways',
  'endpoints',
  'quota_notices',
  'revisions',
  'request_logs',
] as const;

forEachDatabase('the walls between tenants', (open) => {
  test('show a tenant its own rows of every table, however they are asked for', async () => {
    const { db } = await open();
    await fillTwoTenants(db);
    for (const scope of [OWN, OTHER]) {
      await inTenant(db, scope, async (trx) => {
        for (const table of TABLES) {
          const { rows } = await sql<{ tenant_id: string }>`select tenant_id from ${sql.table(table)}`.execute(trx);
          assert.deepEqual(rows, [{ tenant_id: scope.tenantId }], table);
        }
        const { rows } = await sql`select id from tenants`.execute(trx);
        assert.deepEqual(rows, [{ id: scope.tenantId }]);
      });
    }
  });

  test('show nothing to a transaction that names no tenant, nor one that never was', async () => {
    const { db } = await open();
    await fillTwoTenants(db);
    for (const tenantId of ['', 'ten_nobody', '%']) {
      await inTenant(db, { tenantId }, async (trx) => {
        for (const table of [...TABLES, 'tenants']) {
          assert.deepEqual((await sql`select 1 from ${sql.table(table)}`.execute(trx)).rows, [], table);
        }
      });
    }
    await db.transaction().execute(async (trx) => {
      await sql`select set_config('role', ${TENANT_ROLE}, true)`.execute(trx);
      for (const table of TABLES) {
        assert.deepEqual((await sql`select 1 from ${sql.table(table)}`.execute(trx)).rows, [], table);
      }
    });
  });

  test('let no row of another tenant be changed, deleted, made or taken over', async () => {
    const { db } = await open();
    await fillTwoTenants(db);
    const untouched = await everything(db);
    await inTenant(db, OWN, async (trx) => {
      for (const table of [
        'operators',
        'roles',
        'clients',
        'keys',
        'gateways',
        'endpoints',
        'idempotency_keys',
      ] as const) {
        const theirs = sql`where tenant_id = ${OTHER.tenantId}`;
        const name = sql.table(table);
        assert.equal((await sql`update ${name} set created_at = now() ${theirs}`.execute(trx)).numAffectedRows, 0n);
        assert.equal((await sql`delete from ${name} ${theirs}`.execute(trx)).numAffectedRows, 0n);
      }
    });
    const attempts: ((trx: Kysely<Database>) => Promise<unknown>)[] = [
      (trx) => trx.insertInto('roles').values(roleOf(OTHER, 'SPY')).execute(),
      (trx) => trx.updateTable('roles').set({ tenant_id: OTHER.tenantId }).execute(),
      (trx) => trx.updateTable('keys').set({ tenant_id: OTHER.tenantId }).execute(),
      (trx) => trx.updateTable('revisions').set({ number: 7 }).execute(),
      (trx) => trx.deleteFrom('request_logs').execute(),
      (trx) => trx.updateTable('audit_logs').set({ action: 'none' }).execute(),
      (trx) => trx.deleteFrom('audit_logs').execute(),
      (trx) => trx.deleteFrom('audit_heads').execute(),
      (trx) => trx.updateTable('audit_heads').set({ tenant_id: OTHER.tenantId }).execute(),
      (trx) => trx.updateTable('events').set({ type: 'none' }).execute(),
      (trx) => trx.deleteFrom('events').execute(),
      (trx) => trx.updateTable('clients').set({ tenant_id: OTHER.tenantId }).execute(),
      (trx) => trx.updateTable('idempotency_keys').set({ tenant_id: OTHER.tenantId }).execute(),
      (trx) => trx.deleteFrom('quota_notices').execute(),
      (trx) => trx.updateTable('rate_limit_tiers').set({ name: 'mine' }).execute(),
      (trx) => trx.deleteFrom('rate_limit_tiers').execute(),
      (trx) => trx.updateTable('tenants').set({ slug: 'mine' }).execute(),
      (trx) => sql`truncate keys`.execute(trx),
      (trx) => sql`drop policy tollgate_tenant on keys`.execute(trx),
    ];
    for (const attempt of attempts) {
      await assert.rejects(
        inTenant(db, OWN, attempt),
        /row-level security|permission denied|must be owner|append-only/,
        String(attempt),
      );
    }
    assert.deepEqual(await everything(db), untouched);
  });

  test('cannot be passed by at a partition', async () => {
    const { db } = await open();
    await makePartitions(db, [NOW.getTime()]);
    await assert.rejects(
      inTenant(db, OWN, (trx) => sql`select 1 from request_logs_2026_03`.execute(trx)),
      /permission denied/,
    );
  });

  test('stand around every table that has a tenant, partitions too, for its owner as well', async () => {
    const { db } = await open();
    await makePartitions(db, [NOW.getTime()]);
    const { rows } = await sql<{ name: string; walled: boolean }>`
      select relname as name, relrowsecurity and relforcerowsecurity as walled
      from pg_class join pg_attribute on attrelid = pg_class.oid and attname = 'tenant_id' and not attisdropped
      where relkind in ('r', 'p') and relnamespace = current_schema()::regnamespace order by 1`.execute(db);
    assert.deepEqual(
      rows,
      [...TABLES, 'request_logs_2026_03'].toSorted().map((name) => ({ name, walled: true })),
    );
  });

  test('bind a role that owns nothing and can do nothing but what it is granted', async () => {
    const { db } = await open();
    const { rows } = await sql`
      select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication,
        exists (select from pg_class where relowner = pg_roles.oid) as owns,
        exists (select from pg_auth_members where member = pg_roles.oid) as is_member
      from pg_roles where rolname = ${TENANT_ROLE}`.execute(db);
    const nothing = {
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolcanlogin: false,
    };
    assert.deepEqual(rows, [{ ...nothing, rolreplication: false, owns: false, is_member: false }]);
  });

  test('end with the transaction, whether it is kept or undone', async () => {
    const { db } = await open();
    await fillTwoTenants(db);
    await inTenant(db, OTHER, async () => undefined);
    await assert.rejects(
      inTenant(db, OTHER, async () => Promise.reject(new Error('on purpose'))),
      /on purpose/,
    );
    await assert.rejects(
      inTenant(db, OTHER, (trx) => sql`select 1/0`.execute(trx)),
      /zero/,
    );
    for (let i = 0; i < 5; i++) {
      const { rows } = await sql`select current_user = session_user as own, count(*) as keys from keys`.execute(db);
      assert.deepEqual(rows, [{ own: true, keys: 2 }]);
    }
  });

  test('let a step look outside and stand again after it', async () => {
    const { db } = await open();
    await fillTwoTenants(db);
    const count = async (trx: Kysely<Database>): Promise<number> =>
      (await trx.selectFrom('keys').select('id').execute()).length;
    await inTenant(db, OTHER, async (trx) => {
      assert.equal(await outsideTenant(trx, count), 2);
      assert.equal(await count(trx), 1);
    });
    const { rows } = await sql`select current_user = session_user as own`.execute(db);
    assert.deepEqual(rows, [{ own: true }]);
  });

  test('let a tenant count the configuration version, which belongs to nobody', async () => {
    const { db } = await open();
    assert.equal(await inTenant(db, OTHER, (trx) => bumpVersion(trx)), 1);
  });

  test('are raised again at the next start where a restored dump has lost them', async () => {
    const database = await open('blank');
    const { db } = database;
    await migrate(database);
    await fillTwoTenants(db);
    await sql`drop policy tollgate_tenant on keys`.execute(db);
    await sql`alter table roles disable row level security`.execute(db);
    await sql`alter table gateways no force row level security`.execute(db);
    await sql`grant delete on revisions to ${sql.id(await roleName(db))}`.execute(db);
    await sql`revoke select on operators from ${sql.id(await roleName(db))}`.execute(db);
    await migrate(database);
    await inTenant(db, OTHER, async (trx) => {
      for (const table of ['keys', 'roles', 'gateways', 'operators'] as const) {
        assert.equal((await trx.selectFrom(table).select('tenant_id').execute()).length, 1, table);
      }
    });
    await assert.rejects(
      inTenant(db, OTHER, (trx) => trx.deleteFrom('revisions').execute()),
      /permission denied/,
    );
  });
});

describe('an owner that is no superuser, as on managed PostgreSQL', () => {
  describe('with the rules of PostgreSQL 18 (PGlite)', () => {
    const databases: OpenedDatabase[] = [];
    after(() => Promise.all(databases.map((database) => database.close())));

    const login = async (
      attributes: string,
      prepare: (db: Kysely<Database>) => Promise<void> = async () => undefined,
    ): Promise<OpenedDatabase> => {
      const database = await openDatabase({ databaseUrl: undefined, dataDir: 'memory://' });
      databases.push(database);
      await sql.raw(`create role ada login ${attributes}`).execute(database.db);
      await sql`grant all on schema public to ada`.execute(database.db);
      await prepare(database.db);
      await sql`set session authorization ada`.execute(database.db);
      return database;
    };

    test('is walled in and works in the background when it may create roles', async () => {
      await assertWorks(await login('createrole'));
    });

    test('is told what an administrator has to run when it may not', async () => {
      await assertRefused(await login(''), 'ada');
    });

    test('takes a role that an administrator has prepared as told', async () => {
      await assertWorks(
        await login('', async (db) => {
          const role = await roleName(db);
          await sql.raw(`create role ${role} nologin`).execute(db);
          await sql.raw(`grant ${role} to ada`).execute(db);
        }),
      );
    });
  });

  withPostgresUrl('with the rules of the server', (databaseUrl) => {
    const user = `tollgate_test_${randomBytes(6).toString('hex')}`;
    const opened: OpenedDatabase[] = [];
    let admin: OpenedDatabase;

    const login = async (attributes: string): Promise<OpenedDatabase> => {
      await sql.raw(`alter role ${user} ${attributes}`).execute(admin.db);
      const url = new URL(databaseUrl());
      url.username = user;
      url.password = user;
      const database = await openDatabase({ databaseUrl: url.href, dataDir: '' });
      opened.push(database);
      return database;
    };
    const asAdmin = async (statement: string): Promise<void> => {
      await sql.raw(statement).execute(admin.db);
    };

    before(async () => {
      admin = await openDatabase({ databaseUrl: databaseUrl(), dataDir: '' });
      await asAdmin(`create role ${user} login password '${user}'`);
      await asAdmin(`grant all on schema public to ${user}`);
    });
    after(async () => {
      for (const database of opened) await database.close();
      await asAdmin(`drop owned by ${user} cascade`);
      await asAdmin(`drop role ${user}`);
      await admin.close();
    });

    test('is told what an administrator has to run when it may not create roles', async () => {
      await assertRefused(await login('nocreaterole'), user);
    });

    test('takes a role that an administrator has prepared, unless it could see past the walls', async () => {
      const role = await roleName(admin.db);
      await asAdmin(`create role ${role} nologin bypassrls; grant ${role} to ${user}`);
      const database = await login('nocreaterole');
      await assert.rejects(migrate(database), /must not be able to see past row-level security/);
      await asAdmin(`alter role ${role} nobypassrls; revoke ${role} from ${user}; grant ${user} to ${role}`);
      await assert.rejects(migrate(await login('nocreaterole')), TenantRoleUnfit);
      await asAdmin(`revoke ${user} from ${role}; grant ${role} to ${user}`);
      await assertWorks(await login('nocreaterole'));
    });

    test('is walled in and works in the background when it may create roles', async () => {
      const role = await roleName(admin.db);
      await asAdmin(`drop owned by ${user} cascade; drop owned by ${role} cascade; drop role ${role}`);
      await asAdmin(`grant all on schema public to ${user}`);
      await assertWorks(await login('createrole'));
    });
  });
});

withPostgresUrl('many starts at once', (databaseUrl) => {
  test('make one role for each database of the cluster, and stay out of each other’s way', async () => {
    const admin = await openDatabase({ databaseUrl: databaseUrl(), dataDir: '' });
    const names = Array.from({ length: 3 }, () => `tollgate_test_${randomBytes(6).toString('hex')}`);
    // A name whose role would be too long for PostgreSQL.
    names.push(`tollgate_test_${randomBytes(20).toString('hex')}`);
    for (const name of names) await sql.raw(`create database ${name}`).execute(admin.db);
    const starts = names
      .flatMap((name) => [name, name])
      .map(async (name) => {
        const url = new URL(databaseUrl());
        url.pathname = `/${name}`;
        return openDatabase({ databaseUrl: url.href, dataDir: '' });
      });
    const nodes = await Promise.all(starts);
    try {
      await Promise.all(nodes.map((node) => migrate(node)));
      const roles = new Set(await Promise.all(nodes.map(({ db }) => roleName(db))));
      assert.equal(roles.size, names.length);
      for (const { db } of nodes) assert.equal((await inTenant(db, OWN, (trx) => bumpVersion(trx))) > 0, true);
      await Promise.all(nodes.map((node) => node.close()));
      for (const name of names) await sql.raw(`drop database ${name} with (force)`).execute(admin.db);
      for (const role of roles) await sql.raw(`drop role ${role}`).execute(admin.db);
    } finally {
      await admin.close();
    }
  });
});

async function assertWorks(database: OpenedDatabase): Promise<void> {
  await Promise.all([migrate(database), migrate(database)]);
  const { db } = database;
  await fillTwoTenants(db);
  assert.equal((await db.selectFrom('keys').select('id').execute()).length, 2);
  await inTenant(db, OTHER, async (trx) => {
    assert.equal((await trx.selectFrom('keys').select('id').execute()).length, 1);
    assert.equal((await trx.selectFrom('request_logs').select('request_id').execute()).length, 1);
  });
}

async function assertRefused(database: OpenedDatabase, user: string): Promise<void> {
  await assert.rejects(migrate(database), (error) => {
    assert.ok(error instanceof TenantRoleUnfit);
    assert.match(
      error.message,
      new RegExp(`user "${user}" may not make the role "tollgate_tenant_.*alter role "${user}" createrole`),
    );
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}

async function roleName(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ role: string }>`select ${TENANT_ROLE} as role`.execute(db);
  return rows[0]?.role ?? '';
}

async function everything(db: Kysely<Database>): Promise<unknown> {
  return Promise.all(TABLES.map((table) => db.selectFrom(table).selectAll().orderBy('tenant_id').execute()));
}

function roleOf(scope: { readonly tenantId: string }, name: string) {
  return { tenant_id: scope.tenantId, name, description: null, permissions: [], created_at: NOW, updated_at: NOW };
}

/** A row of each table for either tenant. */
async function fillTwoTenants(db: Kysely<Database>): Promise<void> {
  await db
    .insertInto('tenants')
    .values({ id: OTHER.tenantId, name: 'Other', slug: 'other', created_at: NOW })
    .execute();
  await makePartitions(db, [NOW.getTime()]);
  for (const { tenantId: tenant_id } of [OWN, OTHER]) {
    const tail = tenant_id.slice('ten_'.length);
    const times = { created_at: NOW, updated_at: NOW };
    const operator = {
      id: `usr_${tail}`,
      tenant_id,
      name: 'Ada',
      email: 'ada@example.com',
      role: 'SUPER_ADMIN',
      ...times,
    };
    await db.insertInto('operators').values(operator).execute();
    await db
      .insertInto('operator_passwords')
      .values({ operator_id: operator.id, tenant_id, hash: 'x', changed_at: NOW })
      .execute();
    await db
      .insertInto('roles')
      .values(roleOf({ tenantId: tenant_id }, 'AUDITOR'))
      .execute();
    await sql`insert into keys (id, tenant_id, public_id, key_prefix, hash, pepper, name, scopes, metadata, created_by, created_at, updated_at)
      values (${`key_${tail}`}, ${tenant_id}, ${tail}, 'tg', ${new Uint8Array(48)}, '0', 'k', '{}', '{}', 'x', ${NOW}, ${NOW})`.execute(
      db,
    );
    await fillTrail(db, tenant_id, tail);
    await db
      .insertInto('gateways')
      .values({
        id: `gw_${tail}`,
        tenant_id,
        name: 'shop',
        description: null,
        base_url: null,
        version: 'v1',
        route_prefix: '/shop',
        upstream_services: toJson([]),
        load_balancing_strategy: 'round_robin',
        timeout_seconds: 1,
        hosts: [],
        versioning: null,
        cors: null,
        status: 'active',
        status_since: null,
        ...times,
        security_settings: toJson({ authenticationRequired: true, rateLimitingEnabled: true }),
      })
      .execute();
    await sql`insert into endpoints (id, tenant_id, gateway_id, method, path, tags, required_scopes, is_active, created_at, updated_at)
      values (${`ep_${tail}`}, ${tenant_id}, ${`gw_${tail}`}, 'GET', '/', '{}', '{}', true, ${NOW}, ${NOW})`.execute(
      db,
    );
    const revision = {
      id: `rev_${tail}`,
      tenant_id,
      gateway_id: `gw_${tail}`,
      number: 1,
      created_by: 'x',
      created_at: NOW,
    };
    await db
      .insertInto('revisions')
      .values({ ...revision, config: toJson<unknown>({}) })
      .execute();
    await sql`insert into request_logs (request_id, tenant_id, started_at, duration_ms, method, path, query, status, rate_limited,
        auth_failed, client_ip, request_bytes, response_bytes)
      values (${`req_${tail}`}, ${tenant_id}, ${NOW}, 1, 'GET', '/', '', 200, false, false, '', 0, 0)`.execute(db);
  }
}

/** A client, and what its making would have left behind. */
async function fillTrail(db: Kysely<Database>, tenantId: string, tail: string): Promise<void> {
  const hash = new Uint8Array(32);
  await sql`insert into clients (id, tenant_id, name, contact_email, redirect_uris, requested_scopes, allowed_scopes, metadata, status,
      created_by, created_at, updated_at)
    values (${`cli_${tail}`}, ${tenantId}, 'c', 'c@example.com', '{}', '{}', '{}', '{}', 'active', 'x', ${NOW}, ${NOW})`.execute(
    db,
  );
  await db.insertInto('audit_heads').values({ tenant_id: tenantId, count: 1, hash }).execute();
  await sql`insert into audit_logs (tenant_id, sequence, id, occurred_at, action, actor, actor_id, resource_type, resource_id, details,
      changes, previous_hash, hash)
    values (${tenantId}, 1, ${`aud_${tail}`}, ${NOW}, 'client.create', '{}', 'x', 'api_client', ${`cli_${tail}`}, '{}', '{}', ${hash},
      ${hash})`.execute(db);
  await sql`insert into events (id, tenant_id, type, data, created_at)
    values (${`evt_${tail}`}, ${tenantId}, 'client.created', '{}', ${NOW})`.execute(db);
  await sql`insert into idempotency_keys (tenant_id, caller_id, operation, key_hash, fingerprint, claim, claimed_until, created_at, expires_at)
    values (${tenantId}, 'x', 'createClient', ${hash}, ${hash}, ${hash}, ${NOW}, ${NOW}, ${NOW})`.execute(db);
  await sql`insert into quota_notices (tenant_id, subject, resets_at, quota, level, noticed_at)
    values (${tenantId}, 'key:x', ${NOW}, 1, 'warning', ${NOW})`.execute(db);
}
