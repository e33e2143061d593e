// What every limiter must do, whatever it counts in. One suite for all implementations of the port, on a clock that the suite sets.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createRandom, type Event, randomChecks, roomBy } from './definition.fixture.ts';
import { capacityOf, costOf, type Limit } from '../lib/limit.ts';
import type { Admitted, Check, CheckSet, Limiter, Refused, Standing, Verdict } from './limiter.ts';

export const NOON_MS = Date.UTC(2026, 2, 1, 12, 0, 0);
const SECOND_MS = 1000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export class TestClock {
  now = NOON_MS;

  nowMs(): number {
    return this.now;
  }

  monotonicMs(): number {
    return this.now;
  }
}

export interface OpenLimiter {
  readonly limiter: Limiter;
  /** What the limiter does every few seconds by a clock that is not the suite's. */
  live?(): void;
  close(): void;
}

type Open = (clock: TestClock) => OpenLimiter | Promise<OpenLimiter>;

/** A limiter with a subject that no other case has, at noon. */
class Scene {
  readonly clock: TestClock;
  readonly limiter: Limiter;
  readonly subject = newSubject();

  constructor(clock: TestClock, limiter: Limiter) {
    this.clock = clock;
    this.limiter = limiter;
  }

  check(limit: Limit, of = ''): Check {
    return { subject: this.subject + of, limit };
  }

  set(...limits: readonly Limit[]): CheckSet {
    return this.prepare(limits.map((limit) => this.check(limit)));
  }

  prepare(checks: readonly Check[]): CheckSet {
    return this.limiter.prepare('ten_test', checks);
  }

  async take(set: CheckSet, cost = 1): Promise<Admitted | Refused> {
    const verdict: Verdict = await this.limiter.take(set, cost);
    if (verdict.outcome === 'unavailable') throw new Error(verdict.reason);
    return verdict;
  }

  async admit(set: CheckSet, cost = 1): Promise<Admitted> {
    const verdict = await this.take(set, cost);
    if (verdict.outcome === 'refused') assert.fail(`refused: ${JSON.stringify(verdict.refusedBy)}`);
    return verdict;
  }

  async refuse(set: CheckSet, cost = 1): Promise<Refused> {
    const verdict = await this.take(set, cost);
    if (verdict.outcome === 'admitted') assert.fail(`admitted: ${JSON.stringify(verdict.standings)}`);
    return verdict;
  }

  /** Takes until it is refused; how often it was admitted. */
  async useUp(set: CheckSet): Promise<number> {
    for (let admitted = 0; admitted < 1000; admitted++)
      if ((await this.take(set)).outcome === 'refused') return admitted;
    throw new Error('no limit was met');
  }

  async remaining(set: CheckSet): Promise<number[]> {
    return ((await this.limiter.peek(set)) ?? assert.fail('no counters')).map(({ remaining }) => remaining);
  }
}

const ALGORITHMS: Readonly<Record<string, Limit>> = {
  'a fixed window of a minute': { window: 'minute', limit: 5, algorithm: 'fixed' },
  'a fixed window of an hour': { window: 'hour', limit: 5 },
  'a fixed window of a day': { window: 'day', limit: 5 },
  'a fixed window of a month': { window: 'month', limit: 5 },
  'a fixed window of a day in Auckland': { window: 'day', limit: 5, timeZone: 'Pacific/Auckland' },
  'a sliding window of a minute': { window: 'minute', limit: 5 },
  'a sliding window of an hour': { window: 'hour', limit: 5, algorithm: 'sliding' },
  'a sliding window of a day': { window: 'day', limit: 5, algorithm: 'sliding' },
  'a bucket that fills by the minute': { algorithm: 'bucket', window: 'minute', limit: 7, burst: 5 },
  'a bucket that fills by the hour': { algorithm: 'bucket', window: 'hour', limit: 50, burst: 5 },
};

const hour = (limit: number): Limit => ({ window: 'hour', limit });
const day = (limit: number): Limit => ({ window: 'day', limit });
const minute = (limit: number): Limit => ({ window: 'minute', limit });

