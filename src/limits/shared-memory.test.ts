import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hammer } from './hammer-thread.fixture.ts';
import type { Limit } from '../lib/limit.ts';
import type { Admitted, Check } from './limiter.ts';
import { DAY_MS, describeLimiter, HOUR_MS, MINUTE_MS, newSubject, NOON_MS, TestClock } from './limiter.conformance.ts';
import { createSharedCounters, readLimitMetrics, type SharedCounters } from './shared-counters.ts';
import { SharedMemoryLimiter } from './shared-memory.ts';

const day = (limit: number): Limit => ({ window: 'day', limit });
const minute = (limit: number): Limit => ({ window: 'minute', limit, algorithm: 'fixed' });

function createCounters(entries: number): SharedCounters {
  return createSharedCounters({ entries, seats: 8, secret: 'a secret' });
}

class Scene {
  readonly clock = new TestClock();
  readonly memory: SharedCounters;
  readonly limiter: SharedMemoryLimiter;

  constructor(entries: number) {
    this.memory = createCounters(entries);
    this.limiter = this.open(0);
  }

  open(seat: number): SharedMemoryLimiter {
    return new SharedMemoryLimiter({ memory: this.memory, seat, clock: this.clock });
  }

  take(...checks: readonly Check[]): string {
    return this.limiter.take(this.limiter.prepare('', checks), 1).outcome;
  }

  admit(...checks: readonly Check[]): Admitted {
    const verdict = this.limiter.take(this.limiter.prepare('', checks), 1);
    return verdict.outcome === 'admitted' ? verdict : assert.fail(verdict.outcome);
  }

  remaining(of: Check): number | undefined {
    return this.limiter.peek(this.limiter.prepare('', [of]))?.[0]?.remaining;
  }
}

function check(subject: string, limit: Limit): Check {
  return { subject, limit };
}

describeLimiter('shared memory', (clock) => ({
  limiter: new SharedMemoryLimiter({ memory: createCounters(50_000), seat: 0, clock }),
  close: () => {},
}));

