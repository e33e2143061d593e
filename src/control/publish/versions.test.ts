import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { sql } from 'kysely';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { bumpVersion, readVersion, type ChangedKeys } from '../../db/installation.ts';
import { watchVersion, type VersionWatchOptions } from './versions.ts';

/** No look but the first comes within a test: what is seen was announced. */
const NEVER_MS = 3_600_000;

interface Watched {
  readonly changes: ChangedKeys[];
  readonly errors: unknown[];
  /** Resolves when there are so many changes. */
  until(count: number): Promise<void>;
  /**
   * Resolves when the watch listens for so many times, and no look is under way. Only then is what comes next sure to be heard of by
   * its announcement, and not to be found by one of the looks of the beginning.
   */
  listens(times: number): Promise<void>;
}

function watch(t: TestContext, options: Partial<VersionWatchOptions> & Pick<VersionWatchOptions, 'db'>): Watched {
  const changes: ChangedKeys[] = [];
  const errors: unknown[] = [];
  let listened = 0;
  let underway = 0;
  const waiting = new Set<() => void>();
  const look = (): void => waiting.forEach((check) => check());
  const { onChange, db, listen, ...rest } = options;
  const watching = watchVersion({
    db: db.withPlugin({
      transformQuery({ node }) {
        underway++;
        return node;
      },
      async transformResult({ result }) {
        underway--;
        look();
        return result;
      },
    }),
    since: 0,
    intervalMs: 5,
    listen:
      listen &&
      ((events) =>
        listen({
          ...events,
          onListening() {
            events.onListening();
            listened++;
          },
        })),
    async onChange(changed) {
      changes.push(changed);
      await onChange?.(changed);
      look();
    },
    onError: (error) => errors.push(error),
    ...rest,
  });
  t.after(() => watching.stop());

  function when(isSo: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => (isSo() ? resolve() : undefined);
    waiting.add(check);
    check();
    return promise;
  }
  return {
    changes,
    errors,
    until: (count) => when(() => changes.length >= count),
    listens: (times) => when(() => listened >= times && underway === 0),
  };
}

forEachDatabase('the version watch', (open, kind) => {
  test('finds what was not announced, tries again what failed, and ends when it is told', async () => {
    const { db } = await open();
    const calls: ChangedKeys[] = [];
    const errors: unknown[] = [];
    const done = Promise.withResolvers<void>();
    const watching = watchVersion({
      db,
      listen: undefined,
      since: 0,
      intervalMs: 5,
      async onChange(changed) {
        calls.push(changed);
        if (calls.length === 1) throw new Error('not yet');
        done.resolve();
      },
      onError: (error) => errors.push(error),
    });
    await bumpVersion(db, ['a']);
    await done.promise;
    await watching.stop();
    assert.deepEqual(calls, ['all', 'all'], 'without the announcement nobody knows what changed');
    assert.deepEqual(errors.map(String), ['Error: not yet']);
    await bumpVersion(db);
    assert.equal(calls.length, 2);
  });

  test('takes a database that went back in time for a change of everything', async (t) => {
    const { db } = await open();
    for (let i = 0; i < 3; i++) await bumpVersion(db);
    const seen = watch(t, { db, since: 3 });
    await db.updateTable('installation').set({ version: 1 }).execute();
    await seen.until(1);
    assert.deepEqual(seen.changes, ['all']);
  });

  test('takes over nothing twice, whichever way and in whichever order it heard of it', async (t) => {
    const { db } = await open();
    for (let i = 0; i < 3; i++) await bumpVersion(db);
    let say = (_payload: string): void => undefined;
    const listen: VersionWatchOptions['listen'] = ({ onMessage }) => {
      say = onMessage;
      return { restart: () => undefined, stop: async () => undefined };
    };
    const seen = watch(t, { db, listen, since: 3, intervalMs: NEVER_MS });
    say('{"version":5,"keys":["b"]}');
    say('{"version":4,"keys":["a"]}');
    say('{"version":5,"keys":["b"]}');
    say('{"version":6,"keys":["c"]}');
    await seen.until(2);
    assert.deepEqual(seen.changes, ['all', ['c']]);
  });

  const onPostgres = { skip: kind === 'pglite' };

  test('tells precisely which keys were announced, with the commit and not before', onPostgres, async (t) => {
    const database = await open();
    const { db, listen } = database;
    const seen = watch(t, { db, listen, intervalMs: NEVER_MS });
    await seen.listens(1);
    const rolledBack = db.transaction().execute(async (trx) => {
      await bumpVersion(trx, ['never']);
      throw new Error('on purpose');
    });
    await assert.rejects(rolledBack, /on purpose/);
    await db.transaction().execute((trx) => bumpVersion(trx, ['a', 'b']));
    await bumpVersion(db, ['c']);
    await bumpVersion(db);
    await seen.until(3);
    assert.deepEqual(seen.changes, [['a', 'b'], ['c'], 'all']);
  });

  test('takes more keys than an announcement holds for all', onPostgres, async (t) => {
    const database = await open();
    const { db, listen } = database;
    const seen = watch(t, { db, listen, intervalMs: NEVER_MS });
    await seen.listens(1);
    await bumpVersion(
      db,
      Array.from({ length: 150 }, (_, i) => `sha256_${String(i).padStart(32, '0')}`),
    );
    await bumpVersion(
      db,
      Array.from({ length: 151 }, (_, i) => `id${i}`),
    );
    await seen.until(2);
    assert.deepEqual([seen.changes[0]?.length, seen.changes[1]], [150, 'all']);
  });

  test('passes over what others say on its channel', onPostgres, async (t) => {
    const database = await open();
    const { db, listen } = database;
    const seen = watch(t, { db, listen, intervalMs: NEVER_MS });
    await seen.listens(1);
    for (const payload of ['', 'nonsense', '{}', '[1]', '{"version":"2"}', '{"version":0}'])
      await sql`select pg_notify('tollgate_version', ${payload})`.execute(db);
    await bumpVersion(db, ['a']);
    await seen.until(1);
    assert.deepEqual(seen.changes, [['a']]);
  });

  test('comes back when its connection is cut, and finds what was said meanwhile', onPostgres, async (t) => {
    const database = await open();
    const { db, listen } = database;
    const seen = watch(t, { db, listen, intervalMs: NEVER_MS });
    await seen.listens(1);
    // In one statement: nobody can listen again in between.
    await sql`with gone as (select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'tollgate listens' and datname = current_database())
      update installation set version = version + 1 where (select count(*) from gone) > 0`.execute(db);
    await seen.until(1);
    assert.deepEqual(seen.changes, ['all']);
    await seen.listens(2);
    await bumpVersion(db, ['a']);
    await seen.until(2);
    assert.deepEqual(seen.changes, ['all', ['a']]);
    assert.equal(seen.errors.length, 1);
  });

  test(
    'heals by a look what an announcement missed, and renews the connection that missed it',
    onPostgres,
    async (t) => {
      const database = await open();
      const { db, listen } = database;
      const seen = watch(t, { db, listen });
      await seen.listens(1);
      await db.updateTable('installation').set({ version: 1 }).execute(); // As if announced to a dead connection.
      await seen.until(1);
      assert.deepEqual(seen.changes, ['all']);
      await seen.listens(2);
      assert.equal(await readVersion(db), 1);
    },
  );
});
