import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sql } from 'kysely';
import { forEachDatabase } from '../../test/harness/databases.ts';
import { toJson } from './columns.ts';
import { bumpVersion, readInstallation, readVersion, saveSecretChecks } from './installation.ts';
import { DatabaseNewer, migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { DatabaseUnreachable, openDatabase } from './open.ts';
import { DEFAULT_TENANT_ID } from './schema.ts';

forEachDatabase('the database', (open, kind) => {
  test('gives the same JavaScript types as the other database', async () => {
    const { db } = await open();
    const { rows } = await sql<Record<string, unknown>>`select
      9007199254740991::int8 as big, 7::int4 as whole, 1.5::float8 as real, true as yes, null::text as nothing, 'ä'::text as word,
      '2026-01-31 12:00:00.123+02'::timestamptz as moment, '\\x00ff10'::bytea as bytes,
      ${JSON.stringify({ a: [1, 'x', null] })}::jsonb as document, '[1,2]'::jsonb as list, array['a', 'b,c'] as words,
      (select count(*) from tenants) as counted`.execute(db);
    assert.deepEqual(rows[0], {
      big: Number.MAX_SAFE_INTEGER,
      whole: 7,
      real: 1.5,
      yes: true,
      nothing: null,
      word: 'ä',
      moment: new Date('2026-01-31T10:00:00.123Z'),
      bytes: new Uint8Array([0, 255, 16]),
      document: { a: [1, 'x', null] },
      list: [1, 2],
      words: ['a', 'b,c'],
      counted: 1,
    });
    assert.equal(Object.getPrototypeOf(rows[0]?.['bytes']), Uint8Array.prototype);
  });

  test('takes the same JavaScript types as the other database', async () => {
    const { db } = await open();
    const bytes = new Uint8Array([1, 2, 255]);
    const moment = new Date('2026-07-01T00:00:00.001Z');
    const words = ['a', 'b "c"', '{d}', ''];
    const { rows } =
      await sql`select ${bytes}::bytea as bytes, ${moment}::timestamptz as moment, ${words}::text[] as words,
      ${toJson(['x', { y: 1 }])} as document, ${12_345_678_901}::int8 as big, ${null}::text as nothing`.execute(db);
    assert.deepEqual(rows, [{ bytes, moment, words, document: ['x', { y: 1 }], big: 12_345_678_901, nothing: null }]);
  });

  test('refuses an int8 that a JavaScript number cannot hold', async () => {
    const { db } = await open();
    await assert.rejects(sql`select 9007199254740993::int8 as big`.execute(db), /does not fit/);
  });

  test('answers its check, and fails it once it is closed', async () => {
    const database = await open('blank');
    await database.check();
    await database.close();
    await assert.rejects(database.check());
  });

  test('undoes a transaction that throws, and goes on', async () => {
    const { db } = await open();
    const failed = db.transaction().execute(async (trx) => {
      await bumpVersion(trx);
      throw new Error('on purpose');
    });
    await assert.rejects(failed, /on purpose/);
    assert.equal(await readVersion(db), 0);
  });

  test('has after the migrations one installation and the default tenant', async () => {
    const { db } = await open();
    assert.deepEqual(await readInstallation(db), {
      version: 0,
      setupAt: undefined,
      firstGatewayAt: undefined,
      hmacCheck: undefined,
      encryptionCheck: undefined,
    });
    const tenants = await db.selectFrom('tenants').select(['id', 'slug']).execute();
    assert.deepEqual(tenants, [{ id: DEFAULT_TENANT_ID, slug: 'default' }]);
  });

  test('keeps the first secret checks, whatever comes later', async () => {
    const { db } = await open();
    const first = { hmacCheck: new Uint8Array([1]), encryptionCheck: new Uint8Array([2]) };
    assert.deepEqual((await saveSecretChecks(db, first)).hmacCheck, first.hmacCheck);
    const later = await saveSecretChecks(db, { hmacCheck: new Uint8Array([9]), encryptionCheck: new Uint8Array([9]) });
    assert.deepEqual([later.hmacCheck, later.encryptionCheck], [first.hmacCheck, first.encryptionCheck]);
  });

  test('counts every change of the version, also when many come at once', async () => {
    const { db } = await open();
    await Promise.all(Array.from({ length: 20 }, () => db.transaction().execute((trx) => bumpVersion(trx))));
    assert.equal(await readVersion(db), 20);
  });

  test('migrates twice, and many times at once, as if it were once', async () => {
    const database = await open('blank');
    await Promise.all([migrate(database), migrate(database), migrate(database)]);
    await migrate(database);
    const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(database.db);
    assert.deepEqual(
      rows.map((row) => row.name),
      Object.keys(MIGRATIONS),
    );
  });

  test('refuses a database that a newer program made, and says so', async () => {
    const database = await open('blank');
    const future = { '9999-future': { up: async () => undefined } };
    await migrate(database, { ...MIGRATIONS, ...future });
    await assert.rejects(migrate(database), (error) => {
      assert.ok(error instanceof DatabaseNewer);
      assert.match(error.message, /newer Tollgate \(it has 9999-future/);
      return true;
    });
  });

  test('applies nothing of a run in which one migration fails', async () => {
    const database = await open('blank');
    const broken = { '0002-broken': { up: async () => Promise.reject(new Error('broken on purpose')) } };
    await assert.rejects(migrate(database, { ...MIGRATIONS, ...broken }), /broken on purpose/);
    const { rows } = await sql`select to_regclass('keys') as keys`.execute(database.db);
    assert.deepEqual(rows, [{ keys: null }]);
    await migrate(database);
  });

  test('leaves the statement timeout of its connections as it was', { skip: kind === 'pglite' }, async () => {
    const { db } = await open();
    const shown = await Promise.all(Array.from({ length: 5 }, () => sql`show statement_timeout`.execute(db)));
    assert.deepEqual(
      shown.map(({ rows }) => rows),
      Array.from({ length: 5 }, () => [{ statement_timeout: '30s' }]),
    );
  });

  test('refuses rows that break its rules', async () => {
    const { db } = await open();
    const statements = [
      `insert into installation default values`,
      `insert into tenants values ('gw_1', 'x', 'x', now())`,
      `insert into operators values ('usr_1', 'ten_none', 'x', 'x@y', 'R', now())`,
      `insert into keys (id, tenant_id, public_id, key_prefix, hash, pepper, name, scopes, metadata, created_by, created_at, updated_at)
       values ('key_1', '${DEFAULT_TENANT_ID}', 'a', 'b', '\\x00', 'p', 'n', '{}', '{}', 'c', now(), now())`,
    ];
    for (const statement of statements) await assert.rejects(sql.raw(statement).execute(db), statement);
  });
});

describe('a database that cannot be reached', () => {
  const cases = [
    {
      url: 'postgres://ada:sesame@127.0.0.1:1/tollgate',
      says: /at 127\.0\.0\.1:1\/tollgate as ada: nothing listens there/,
    },
    {
      url: 'postgres://ada:sesame@no-such-host.invalid/tollgate',
      says: /no-such-host\.invalid:5432\/tollgate as ada: /,
    },
    { url: 'sesame', says: /write it as postgres:\/\// },
    { url: 'mysql://ada:sesame@127.0.0.1/x', says: /write it as postgres:\/\// },
  ];
  for (const { url, says } of cases) {
    test(`is told in one line without its password (${url.replace('sesame', '…')})`, async () => {
      await assert.rejects(openDatabase({ databaseUrl: url, dataDir: '' }), (error) => {
        assert.ok(error instanceof DatabaseUnreachable);
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /sesame|\n/);
        return true;
      });
    });
  }
});
