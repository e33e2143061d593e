import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atLeast, atMost, inMicroseconds, inMilliseconds, plain, times, toFigureTable } from './figures.ts';

test('a figure tells its goal, and whether it is met; on the goal it is', () => {
  assert.deepEqual(atMost('a look-up', 1.2345, 2, inMicroseconds), {
    what: 'a look-up',
    value: '1.23 µs',
    goal: '≤ 2 µs',
    isMet: true,
  });
  assert.equal(atMost('', 2, 2, times).isMet, true);
  assert.equal(atMost('', 2.01, 2, times).isMet, false);
  assert.equal(atLeast('', 500, 500, plain).isMet, true);
  assert.equal(atLeast('', 499.9, 500, plain).isMet, false);
});

test('numbers have three digits that count, and large ones no fraction', () => {
  assert.deepEqual([0.012345, 1.5, 99.96, 1234.5, 20_000].map(inMilliseconds), [
    '0.0123 ms',
    '1.5 ms',
    '100 ms',
    '1235 ms',
    '20000 ms',
  ]);
});

test('the table marks what was missed, and nothing else', () => {
  const table = toFigureTable([
    atMost('met', 1, 2, plain),
    atMost('not met', 3, 2, plain),
    { what: 'stated', value: '7 KB', goal: '' },
  ]);
  assert.deepEqual(
    table.split('\n').map((line) => line.includes('missed')),
    [false, false, true, false],
  );
});
