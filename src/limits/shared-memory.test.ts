import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hammer } from './hammer-thread.fixture.ts';
import { check, describeLimiter, newSubject } from './limiter.conformance.ts';
import type { Check, Limiter } from './limiter.ts';
import { createSharedCounters, openSharedMemoryLimiter } from './shared-memory.ts';

const NOON_MS = Date.UTC(2026, 2, 1, 12, 0, 0);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

class FakeClock {
  now = NOON_MS;

  nowMs(): number {
    return this.now;
  }

  monotonicMs(): number {
    return this.now;
  }
}

function openWithClock(entries = 1000): { limiter: Limiter; clock: FakeClock; memory: SharedArrayBuffer } {
  const clock = new FakeClock();
  const memory = createSharedCounters(entries);
  return { limiter: openSharedMemoryLimiter({ memory, clock }), clock, memory };
}

async function outcome(limiter: Limiter, ...checks: readonly Check[]): Promise<string> {
  return (await limiter.take(checks, 1)).outcome;
}

async function remaining(limiter: Limiter, of: Check): Promise<number | undefined> {
  return (await limiter.peek([of]))?.[0]?.remaining;
}

describeLimiter('shared memory', async () => ({ limiter: openWithClock().limiter, close: () => {} }));

describe('shared memory: time', () => {
  it('begins every window afresh, at its first millisecond', async () => {
    const { limiter, clock } = openWithClock();
    const checks = [check('key:a', 'minute', 1), check('key:a', 'hour', 2)];
    clock.now = NOON_MS + MINUTE_MS - 1;
    assert.equal(await outcome(limiter, ...checks), 'admitted');
    assert.equal(await outcome(limiter, ...checks), 'refused');
    clock.now = NOON_MS + MINUTE_MS;
    assert.equal(await outcome(limiter, ...checks), 'admitted');
    clock.now = NOON_MS + 2 * MINUTE_MS;
    assert.equal(await outcome(limiter, ...checks), 'refused', 'the hour is used up');
    clock.now = NOON_MS + HOUR_MS;
    assert.equal(await outcome(limiter, ...checks), 'admitted');
  });

  it('tells a reset at which a refused caller passes', async () => {
    const { limiter, clock } = openWithClock();
    const checks = [check('key:a', 'minute', 1), check('key:a', 'hour', 1), check('key:a', 'day', 1)];
    await limiter.take(checks, 1);
    clock.now += 1234;
    const refused = await limiter.take(checks, 1);
    assert.equal(refused.outcome, 'refused');
    clock.now = refused.refusedBy.resetAtMs - 1;
    assert.equal(await outcome(limiter, ...checks), 'refused');
    clock.now = refused.refusedBy.resetAtMs;
    assert.equal(await outcome(limiter, ...checks), 'admitted');
  });

  it('keeps its counts when the clock is set back and comes again', async () => {
    const { limiter, clock } = openWithClock();
    const checks = [check('key:a', 'minute', 1), check('key:a', 'day', 9)];
    await limiter.take(checks, 1);
    clock.now -= HOUR_MS;
    assert.equal(await outcome(limiter, ...checks), 'admitted', 'another minute, not locked');
    assert.equal(await outcome(limiter, ...checks), 'refused');
    clock.now += HOUR_MS;
    assert.equal(await outcome(limiter, ...checks), 'refused', 'the first minute was used up before');
    assert.equal(await remaining(limiter, check('key:a', 'day', 9)), 7);
  });

  it('takes the room of windows back that a wrong clock has set into the future', async () => {
    const { limiter, clock } = openWithClock(32);
    clock.now += 365 * 24 * HOUR_MS;
    for (let i = 0; i < 64; i++) assert.equal(await outcome(limiter, check(`key:${i}`, 'day', 1)), 'admitted');
    clock.now -= 365 * 24 * HOUR_MS;
    assert.equal(await outcome(limiter, check('key:a', 'day', 1)), 'admitted');
  });
});