type Body = (scene: Scene) => Promise<void>;

const CASES: Readonly<Record<string, Body>> = {
  async 'admits exactly the limit of calls that come at once'(scene) {
    const set = scene.set(hour(20), day(100));
    const verdicts = await Promise.all(Array.from({ length: 50 }, async () => scene.take(set)));
    assert.equal(verdicts.filter(({ outcome }) => outcome === 'admitted').length, 20);
    assert.equal(verdicts.filter(({ outcome }) => outcome === 'refused').length, 30);
    assert.deepEqual(await scene.remaining(set), [0, 80]);
  },

  async 'tells after every call what remains'(scene) {
    const set = scene.set(day(3));
    const told: (number | undefined)[] = [];
    for (let i = 0; i < 4; i++) told.push((await scene.take(set)).standings[0]?.remaining);
    assert.deepEqual(told, [2, 1, 0, 0]);
  },

  async 'gives the standings in the order of the checks'(scene) {
    const checks = [scene.check(day(9)), scene.check(minute(9)), scene.check(minute(9), '/other')];
    const { standings } = await scene.admit(scene.prepare(checks));
    assert.deepEqual(
      standings.map((standing) => standing.check),
      checks,
    );
  },

  async 'counts a refused call nowhere, whichever check refuses it'(scene) {
    const full = scene.check(hour(1), '/full');
    await scene.admit(scene.prepare([full]));
    const others = Object.values(ALGORITHMS).map((limit, i) => scene.check(limit, `/${i}`));
    for (let at = 0; at <= others.length; at++) await scene.refuse(scene.prepare(others.toSpliced(at, 0, full)));
    assert.ok((await scene.remaining(scene.prepare(others))).every((remaining) => remaining === 5));
  },

  async 'names the refusing check that resets last'(scene) {
    const checks = [scene.check(minute(1)), scene.check(day(1)), scene.check(hour(1))];
    await scene.admit(scene.prepare(checks));
    const refused = await scene.refuse(scene.prepare([...checks, scene.check(day(9), '/free')]));
    assert.equal(refused.refusedBy.check, checks[1]);
    assert.equal(refused.refusedBy.remaining, 0);
  },

  async 'counts a cost whole or not at all'(scene) {
    const set = scene.set(hour(10));
    await scene.admit(set, 7);
    assert.equal((await scene.refuse(set, 4)).refusedBy.remaining, 3);
    await scene.admit(set, 3);
    await scene.refuse(set, 1);
  },

  async 'refuses a cost above the limit, and counts nothing'(scene) {
    for (const [name, limit] of Object.entries(ALGORITHMS)) {
      const set = scene.prepare([scene.check(limit, name)]);
      await scene.refuse(set, 6);
      assert.deepEqual(await scene.remaining(set), [5], name);
    }
  },

  async 'keeps a counter for every subject and every name of a limit'(scene) {
    const limits: readonly Limit[] = [
      minute(1),
      hour(1),
      day(1),
      { window: 'month', limit: 1 },
      { algorithm: 'bucket', window: 'minute', limit: 1, burst: 1 },
      { algorithm: 'concurrency', limit: 1 },
    ];
    const alone = limits.flatMap((limit) => [scene.check(limit), scene.check(limit, '/other')]);
    for (const one of alone) await scene.admit(scene.prepare([one]));
    for (const one of alone) await scene.refuse(scene.prepare([one]));
  },

  async 'goes on with what was counted when a limit is changed'(scene) {
    for (const [name, limit] of Object.entries(ALGORITHMS)) {
      const changed = (capacity: number): CheckSet =>
        scene.prepare([
          scene.check({ ...limit, ...('burst' in limit ? { burst: capacity } : { limit: capacity }) }, name),
        ]);
      for (let i = 0; i < 4; i++) await scene.admit(changed(9));
      assert.equal((await scene.refuse(changed(2))).refusedBy.remaining, 0, name);
      assert.deepEqual(await scene.remaining(changed(9)), 'burst' in limit ? [7] : [5], name);
    }
  },

  async 'counts up to the largest limit there is'(scene) {
    for (const limit of [minute(2 ** 31), hour(2 ** 31), day(2 ** 31), { window: 'month', limit: 2 ** 31 } as const]) {
      const set = scene.set(limit);
      await scene.admit(set, 2 ** 31 - 1);
      await scene.admit(set);
      await scene.refuse(set);
    }
    const set = scene.set({ algorithm: 'bucket', window: 'hour', limit: 2 ** 31, burst: 2 ** 31 });
    await scene.admit(set, 2 ** 31 - 1);
    await scene.admit(set);
    assert.equal((await scene.refuse(set)).refusedBy.resetAtMs, scene.clock.now + 1);
  },

  async 'peeks without counting, at counters that nobody used too'(scene) {
    const used = scene.check(hour(5));
    await scene.admit(scene.prepare([used]), 2);
    const set = scene.prepare([used, scene.check(day(7), '/unused')]);
    for (let i = 0; i < 3; i++) assert.deepEqual(await scene.remaining(set), [3, 7]);
  },

  async 'throws for calls that make no sense'(scene) {
    const set = scene.set(hour(5));
    for (const cost of [0, -1, 1.5, Number.NaN, 2 ** 31 + 1])
      await assert.rejects(async () => scene.limiter.take(set, cost), RangeError);
    const senseless: readonly (readonly Limit[])[] = [
      [],
      [hour(5), hour(6)],
      [hour(0)],
      [hour(-1)],
      [hour(1.5)],
      [hour(2 ** 31 + 1)],
      [{ window: 'second' as 'minute', limit: 1 }],
      [{ window: 'month', limit: 1, algorithm: 'sliding' }],
      [{ window: 'day', limit: 1, timeZone: 'Mars/Olympus' }],
      [{ window: 'hour', limit: 1, timeZone: 'Europe/Berlin' }],
      [{ algorithm: 'bucket', window: 'minute', limit: 1, burst: 0 }],
      [{ algorithm: 'bucket', window: 'day' as 'hour', limit: 1, burst: 1 }],
      [{ algorithm: 'bucket', window: 'hour', limit: 1, burst: 2 ** 31 }],
      [{ algorithm: 'concurrency', limit: 0 }],
    ];
    for (const limits of senseless) assert.throws(() => scene.set(...limits), RangeError, JSON.stringify(limits));
    assert.throws(() => scene.set(...Array.from({ length: 65 }, () => hour(1))), RangeError);
  },

  async 'begins the windows of the calendar afresh, each at its first millisecond'(scene) {
    const ends: readonly [Limit, number][] = [
      [{ window: 'minute', limit: 2, algorithm: 'fixed' }, NOON_MS + MINUTE_MS],
      [hour(2), NOON_MS + HOUR_MS],
      [day(2), Date.UTC(2026, 2, 2)],
      [{ window: 'month', limit: 2 }, Date.UTC(2026, 3, 1)],
    ];
    for (const [limit, endMs] of ends) {
      scene.clock.now = NOON_MS;
      const set = scene.set(limit);
      assert.equal((await scene.admit(set)).standings[0]?.resetAtMs, endMs);
      scene.clock.now = endMs - 1;
      await scene.admit(set);
      assert.equal((await scene.refuse(set)).refusedBy.resetAtMs, endMs);
      scene.clock.now = endMs;
      assert.equal(await scene.useUp(set), 2);
    }
  },

  async 'begins days and months where they begin in the time zone, over changes of its clocks'(scene) {
    const windows: readonly [window: 'day' | 'month', timeZone: string, inside: string, begin: string, end: string][] =
      [
        ['day', 'Europe/Berlin', '2026-03-29T12:00Z', '2026-03-28T23:00Z', '2026-03-29T22:00Z'], // 23 hours
        ['day', 'Europe/Berlin', '2026-10-25T12:00Z', '2026-10-24T22:00Z', '2026-10-25T23:00Z'], // 25 hours
        ['day', 'America/Sao_Paulo', '2018-11-04T12:00Z', '2018-11-04T03:00Z', '2018-11-05T02:00Z'], // begins at 01:00
        ['day', 'Asia/Kathmandu', '2026-05-05T18:20Z', '2026-05-05T18:15Z', '2026-05-06T18:15Z'],
        ['month', 'America/New_York', '2026-03-20T12:00Z', '2026-03-01T05:00Z', '2026-04-01T04:00Z'],
      ];
    for (const [i, [window, timeZone, inside, begin, end]] of windows.entries()) {
      const set = scene.prepare([scene.check({ window, limit: 3, timeZone }, `/${i}`)]);
      scene.clock.now = Date.parse(begin) - 1;
      assert.equal(await scene.useUp(set), 3);
      scene.clock.now = Date.parse(begin);
      await scene.admit(set);
      scene.clock.now = Date.parse(inside);
      assert.equal((await scene.admit(set)).standings[0]?.resetAtMs, Date.parse(end));
      scene.clock.now = Date.parse(end) - 1;
      assert.equal(await scene.useUp(set), 1);
      scene.clock.now = Date.parse(end);
      assert.equal(await scene.useUp(set), 3);
    }
  },

  async 'weighs the last window by what of it the sliding one still covers'(scene) {
    const set = scene.set(minute(10));
    assert.equal(await scene.useUp(set), 10);
    scene.clock.now = NOON_MS + MINUTE_MS;
    assert.deepEqual(await scene.remaining(set), [0], 'all of it at the turn');
    scene.clock.now = NOON_MS + MINUTE_MS + 15 * SECOND_MS;
    assert.deepEqual(await scene.remaining(set), [2], 'three quarters of ten, rounded up');
    await scene.admit(set, 2);
    scene.clock.now = NOON_MS + MINUTE_MS + 59 * SECOND_MS;
    assert.deepEqual(await scene.remaining(set), [7]);
    scene.clock.now = NOON_MS + 3 * MINUTE_MS;
    assert.deepEqual(await scene.remaining(set), [10], 'nothing of two windows ago');
  },

  async 'lets a burst through at once, and then goes at the pace of the bucket'(scene) {
    const set = scene.set({ algorithm: 'bucket', window: 'minute', limit: 60, burst: 3 });
    assert.equal(await scene.useUp(set), 3);
    for (let i = 0; i < 5; i++) {
      assert.equal((await scene.refuse(set)).refusedBy.resetAtMs, scene.clock.now + SECOND_MS);
      scene.clock.now += SECOND_MS - 1;
      await scene.refuse(set);
      scene.clock.now += 1;
      assert.equal(await scene.useUp(set), 1);
    }
    scene.clock.now += HOUR_MS;
    assert.equal(await scene.useUp(set), 3);
  },

  async 'lets a bucket’s uneven pace add up to its limit, to the last call'(scene) {
    const set = scene.set({ algorithm: 'bucket', window: 'minute', limit: 700, burst: 2 });
    let admitted = 0;
    for (let ms = 0; ms < 2 * MINUTE_MS; ms += 20) {
      if ((await scene.take(set)).outcome === 'admitted') admitted++;
      scene.clock.now += 20;
    }
    assert.equal(admitted, 2 + Math.floor(((2 * MINUTE_MS - 20) * 700) / MINUTE_MS));
  },

  async 'admits as many at a time as a limit of concurrency says, and each that is released makes room'(scene) {
    const set = scene.set({ algorithm: 'concurrency', limit: 2 }, hour(100));
    const first = await scene.admit(set, 5);
    const second = await scene.admit(set, 5);
    assert.equal((await scene.refuse(set)).refusedBy.check.limit.algorithm, 'concurrency');
    first.release?.();
    first.release?.();
    await scene.limiter.peek(set);
    const third = await scene.admit(set);
    await scene.refuse(set);
    second.release?.();
    third.release?.();
    assert.deepEqual(await scene.remaining(set), [2, 89]);
    assert.equal((await scene.admit(scene.set(hour(100)))).release, undefined);
  },

  async 'refunds what was counted, as long as it counts'(scene) {
    for (const [name, limit] of Object.entries(ALGORITHMS)) {
      scene.clock.now = NOON_MS;
      const set = scene.prepare([scene.check(limit, name)]);
      const first = await scene.admit(set, 2);
      await scene.admit(set, 3);
      scene.limiter.refund(set, 2, first);
      assert.deepEqual(await scene.remaining(set), [2], name);
      assert.equal(await scene.useUp(set), 2, name);
      // More than was taken cannot come back.
      for (let i = 0; i < 4; i++) scene.limiter.refund(set, 2, first);
      assert.deepEqual(await scene.remaining(set), [5], name);
    }
  },

  async 'refunds nothing of a window that is over, and of a sliding one what still weighs'(scene) {
    const fixed = scene.set(hour(5));
    const sliding = scene.set({ window: 'minute', limit: 4 });
    const early = [await scene.admit(fixed, 2), await scene.admit(sliding, 4)] as const;
    scene.clock.now = NOON_MS + MINUTE_MS;
    scene.limiter.refund(sliding, 2, early[1]);
    assert.deepEqual(await scene.remaining(sliding), [2]);
    scene.clock.now = NOON_MS + HOUR_MS;
    await scene.admit(fixed, 5);
    scene.limiter.refund(fixed, 2, early[0]);
    assert.deepEqual(await scene.remaining(fixed), [0]);
  },

  async 'refunds no concurrency: that is released'(scene) {
    const set = scene.set({ algorithm: 'concurrency', limit: 1 }, hour(9));
    const admitted = await scene.admit(set);
    scene.limiter.refund(set, 1, admitted);
    assert.deepEqual(await scene.remaining(set), [0, 9]);
  },
};