describe('shared memory: room', () => {
  it('holds the counters that it was made for, each of them exact', () => {
    const scene = new Scene(20_000);
    for (let i = 0; i < 20_000; i++) assert.equal(scene.take(check(`key:${i}`, day(1))), 'admitted');
    for (let i = 0; i < 20_000; i++) assert.equal(scene.take(check(`key:${i}`, day(1))), 'refused');
    assert.equal(readLimitMetrics(scene.memory).evictions, 0);
  });

  it('gives up the counter that has counted least when it is full, and tells of it', () => {
    const scene = new Scene(32);
    for (let i = 0; i < 64; i++) {
      const calls = i === 17 ? 1 : 2;
      for (let call = 0; call < calls; call++) scene.take(check(`key:${i}`, day(9)));
    }
    assert.equal(readLimitMetrics(scene.memory).evictions, 0);
    assert.equal(scene.take(check('key:new', day(9))), 'admitted');
    assert.equal(readLimitMetrics(scene.memory).evictions, 1);
    assert.equal(scene.remaining(check('key:17', day(9))), 9, 'it was this one');
    for (let i = 0; i < 64; i++) if (i !== 17) assert.equal(scene.remaining(check(`key:${i}`, day(9))), 7);
    assert.equal(scene.remaining(check('key:new', day(9))), 8);
  });

  it('keeps who has used much, whatever flood of strangers comes', () => {
    const scene = new Scene(32);
    const busy = check('key:busy', day(50));
    for (let i = 0; i < 50; i++) scene.take(busy);
    for (let i = 0; i < 10_000; i++) assert.equal(scene.take(check(`address:${i}`, minute(5))), 'admitted');
    assert.equal(scene.take(busy), 'refused');
    assert.ok(readLimitMetrics(scene.memory).evictions > 9_000);
  });

  it('gives up a counter whose window is over before any that counts', () => {
    const scene = new Scene(32);
    for (let i = 0; i < 63; i++) scene.take(check(`key:${i}`, day(9)));
    for (let i = 0; i < 9; i++) scene.take(check('key:past', minute(9)));
    scene.clock.now += MINUTE_MS;
    scene.take(check('key:new', day(9)));
    assert.equal(readLimitMetrics(scene.memory).evictions, 0);
    for (let i = 0; i < 63; i++) assert.equal(scene.remaining(check(`key:${i}`, day(9))), 8);
  });

  it('makes all counters of a call when it is full, and does not give up one of them for another', () => {
    const scene = new Scene(32);
    for (let i = 0; i < 64; i++) for (let call = 0; call < 2; call++) scene.take(check(`key:${i}`, day(9)));
    const four = [check('key:a', day(9)), check('key:b', day(9)), check('key:a', minute(9)), check('key:c', day(9))];
    for (const remaining of [8, 7]) {
      assert.deepEqual(
        scene.admit(...four).standings.map((standing) => standing.remaining),
        [remaining, remaining, remaining, remaining],
      );
    }
    assert.equal(readLimitMetrics(scene.memory).evictions, 4);
  });

  it('makes no counter, and gives none up, for a call that is refused or only looks', () => {
    const scene = new Scene(32);
    const full = check('key:0', day(1));
    for (let i = 0; i < 64; i++) scene.take(check(`key:${i}`, day(1)));
    for (let i = 0; i < 100; i++) {
      assert.equal(scene.take(check(`address:${i}`, minute(5)), full), 'refused');
      assert.equal(scene.remaining(check(`address:${i}`, minute(5))), 5);
    }
    for (let i = 0; i < 64; i++) assert.equal(scene.remaining(check(`key:${i}`, day(1))), 0);
    assert.equal(readLimitMetrics(scene.memory).evictions, 0);
  });

  it('keeps who has used much in the last window when the next one of a sliding minute has begun', () => {
    const scene = new Scene(32);
    const busy = check('key:busy', { window: 'minute', limit: 50 });
    for (let i = 0; i < 50; i++) scene.take(busy);
    scene.clock.now += MINUTE_MS + 2 * (MINUTE_MS / 50);
    assert.equal(scene.take(busy), 'admitted');
    for (let i = 0; i < 1000; i++) scene.take(check(`address:${i}`, minute(5)));
    for (let i = 0; i < 1000; i++) scene.take(check(`address:${i}`, minute(5)));
    assert.ok((scene.remaining(busy) ?? 9) < 2);
  });

  it('gives up idle places of concurrency before any that counts, and tells of no loss', () => {
    const scene = new Scene(32);
    for (let i = 0; i < 63; i++) scene.take(check(`key:${i}`, day(9)));
    scene.admit(check('key:idle', { algorithm: 'concurrency', limit: 1 })).release?.();
    scene.take(check('key:new', day(9)));
    assert.equal(readLimitMetrics(scene.memory).evictions, 0);
    for (let i = 0; i < 63; i++) assert.equal(scene.remaining(check(`key:${i}`, day(9))), 8);
  });

  it('is unavailable for newcomers only when requests under way fill all of it', () => {
    const scene = new Scene(32);
    const one: Limit = { algorithm: 'concurrency', limit: 1 };
    const running = Array.from({ length: 64 }, (_, i) => scene.admit(check(`key:${i}`, one)));
    assert.equal(scene.take(check('key:new', one)), 'unavailable');
    assert.equal(scene.take(check('key:0', one)), 'refused');
    running[5]?.release?.();
    assert.equal(scene.take(check('key:new', one)), 'admitted');
    assert.equal(scene.take(check('key:1', one)), 'refused');
  });

  it('goes on for many windows in a small table', () => {
    const scene = new Scene(32);
    for (let turn = 0; turn < 1000; turn++) {
      for (let i = 0; i < 16; i++) {
        assert.equal(scene.take(check(`key:${turn % 3}.${i}`, minute(1))), 'admitted');
        assert.equal(scene.take(check(`key:${turn % 3}.${i}`, minute(1))), 'refused');
      }
      scene.clock.now += MINUTE_MS;
    }
    assert.equal(readLimitMetrics(scene.memory).evictions, 0);
  });

  it('takes the room of windows back that a wrong clock has set into the future', () => {
    const scene = new Scene(32);
    scene.clock.now += 365 * DAY_MS;
    for (let i = 0; i < 64; i++) assert.equal(scene.take(check(`key:${i}`, day(1))), 'admitted');
    scene.clock.now -= 365 * DAY_MS;
    for (let i = 0; i < 64; i++) assert.equal(scene.take(check(`key:other${i}`, day(1))), 'admitted');
    assert.equal(readLimitMetrics(scene.memory).evictions, 0);
  });

  it('keys its hash by a secret, so that colliding subjects cannot be made ahead', () => {
    const header = (secret: string): Int32Array =>
      new Int32Array(createSharedCounters({ entries: 1, seats: 1, secret }).buffer).slice(0, 16);
    assert.notDeepEqual(header('one'), header('other'));
    assert.deepEqual(header('one'), header('one'));
  });

  it('refuses memory of another make, sizes that cannot be, and seats that are not there', () => {
    const clock = new TestClock();
    const foreign = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    assert.throws(() => new SharedMemoryLimiter({ memory: foreign, seat: 0, clock }), /createSharedCounters/);
    for (const entries of [0, -1, 1.5, 2 ** 40]) assert.throws(() => createCounters(entries), RangeError);
    for (const seats of [0, 1.5, 513])
      assert.throws(() => createSharedCounters({ entries: 1, seats, secret: '' }), RangeError);
    for (const seat of [-1, 8, 0.5])
      assert.throws(() => new SharedMemoryLimiter({ memory: createCounters(1), seat, clock }), RangeError);
    const scene = new Scene(1);
    assert.throws(() => scene.limiter.take({ checks: [check('key:a', day(1))] }, 1), TypeError);
  });
});

