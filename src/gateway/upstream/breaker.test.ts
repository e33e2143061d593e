import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../../../test/wire/random.ts';
import { Breaker, type BreakerRules } from './breaker.ts';

const RULES: BreakerRules = { failureThreshold: 3, rate: undefined, resetMs: 1000, trials: 1 };

interface Bench {
  readonly breaker: Breaker;
  tick: number;
  /** A call from its beginning to its end; false when it was not let through. */
  call(isFine: boolean): boolean;
}

function createBench(rules: Partial<BreakerRules> = {}): Bench {
  const breaker = new Breaker({ ...RULES, ...rules });
  return {
    breaker,
    tick: 5000.5,
    call(isFine) {
      breaker.onTime(this.tick);
      if (!breaker.mayTake) return false;
      const { epoch } = breaker;
      breaker.begin();
      if (isFine) breaker.onSuccess(epoch, this.tick);
      else breaker.onFailure(epoch, this.tick);
      return true;
    },
  };
}

function callTimes(bench: Bench, count: number, isFine: boolean): void {
  for (let i = 0; i < count; i++) bench.call(isFine);
}

describe('a breaker', () => {
  test('opens with the failure that completes the run, and lets nothing through then', () => {
    const bench = createBench();
    callTimes(bench, 2, false);
    assert.equal(bench.breaker.state, 'closed');
    callTimes(bench, 1, false);
    assert.equal(bench.breaker.state, 'open');
    assert.equal(bench.call(true), false);
    assert.equal(bench.breaker.waitMs(bench.tick), 1000);
  });

  test('stays closed where every run is broken by a success', () => {
    const bench = createBench();
    for (let i = 0; i < 100; i++) {
      callTimes(bench, 2, false);
      callTimes(bench, 1, true);
    }
    assert.equal(bench.breaker.state, 'closed');
  });

  test('is half open after its time, not before', () => {
    const bench = createBench();
    callTimes(bench, 3, false);
    bench.tick += 999;
    bench.breaker.onTime(bench.tick);
    assert.deepEqual([bench.breaker.state, bench.breaker.waitMs(bench.tick)], ['open', 1]);
    bench.tick += 1;
    bench.breaker.onTime(bench.tick);
    assert.deepEqual([bench.breaker.state, bench.breaker.waitMs(bench.tick)], ['half_open', 0]);
  });

  test('half open, lets so many trials through at once and no more', () => {
    const bench = createBench({ trials: 2 });
    callTimes(bench, 3, false);
    bench.tick += 1000;
    bench.breaker.onTime(bench.tick);
    for (const isLeft of [true, true, false]) {
      assert.equal(bench.breaker.mayTake, isLeft);
      if (isLeft) bench.breaker.begin();
    }
    bench.breaker.onNothing(bench.breaker.epoch);
    assert.ok(bench.breaker.mayTake, 'a caller who left frees the trial');
  });

  test('closes after as many successes as there may be trials, and counts anew', () => {
    const bench = createBench({ trials: 2 });
    callTimes(bench, 3, false);
    bench.tick += 1000;
    callTimes(bench, 1, true);
    assert.equal(bench.breaker.state, 'half_open');
    callTimes(bench, 1, true);
    assert.equal(bench.breaker.state, 'closed');
    callTimes(bench, 2, false);
    assert.equal(bench.breaker.state, 'closed');
  });

  test('half open, opens again with the first failure, for the whole time', () => {
    const bench = createBench();
    callTimes(bench, 3, false);
    bench.tick += 1500;
    assert.ok(bench.call(false));
    assert.deepEqual([bench.breaker.state, bench.breaker.waitMs(bench.tick)], ['open', 1000]);
  });

  test('learns nothing from calls that began before it opened', () => {
    const bench = createBench();
    const { epoch } = bench.breaker;
    callTimes(bench, 3, false);
    bench.breaker.onFailure(epoch, bench.tick + 500);
    assert.equal(bench.breaker.waitMs(bench.tick), 1000);
    bench.tick += 1000;
    bench.breaker.onTime(bench.tick);
    bench.breaker.onSuccess(epoch, bench.tick);
    bench.breaker.onFailure(epoch, bench.tick);
    bench.breaker.onNothing(epoch);
    assert.deepEqual([bench.breaker.state, bench.breaker.trialsLeft], ['half_open', 1]);
  });
});

describe('a breaker with a rate', () => {
  const rate = { percent: 50, minimumCalls: 10, windowMs: 10_000 };
  const rules = { failureThreshold: Infinity, rate };

  test('says nothing of fewer calls than the minimum', () => {
    const bench = createBench(rules);
    callTimes(bench, 9, false);
    assert.equal(bench.breaker.state, 'closed');
    callTimes(bench, 1, false);
    assert.equal(bench.breaker.state, 'open');
  });

  test('opens when the part of failures is reached, whatever stands between them', () => {
    const bench = createBench(rules);
    for (let i = 0; i < 50; i++) {
      callTimes(bench, 1, true);
      if (i % 3 !== 0) callTimes(bench, 1, false);
    }
    assert.equal(bench.breaker.state, 'closed');
    callTimes(bench, 20, false);
    assert.equal(bench.breaker.state, 'open');
  });

  test('forgets what is older than the window', () => {
    const bench = createBench(rules);
    callTimes(bench, 9, false);
    bench.tick += 10_000;
    callTimes(bench, 9, false);
    assert.equal(bench.breaker.state, 'closed');
    bench.tick += 8000;
    callTimes(bench, 1, false);
    assert.equal(bench.breaker.state, 'open', 'but not what is younger');
  });

  test('opens exactly when a plain list of all calls of the window says so', () => {
    const random = new Random(6);
    const sliceOf = (tick: number): number => Math.floor(tick / 1000);
    for (let round = 0; round < 100; round++) {
      const { breaker } = createBench(rules);
      const calls: { tick: number; isFailure: boolean }[] = [];
      let tick = 0;
      for (let i = 0; i < 200 && breaker.state === 'closed'; i++) {
        tick += random.below(2500);
        const isFailure = random.below(100) < 40;
        calls.push({ tick, isFailure });
        if (isFailure) breaker.onFailure(0, tick);
        else breaker.onSuccess(0, tick);
        const recent = calls.filter((call) => sliceOf(call.tick) > sliceOf(tick) - 10);
        const failures = recent.filter((call) => call.isFailure).length;
        const isDue = isFailure && recent.length >= 10 && failures * 2 >= recent.length;
        assert.equal(breaker.state, isDue ? 'open' : 'closed');
      }
    }
  });
});