/** A case for each algorithm. */
const OF_EACH: Readonly<Record<string, (scene: Scene, limit: Limit) => Promise<void>>> = {
  async 'admits exactly its limit and refuses the rest'(scene, limit) {
    const set = scene.set(limit);
    assert.equal(await scene.useUp(set), 5);
    for (let i = 0; i < 3; i++) await scene.refuse(set);
  },

  async 'tells truly when to come back: not a millisecond before'(scene, limit) {
    const random = createRandom(7);
    const set = scene.set(limit);
    for (let i = 0; i < 12; i++) {
      scene.clock.now += random(HOUR_MS);
      await scene.useUp(set);
      const cost = 1 + random(capacityOf(limit));
      const { resetAtMs } = (await scene.refuse(set, cost)).refusedBy;
      scene.clock.now = resetAtMs - 1;
      await scene.refuse(set, cost);
      scene.clock.now = resetAtMs;
      await scene.admit(set, cost);
    }
  },

  async 'neither opens nor locks when the clock is set back by an hour'(scene, limit) {
    const set = scene.set(limit);
    scene.clock.now = NOON_MS + 30 * MINUTE_MS + 12_345;
    await scene.useUp(set);
    const { resetAtMs } = (await scene.refuse(set)).refusedBy;
    const waitMs = resetAtMs - scene.clock.now;
    scene.clock.now -= HOUR_MS;
    const refused = await scene.refuse(set);
    const laterMs = refused.refusedBy.resetAtMs - scene.clock.now;
    const windowMs = 'window' in limit && limit.window === 'minute' ? MINUTE_MS : HOUR_MS;
    assert.ok(laterMs <= Math.max(waitMs + HOUR_MS, 2 * windowMs), `${laterMs} ms to wait in place of ${waitMs}`);
    if (windowMs === MINUTE_MS) assert.ok(laterMs <= 2 * MINUTE_MS);
    scene.clock.now = refused.refusedBy.resetAtMs;
    await scene.admit(set);
  },

  async 'gives no more than one window when the clock is set forward by an hour, and nothing when it comes back'(
    scene,
    limit,
  ) {
    const set = scene.set(limit);
    scene.clock.now = NOON_MS + 12_345;
    await scene.useUp(set);
    scene.clock.now += HOUR_MS;
    assert.ok((await scene.useUp(set)) <= 5);
    scene.clock.now -= HOUR_MS;
    await scene.refuse(set);
    for (const ms of [1, 100, 10_000]) {
      scene.clock.now += ms;
      const { resetAtMs } = (await scene.take(set)).standings[0] ?? assert.fail();
      assert.ok(resetAtMs - scene.clock.now <= 32 * DAY_MS);
    }
  },

  async 'lets a clock that goes back by a moment at the turn of a window open nothing'(scene, limit) {
    const set = scene.set(limit);
    const turnMs = Date.UTC(2026, 3, 1);
    scene.clock.now = turnMs - 1;
    await scene.useUp(set);
    scene.clock.now = turnMs;
    await scene.take(set);
    scene.clock.now = turnMs - 1;
    const early = await scene.useUp(set);
    scene.clock.now = turnMs;
    assert.ok(early + (await scene.useUp(set)) <= 4, 'one call was made in the new window, whatever the clock said');
  },
};

