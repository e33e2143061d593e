import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kysely } from 'kysely';
import { forEachDatabase } from '../test/harness/databases.ts';
import type { Database } from './db/schema.ts';
import { type Keeper, keepCounters, restoreCounters } from './keep-counters.ts';
import type { Limit } from './lib/limit.ts';
import { DAY_MS, HOUR_MS, TestClock } from './limits/limiter.conformance.ts';
import type { Check } from './limits/limiter.ts';
import { createSharedCounters, type SharedCounters } from './limits/shared-counters.ts';
import { SharedMemoryLimiter } from './limits/shared-memory.ts';

const LIMITS: readonly Limit[] = [
  { window: 'day', limit: 9 },
  { window: 'month', limit: 9 },
  { window: 'day', limit: 9, timeZone: 'Asia/Tokyo' },
  { window: 'day', limit: 9, algorithm: 'sliding' },
];

/** One life of a process: its memory, and a limiter on it. */
class Life {
  readonly clock: TestClock;
  readonly counters: SharedCounters;
  readonly limiter: SharedMemoryLimiter;

  constructor(clock: TestClock, { secret = 's', entries = 1000 } = {}) {
    this.clock = clock;
    this.counters = createSharedCounters({ entries, seats: 2, secret });
    this.limiter = new SharedMemoryLimiter({ memory: this.counters, seat: 1, clock });
  }

