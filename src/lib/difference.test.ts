import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findChanges, type Change } from './difference.ts';

const table: readonly [name: string, before: unknown, after: unknown, changes: readonly Change[]][] = [
  ['of equals are none', { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, []],
  [
    'tell what came and what went',
    { a: 1 },
    { b: 2 },
    [
      { path: 'a', before: 1 },
      { path: 'b', after: 2 },
    ],
  ],
  [
    'go as deep as there are objects',
    { a: { b: 1, c: 2 } },
    { a: { b: 3, c: 2 } },
    [{ path: 'a.b', before: 1, after: 3 }],
  ],
  ['take lists as a whole', { a: [1, 2] }, { a: [1, 3] }, [{ path: 'a', before: [1, 2], after: [1, 3] }]],
  ['quote names that are no words', { 'GET /a': { x: 1 } }, { 'GET /a': {} }, [{ path: '["GET /a"].x', before: 1 }]],
  ['know null from nothing', { a: null }, {}, [{ path: 'a', before: null }]],
  ['take undefined for nothing', { a: undefined }, {}, []],
  [
    'come in the order of names',
    { b: 1, a: 1 },
    {},
    [
      { path: 'a', before: 1 },
      { path: 'b', before: 1 },
    ],
  ],
];
for (const [name, before, after, changes] of table) {
  test(`changes ${name}`, () => assert.deepEqual(findChanges(before, after), changes));
}
