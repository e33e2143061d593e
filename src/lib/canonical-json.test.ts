import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from './canonical-json.ts';

test('writes members in the order of their names, at every depth', () => {
  assert.equal(
    canonicalJson({ b: [{ d: 1, c: 2 }], a: { z: null, y: 'é"' } }),
    '{"a":{"y":"é\\"","z":null},"b":[{"c":2,"d":1}]}',
  );
});

test('says the same of a value and of what comes back of it from JSON', () => {
  const value = { at: new Date(0), none: undefined, list: [1.5, -0, 1e21, Number.NaN, undefined], text: '\u2028' };
  assert.equal(canonicalJson(JSON.parse(JSON.stringify(value))), canonicalJson(value));
});

test('refuses what JSON has no word for', () => {
  for (const value of [1n, Symbol('x'), () => 1]) assert.throws(() => canonicalJson({ value }), TypeError);
});