export function describeLimiter(name: string, open: Open): void {
  describe(name, () => {
    const clock = new TestClock();
    let opened: OpenLimiter;
    before(async () => {
      opened = await open(clock);
    });
    after(() => opened.close());
    const scene = (): Scene => {
      clock.now = NOON_MS;
      return new Scene(clock, opened.limiter);
    };

    for (const [guarantee, body] of Object.entries(CASES)) it(guarantee, async () => body(scene()));
    for (const [algorithm, limit] of Object.entries(ALGORITHMS)) {
      describe(algorithm, () => {
        for (const [guarantee, body] of Object.entries(OF_EACH)) it(guarantee, async () => body(scene(), limit));
      });
    }

    it('decides as the definitions say, over any limits and any schedule', async () => {
      for (let seed = 1; seed <= 40; seed++) await runSchedule(scene(), seed, () => opened.live?.());
    });
  });
}

/** Calls of any cost at any time against any limits; each decision and each rest has to be that of the definition. */
async function runSchedule(scene: Scene, seed: number, live: () => void): Promise<void> {
  const random = createRandom(seed);
  const { clock } = scene;
  clock.now = NOON_MS + random(DAY_MS);
  const checks = randomChecks(random, scene.subject);
  const set = scene.prepare(checks);
  const events: Event[] = [];
  const running: Admitted[] = [];
  for (let call = 0; call < 60; call++) {
    clock.now += random(4) === 0 ? random(2 * HOUR_MS) : random(8 * SECOND_MS);
    live();
    while (running.length > 0 && random(3) === 0) {
      running.shift()?.release?.();
      await scene.limiter.peek(set);
    }
    const cost = 1 + random(3);
    const rooms = checks.map(({ limit }) => roomBy(limit, events, clock.now, running.length));
    const isRoom = checks.every(({ limit }, i) => (rooms[i] ?? 0) >= costOf(limit, cost));
    const verdict = await scene.take(set, cost);
    const story = `seed ${seed}, call ${call}: ${JSON.stringify({ checks, rooms, cost, verdict })}`;
    assert.equal(verdict.outcome, isRoom ? 'admitted' : 'refused', story);
    const left = checks.map(({ limit }, i) => Math.max(0, (rooms[i] ?? 0) - (isRoom ? costOf(limit, cost) : 0)));
    assert.deepEqual(
      verdict.standings.map(({ remaining }) => remaining),
      left,
      story,
    );
    if (verdict.outcome === 'refused') continue;
    events.push({ atMs: clock.now, cost });
    running.push(verdict);
  }
}

let subjects = 0;

/** A subject that no test had before. */
export function newSubject(): string {
  return `key:test_${process.pid}_${Date.now()}_${subjects++}`;
}

/** The standings of a verdict that has some. */
export function standingsOf(verdict: Verdict): readonly Standing[] {
  return verdict.outcome === 'unavailable' ? assert.fail(verdict.reason) : verdict.standings;
}
