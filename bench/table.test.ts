import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toTable } from './table.ts';

test('columns are as wide as their widest cell, the first aligned left, the others right', () => {
  const table = toTable([
    ['', 'µs', 'requests/s'],
    ['nginx', '16.2', '60000'],
    ['tollgate', '7', '5'],
  ]);
  assert.equal(
    table,
    ['            µs  requests/s', 'nginx     16.2       60000', 'tollgate     7           5'].join('\n'),
  );
});

test('a row may be shorter than the others, and no line ends in blanks', () => {
  assert.equal(toTable([['a', 'bb'], ['ccc']]), 'a    bb\nccc');
  assert.equal(toTable([['a'], ['bbb']]), 'a\nbbb');
});