  use(times: number, subject = 'key:a', limits = LIMITS): void {
    for (const limit of limits) for (let i = 0; i < times; i++) this.limiter.take(this.#set(subject, limit), 1);
  }

  left(subject = 'key:a', limits = LIMITS): (number | undefined)[] {
    return limits.map((limit) => this.limiter.peek(this.#set(subject, limit))?.[0]?.remaining);
  }

  #set(subject: string, limit: Limit) {
    const check: Check = { subject: `${subject}${JSON.stringify(limit)}`, limit };
    return this.limiter.prepare('', [check]);
  }
}

function keep(db: Parameters<typeof keepCounters>[0]['db'], life: Life, errors: object[] = []): Keeper {
  const log = { error: (fields: object) => void errors.push(fields) };
  // Only when it is told to.
  return keepCounters({ db, counters: life.counters, clock: life.clock, log, saveEveryMs: 2 ** 30 });
}

/** A database to which this process gets so many statements through, and dies then. */
function diesAfter(db: Kysely<Database>, statements: number): Kysely<Database> {
  let left = statements;
  return db.withPlugin({
    transformQuery({ node }) {
      if (left-- <= 0) throw new Error('killed');
      return node;
    },
    transformResult: async ({ result }) => result,
  });
}

forEachDatabase('counters of days and months', (open) => {
  test('are taken up in the next life as they were saved, each in its window', async () => {
    const { db } = await open();
    const clock = new TestClock();
    const first = new Life(clock);
    first.use(4);
    const keeper = keep(db, first);
    await keeper.save();
    first.use(2);
    await keeper.stop();

    const second = new Life(clock);
    await restoreCounters(db, second.limiter, clock.now);
    assert.deepEqual(second.left(), [3, 3, 3, 3]);
    second.use(3);
    assert.deepEqual(second.left(), [0, 0, 0, 0]);
  });

  test('lose no more than what was counted since the last save when the process is killed', async () => {
    const { db } = await open();
    const clock = new TestClock();
    const first = new Life(clock);
    first.use(4);
    const keeper = keep(db, first);
    await keeper.save();
    first.use(2);

    const second = new Life(clock);
    await restoreCounters(db, second.limiter, clock.now);
    assert.deepEqual(second.left(), [5, 5, 5, 5]);
    await keeper.stop();
  });

  test('begin anew when their windows ended meanwhile, and a sliding one weighs what is left', async () => {
    const { db } = await open();
    const clock = new TestClock();
    const first = new Life(clock);
    first.use(8);
    await keep(db, first).stop();

    clock.now += DAY_MS + 6 * HOUR_MS;
    const second = new Life(clock);
    await restoreCounters(db, second.limiter, clock.now);
    assert.deepEqual(second.left(), [9, 1, 9, 9 - 2]);
  });

  test('are many, and all of them come back', async () => {
    const { db } = await open();
    const clock = new TestClock();
    const first = new Life(clock, { entries: 5000 });
    for (let i = 0; i < 2500; i++) first.use(1 + (i % 3), `key:${i}`, LIMITS.slice(0, 1));
    await keep(db, first).stop();

    const second = new Life(clock, { entries: 9000 });
    await restoreCounters(db, second.limiter, clock.now);
    for (let i = 0; i < 2500; i++) assert.deepEqual(second.left(`key:${i}`, LIMITS.slice(0, 1)), [8 - (i % 3)]);
  });

  test('are each as in one of the last two saves when the process is killed half-way through a save, twice over', async () => {
    const { db } = await open();
    const clock = new TestClock();
    // A save is a statement for every thousand of them.
    const subjects = Array.from({ length: 2500 }, (_, i) => `key:${i}`);
    const day = LIMITS.slice(0, 1);
    const first = new Life(clock, { entries: 9000 });
    for (const subject of subjects) first.use(1, subject, day);
    await keep(db, first).save();
    let life = first;
    let saved = subjects.map(() => 1);
    for (const done of [1, 2]) {
      for (const subject of subjects) life.use(2, subject, day);
      await assert.rejects(keep(diesAfter(db, done), life).save(), /killed/);
      const next = new Life(clock, { entries: 9000 });
      await restoreCounters(db, next.limiter, clock.now);
      const counted = subjects.map((subject) => 9 - (next.left(subject, day)[0] ?? 0));
      const isNew = counted.map((count, i) => count === (saved[i] ?? 0) + 2);
      assert.ok(counted.every((count, i) => count === saved[i] || isNew[i] === true));
      assert.equal(isNew.filter(Boolean).length, 1000 * done);
      saved = counted;
      life = next;
    }
  });

  test('of minutes and hours, bursts and places are not saved', async () => {
    const { db } = await open();
    const life = new Life(new TestClock());
    life.use(3, 'key:a', [
      { window: 'minute', limit: 9 },
      { window: 'hour', limit: 9 },
      { algorithm: 'bucket', window: 'hour', limit: 9, burst: 9 },
      { algorithm: 'concurrency', limit: 9 },
    ]);
    await keep(db, life).stop();
    assert.deepEqual(await db.selectFrom('limit_counters').selectAll().execute(), []);
  });

  test('that did not change are not written again, and those of long ago are forgotten', async () => {
    const { db } = await open();
    const clock = new TestClock();
    const life = new Life(clock);
    life.use(3, 'key:a', LIMITS.slice(0, 1));
    const keeper = keep(db, life);
    await keeper.save();
    await db.updateTable('limit_counters').set({ rest: 7 }).execute();
    await keeper.save();
    assert.deepEqual(await db.selectFrom('limit_counters').select(['count', 'rest']).execute(), [
      { count: 3, rest: 7 },
    ]);
    clock.now += 4 * DAY_MS;
    await keeper.save();
    assert.deepEqual(await db.selectFrom('limit_counters').selectAll().execute(), []);
    await keeper.stop();
  });

  test('are never taken for those of another secret', async () => {
    const { db } = await open();
    const clock = new TestClock();
    const first = new Life(clock);
    first.use(8);
    await keep(db, first).stop();
    const second = new Life(clock, { secret: 'another' });
    await restoreCounters(db, second.limiter, clock.now);
    assert.deepEqual(second.left(), [9, 9, 9, 9]);
  });

  test('that could not be saved are told once each time, and saved when that works again', async () => {
    const { db } = await open();
    const clock = new TestClock();
    const life = new Life(clock);
    life.use(3, 'key:a', LIMITS.slice(0, 1));
    await db.schema.alterTable('limit_counters').renameTo('elsewhere').execute();
    const errors: object[] = [];
    const keeper = keep(db, life, errors);
    await assert.rejects(keeper.save());
    await db.schema.alterTable('elsewhere').renameTo('limit_counters').execute();
    await keeper.stop();
    assert.deepEqual(errors, []);
    assert.deepEqual(await db.selectFrom('limit_counters').select('count').execute(), [{ count: 3 }]);
  });
});
