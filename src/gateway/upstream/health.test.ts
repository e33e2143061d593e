import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Health, type HealthRules } from './health.ts';

const RULES = { errorThreshold: 3, ejectMs: 1000, check: undefined };

function createHealth(differences: Partial<HealthRules> = {}): Health {
  const health = new Health();
  health.assume({ ...RULES, ...differences });
  return health;
}

describe('a target', () => {
  test('is out from the first connection that cannot be made to the first that can', () => {
    const health = createHealth();
    assert.ok(health.isUp);
    health.onUnreachable(0);
    assert.ok(!health.isUp);
    health.onTime(1e9);
    assert.ok(!health.isUp, 'no time makes it good');
    health.onReached();
    assert.ok(health.isUp);
  });

  test('that cannot be reached is tried after one second, then after twice as long, up to half a minute', () => {
    const health = createHealth();
    health.onUnreachable(0);
    const probes: number[] = [];
    for (let tick = 0; tick <= 120_000; tick += 100) {
      if (health.takeProbe(tick)) probes.push(tick);
      if (tick === 50_000) health.onUnreachable(tick); // A request that was let through in vain puts nothing off.
    }
    assert.deepEqual(probes, [1000, 3000, 7000, 15_000, 31_000, 61_000, 91_000]);
    health.onReached();
    assert.ok(!health.takeProbe(1e9));
    health.onUnreachable(200_000);
    assert.deepEqual([health.takeProbe(200_999), health.takeProbe(201_000)], [false, true]);
  });

  test('is out for a time after so many errors in a row', () => {
    const health = createHealth();
    for (let i = 0; i < 10; i++) {
      health.onError(0);
      health.onError(0);
      health.onSuccess();
    }
    assert.ok(health.isUp, 'a success breaks the row');
    for (let i = 0; i < 3; i++) health.onError(500);
    assert.ok(!health.isUp);
    health.onTime(1499);
    assert.ok(!health.isUp);
    health.onTime(1500);
    assert.ok(health.isUp);
  });

  test('is back only when nothing keeps it out any more', () => {
    const health = createHealth();
    health.onUnreachable(0);
    for (let i = 0; i < 3; i++) health.onError(0);
    health.onTime(1000);
    assert.ok(!health.isUp);
    health.onReached();
    assert.ok(health.isUp);
  });

  test('is never taken out by errors where nobody said so', () => {
    const health = createHealth({ errorThreshold: Infinity });
    for (let i = 0; i < 10_000; i++) health.onError(0);
    assert.ok(health.isUp);
  });
});

describe('a target that is checked', () => {
  const check = { path: '/up', intervalMs: 10_000, timeoutMs: 1000, healthyThreshold: 2, unhealthyThreshold: 3 };

  test('is out after so many checks in a row that failed, and back after so many that passed', () => {
    const health = createHealth({ check });
    const isUpAfter = (...results: readonly boolean[]): boolean => {
      for (const hasPassed of results) health.onCheck(hasPassed);
      return health.isUp;
    };
    assert.ok(isUpAfter(false, false, true, false, false));
    assert.ok(!isUpAfter(false));
    assert.equal(health.ill, 'check');
    assert.ok(!isUpAfter(true, false, true));
    assert.ok(isUpAfter(true));
  });

  test('is checked at once, then at intervals, never twice at a time', () => {
    const health = createHealth({ check });
    assert.equal(health.takeCheck(500, 0.5), check);
    assert.equal(health.takeCheck(60_000, 0.5), undefined, 'the first one is not back yet');
    health.onCheck(true);
    assert.equal(health.takeCheck(60_000, 0.5), check);
    health.onCheck(true);
    assert.equal(health.takeCheck(69_999, 0.5), undefined);
    assert.equal(health.takeCheck(70_000, 0), check);
    health.onCheck(true);
    assert.equal(health.takeCheck(79_000, 1), check, 'nobody looks at the same moment as all others');
  });

  test('is well again when nobody looks any more', () => {
    const health = createHealth({ check });
    for (let i = 0; i < 3; i++) health.onCheck(false);
    health.assume(RULES);
    health.onCheck(false);
    assert.ok(health.isUp && !health.needsTime);
  });
});