describe('shared memory: a thread that slept since it looked at the clock', () => {
  const limits: readonly Limit[] = [
    minute(5),
    { window: 'minute', limit: 5 },
    { algorithm: 'bucket', window: 'minute', limit: 5, burst: 5 },
  ];
  for (const limit of limits) {
    it(`takes nothing back of what others have counted since: ${limit.algorithm ?? 'sliding'}`, () => {
      const scene = new Scene(100);
      const own = check('key:a', limit);
      const nowMs = scene.clock.now + MINUTE_MS;
      const told = [nowMs - 30_000];
      // Its clock tells the time of half a minute ago, once.
      const sleepy = { nowMs: () => told.pop() ?? nowMs, monotonicMs: () => 0 };
      const late = new SharedMemoryLimiter({ memory: scene.memory, seat: 1, clock: sleepy });
      scene.clock.now = nowMs;
      for (let i = 0; i < 5; i++) assert.equal(scene.take(own), 'admitted');
      assert.equal(late.take(late.prepare('', [own]), 1).outcome, 'refused');
      assert.equal(told.length, 0);
      assert.equal(scene.take(own), 'refused');
    });
  }
});

describe('shared memory: a thread that dies', () => {
  it('gives back the places of its requests when another takes its seat, and nobody else’s', () => {
    const scene = new Scene(100);
    const three = check('key:a', { algorithm: 'concurrency', limit: 3 });
    const [dying, living] = [scene.open(1), scene.open(2)];
    for (const limiter of [dying, dying, living])
      assert.equal(limiter.take(limiter.prepare('', [three]), 1).outcome, 'admitted');
    assert.equal(scene.remaining(three), 0);
    scene.open(1);
    assert.equal(scene.remaining(three), 2);
    scene.open(1);
    assert.equal(scene.remaining(three), 2, 'once only');
  });

  it('has its released places not given back a second time', () => {
    const scene = new Scene(100);
    const five = check('key:a', { algorithm: 'concurrency', limit: 5 });
    const dying = scene.open(1);
    const set = dying.prepare('', [five]);
    const verdicts = [dying.take(set, 1), dying.take(set, 1), dying.take(set, 1)];
    for (const verdict of verdicts.slice(0, 2)) if (verdict.outcome === 'admitted') verdict.release?.();
    scene.open(1);
    assert.equal(scene.remaining(five), 5);
  });
});

