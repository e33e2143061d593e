import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { forEachDatabase } from '../../test/harness/databases.ts';
import type { OpenedDatabase } from '../db/open.ts';
import { startSchedule, type Job, type Schedule, type ScheduleOptions } from './schedule.ts';

interface Driven {
  readonly schedule: Schedule;
  /** How long each wait was meant to be, in order. */
  readonly waits: readonly number[];
  readonly errors: readonly (readonly [job: string, error: string, failures: number])[];
  /** Ends the wait that is under way; resolves when the next one begins. */
  next(): Promise<void>;
}

/** A schedule of one job whose waits the test ends. */
async function drive(t: TestContext, { db }: OpenedDatabase, options: Partial<Job> = {}): Promise<Driven> {
  const waits: number[] = [];
  const errors: [string, string, number][] = [];
  let waiting = Promise.withResolvers<void>();
  let end = (): void => undefined;
  const wait: ScheduleOptions['wait'] = async (ms, signal) => {
    waits.push(ms);
    const over = Promise.withResolvers<void>();
    end = over.resolve;
    signal.addEventListener('abort', () => over.resolve());
    waiting.resolve();
    await over.promise;
  };
  const job: Job = { name: 'test', intervalMs: 1_000, run: async () => 'done', ...options };
  const schedule = startSchedule({
    db,
    clock: { nowMs: () => 5 },
    jobs: [job],
    onError: (name, error, failures) => errors.push([name, String(error), failures]),
    random: () => 0.5,
    wait,
  });
  t.after(() => schedule.stop());
  await waiting.promise;
  return {
    schedule,
    waits,
    errors,
    async next() {
      waiting = Promise.withResolvers();
      end();
      await waiting.promise;
    },
  };
}

forEachDatabase('the schedule', (open, kind) => {
  test('runs a job in a transaction, at the time of the clock, again and again', async (t) => {
    const times: number[] = [];
    const driven = await drive(t, await open(), {
      async run(trx, now) {
        assert.ok(trx.isTransaction);
        times.push(now.getTime());
        return 'done';
      },
    });
    assert.deepEqual(times, []);
    for (let i = 0; i < 3; i++) await driven.next();
    assert.deepEqual(times, [5, 5, 5]);
    assert.deepEqual(driven.waits, [500, 1_000, 1_000, 1_000]);
  });

  test('goes on at once while there is more to do', async (t) => {
    const left: ('done' | 'more')[] = ['more', 'more', 'done'];
    const driven = await drive(t, await open(), { run: async () => left.shift() ?? 'done' });
    for (let i = 0; i < 3; i++) await driven.next();
    assert.deepEqual(driven.waits, [500, 0, 0, 1_000]);
  });

  test('undoes a run that fails, tells how often it has failed by now, and goes on', async (t) => {
    const database = await open();
    let runs = 0;
    const driven = await drive(t, database, {
      async run(trx) {
        runs += 1;
        await trx.updateTable('installation').set({ version: runs }).execute();
        if (runs !== 3) throw new Error(`run ${runs}`);
        return 'done';
      },
    });
    for (let i = 0; i < 4; i++) await driven.next();
    assert.deepEqual(driven.errors, [
      ['test', 'Error: run 1', 1],
      ['test', 'Error: run 2', 2],
      ['test', 'Error: run 4', 1],
    ]);
    const { version } = await database.db.selectFrom('installation').select('version').executeTakeFirstOrThrow();
    assert.equal(version, 3);
  });

  test('ends when it is told to, after the run under way', async (t) => {
    const begun = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const driven = await drive(t, await open(), {
      async run() {
        begun.resolve();
        await finish.promise;
        return 'more';
      },
    });
    void driven.next();
    await begun.promise;
    let isStopped = false;
    const stopped = driven.schedule.stop().then(() => (isStopped = true));
    assert.equal(isStopped, false);
    finish.resolve();
    await stopped;
    assert.deepEqual(driven.waits, [500], 'nothing is waited for after it, however much there is to do');
  });

  test('has one of several nodes run a job, and the others pass', { skip: kind === 'pglite' }, async (t) => {
    const database = await open();
    const begun = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const first = await drive(t, database, {
      async run() {
        begun.resolve();
        await finish.promise;
        return 'done';
      },
    });
    const running = first.next();
    await begun.promise;
    let runs = 0;
    const count = async (): Promise<'done'> => {
      runs += 1;
      return 'done';
    };
    const second = await drive(t, database, { run: count });
    await second.next();
    assert.equal(runs, 0);
    assert.deepEqual(second.errors, []);
    const other = await drive(t, database, { name: 'another', run: count });
    await other.next();
    assert.equal(runs, 1, 'another job has another lock');
    finish.resolve();
    await running;
    await second.next();
    assert.equal(runs, 2);
  });
});
