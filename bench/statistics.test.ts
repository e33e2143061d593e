import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toPercentile, toSpread } from './statistics.ts';

test('the median is the middle value, and of an even count the mean of the two in the middle', () => {
  assert.deepEqual(toSpread([30, 10, 20]), { median: 20, min: 10, max: 30 });
  assert.deepEqual(toSpread([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 });
  assert.deepEqual(toSpread([7]), { median: 7, min: 7, max: 7 });
});

test('values are ordered as numbers and the given list stays as it is', () => {
  const values = [100, 9, 20];
  assert.deepEqual(toSpread(values), { median: 20, min: 9, max: 100 });
  assert.deepEqual(values, [100, 9, 20]);
});

test('no values are refused', () => {
  assert.throws(() => toSpread([]), /no median/);
});

test('a percentile is the value that this part of the values does not exceed', () => {
  const hundred = Float64Array.from({ length: 100 }, (_, i) => i + 1);
  assert.equal(toPercentile(hundred, 0.5), 50);
  assert.equal(toPercentile(hundred, 0.99), 99);
  assert.equal(toPercentile([7], 0.99), 7);
  assert.throws(() => toPercentile([], 0.5), /nothing/);
});