// Each round is another instance of the same windows, so that the threads also make counters and give them up against each other.
describe('shared memory: threads at the same time', () => {
  const THREADS = 4;
  const ROUNDS = 150;

  it('admit together exactly the limit of one counter', async () => {
    const subject = newSubject();
    const rounds = Array.from({ length: ROUNDS }, (_, i) => ({
      nowMs: NOON_MS + i * 2 * MINUTE_MS,
      requests: [[check(subject, minute(100))]],
      callsPerThread: 60,
    }));
    for (const [admitted] of await hammer(createCounters(32), { threads: THREADS, rounds }))
      assert.equal(admitted, 100);
  });

  it('admit together exactly the limits of many counters in a crowded table', async () => {
    const rounds = Array.from({ length: ROUNDS }, (_, i) => ({
      nowMs: NOON_MS + i * 2 * HOUR_MS,
      requests: Array.from({ length: 48 }, (_nothing, key) => [check(`key:${i % 3}.${key}`, minute(3))]),
      callsPerThread: 48,
    }));
    const memory = createCounters(32);
    for (const admitted of await hammer(memory, { threads: THREADS, rounds })) {
      assert.deepEqual(
        admitted,
        admitted.map(() => 3),
      );
    }
    assert.equal(readLimitMetrics(memory).evictions, 0, 'there was room for all of them');
  });

  it('admit exactly what fits, with several checks in different order: nothing is lost to a call that is refused', async () => {
    const rounds = Array.from({ length: ROUNDS }, (_, i) => {
      const [full, wide, own] = [
        check(`full:${i}`, day(1)),
        check(`wide:${i}`, day(100)),
        check(`own:${i}`, minute(90)),
      ];
      // Every other call is refused by the full counter, after the wide one has been looked at: it must not cost the others anything.
      return {
        nowMs: NOON_MS,
        requests: [
          [wide, full],
          [wide, own],
          [own, wide],
          [full, wide],
        ],
        callsPerThread: 200,
      };
    });
    const memory = createCounters(5000);
    const admitted = await hammer(memory, { threads: THREADS, rounds });
    const limiter = new SharedMemoryLimiter({ memory, seat: 7, clock: new TestClock() });
    for (const [i, counts] of admitted.entries()) {
      const viaFull = (counts[0] ?? 0) + (counts[3] ?? 0);
      const viaOwn = (counts[1] ?? 0) + (counts[2] ?? 0);
      assert.deepEqual([viaFull, viaOwn], [1, 90], `round ${i}`);
      const set = limiter.prepare('', [check(`wide:${i}`, day(100)), check(`own:${i}`, minute(90))]);
      assert.deepEqual(
        limiter.peek(set)?.map(({ remaining }) => remaining),
        [9, 0],
      );
    }
  });

  it('admit exactly the limit of every algorithm at once', async () => {
    const limits: readonly Limit[] = [
      { window: 'minute', limit: 70 },
      { algorithm: 'bucket', window: 'minute', limit: 30, burst: 70 },
      { window: 'hour', limit: 70, algorithm: 'sliding' },
      { window: 'month', limit: 70 },
    ];
    const rounds = Array.from({ length: 40 }, (_, i) => ({
      nowMs: NOON_MS + i * 400 * DAY_MS,
      requests: limits.map((limit, l) => [check(`key:${l}`, limit), check('key:all', day(1000))]),
      callsPerThread: 100,
    }));
    for (const admitted of await hammer(createCounters(100), { threads: THREADS, rounds })) {
      assert.deepEqual(admitted, [70, 70, 70, 70]);
    }
  });
});