describe('shared memory: room', () => {
  it('holds the counters that it was made for', async () => {
    const { limiter } = openWithClock(20_000);
    for (let i = 0; i < 20_000; i++) assert.equal(await outcome(limiter, check(`key:${i}`, 'day', 1)), 'admitted');
    for (let i = 0; i < 20_000; i++) assert.equal(await outcome(limiter, check(`key:${i}`, 'day', 1)), 'refused');
  });

  it('is unavailable for newcomers when it is full, and exact for everybody else', async () => {
    const { limiter } = openWithClock(32);
    const counted = check('key:0', 'day', 2);
    for (let i = 0; i < 64; i++) await limiter.take([check(`key:${i}`, 'day', 2)], 1);
    const newcomer = check('key:new', 'day', 2);
    assert.equal(await outcome(limiter, newcomer), 'unavailable');
    assert.equal(await outcome(limiter, counted, newcomer), 'unavailable');
    assert.equal(await remaining(limiter, counted), 1, 'an unavailable call counts nowhere');
    assert.equal(await outcome(limiter, counted), 'admitted');
    assert.equal(await outcome(limiter, counted), 'refused');
  });

  it('gives the room of a past window to others, a minute after its end', async () => {
    const { limiter, clock } = openWithClock(32);
    for (let i = 0; i < 64; i++) await limiter.take([check(`key:${i}`, 'minute', 1)], 1);
    clock.now = NOON_MS + 2 * MINUTE_MS - 1;
    assert.equal(await outcome(limiter, check('key:new', 'minute', 1)), 'unavailable');
    clock.now = NOON_MS + 2 * MINUTE_MS;
    for (let i = 0; i < 64; i++) {
      assert.equal(await outcome(limiter, check(`key:new${i}`, 'minute', 1)), 'admitted');
      assert.equal(await outcome(limiter, check(`key:new${i}`, 'minute', 1)), 'refused');
    }
  });

  it('goes on for many windows in a small table', async () => {
    const { limiter, clock } = openWithClock(32);
    for (let minute = 0; minute < 1000; minute++) {
      for (let i = 0; i < 16; i++) {
        assert.equal(await outcome(limiter, check(`key:${i}`, 'minute', 1)), 'admitted');
        assert.equal(await outcome(limiter, check(`key:${i}`, 'minute', 1)), 'refused');
      }
      clock.now += MINUTE_MS;
    }
  });

  it('keys its hash by chance, so that colliding subjects cannot be made ahead', () => {
    const [one, other] = [createSharedCounters(1), createSharedCounters(1)].map((memory) =>
      new Int32Array(memory).slice(0, 16),
    );
    assert.notDeepEqual(one, other);
  });

  it('refuses memory of another make, and sizes that cannot be', () => {
    const clock = new FakeClock();
    assert.throws(
      () => openSharedMemoryLimiter({ memory: new SharedArrayBuffer(1024), clock }),
      /createSharedCounters/,
    );
    for (const entries of [0, -1, 1.5, 2 ** 40]) assert.throws(() => createSharedCounters(entries), RangeError);
  });
});

// Each round is another instance of the same windows, so that the threads also claim and reclaim slots against each other.
describe('shared memory: threads at the same time', () => {
  const THREADS = 4;
  const ROUNDS = 150;

  it('admit together exactly the limit of one counter', async () => {
    const subject = newSubject();
    const rounds = Array.from({ length: ROUNDS }, (_, i) => ({
      nowMs: NOON_MS + i * 2 * MINUTE_MS,
      requests: [[check(subject, 'minute', 100)]],
      callsPerThread: 60,
    }));
    for (const [admitted] of await hammer(createSharedCounters(32), { threads: THREADS, rounds }))
      assert.equal(admitted, 100);
  });

  it('admit together exactly the limits of many counters in a crowded table', async () => {
    const rounds = Array.from({ length: ROUNDS }, (_, i) => ({
      nowMs: NOON_MS + i * 2 * MINUTE_MS,
      requests: Array.from({ length: 48 }, (_nothing, key) => [check(`key:${key}`, 'minute', 3)]),
      callsPerThread: 48,
    }));
    for (const admitted of await hammer(createSharedCounters(32), { threads: THREADS, rounds })) {
      assert.deepEqual(
        admitted,
        admitted.map(() => 3),
      );
    }
  });

  it('never exceed a limit and leave no trace of what was refused, with several checks in different order', async () => {
    const memory = createSharedCounters(2000);
    const rounds = Array.from({ length: ROUNDS }, (_, i) => {
      const [a, b, shared] = [
        check(`key:a${i}`, 'minute', 40),
        check(`key:b${i}`, 'hour', 40),
        check(`endpoint:${i}`, 'day', 60),
      ];
      return {
        nowMs: NOON_MS,
        requests: [
          [a, shared],
          [shared, b],
          [b, a],
        ],
        callsPerThread: 60,
      };
    });
    const admitted = await hammer(memory, { threads: THREADS, rounds });
    const limiter = openSharedMemoryLimiter({ memory, clock: new FakeClock() });
    for (const [i, [viaA = 0, viaB = 0, viaBoth = 0]] of admitted.entries()) {
      const counts = [viaA + viaBoth, viaB + viaBoth, viaA + viaB];
      const checks = [
        check(`key:a${i}`, 'minute', 40),
        check(`key:b${i}`, 'hour', 40),
        check(`endpoint:${i}`, 'day', 60),
      ];
      const left = ((await limiter.peek(checks)) ?? []).map((standing) => standing.remaining);
      assert.deepEqual(
        left,
        checks.map(({ limit }, c) => limit - (counts[c] ?? 0)),
        'what remains is the limit less what was admitted, and not less than nothing',
      );
      assert.ok(left.every((rest) => rest >= 0));
    }
  });
});
