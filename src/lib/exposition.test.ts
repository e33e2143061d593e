import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Family, toExposition } from './exposition.ts';

const gauge = (samples: Family['samples'], help = 'What it is.'): Family => ({
  name: 'x',
  type: 'gauge',
  help,
  samples,
});

test('a family tells what it is, then its samples, each on a line', () => {
  const text = toExposition([
    gauge([
      { labels: {}, value: 1.5 },
      { suffix: '_bucket', labels: { a: 'b', le: '+Inf' }, value: 2 },
    ]),
  ]);
  assert.equal(text, '# HELP x What it is.\n# TYPE x gauge\nx 1.5\nx_bucket{a="b",le="+Inf"} 2\n');
});

test('a name that people chose cannot end its line, nor its quotation marks', () => {
  const text = toExposition([gauge([{ labels: { name: 'a"} 1\nevil 2\\' }, value: 1 }], 'one\ntwo\\')]);
  assert.equal(text, '# HELP x one\\ntwo\\\\\n# TYPE x gauge\nx{name="a\\"} 1\\nevil 2\\\\"} 1\n');
});

test('numbers that are none have the names of the format', () => {
  const values = [Infinity, -Infinity, Number.NaN, 1e21].map((value) => ({ labels: {}, value }));
  assert.deepEqual(
    toExposition([gauge(values)])
      .split('\n')
      .slice(2, 6),
    ['x +Inf', 'x -Inf', 'x NaN', 'x 1e+21'],
  );
});
