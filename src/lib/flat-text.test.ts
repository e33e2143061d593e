import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toFlatText } from './flat-text.ts';

test('the text stays what it was, with every character of Latin-1', () => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
  for (const text of ['', 'a', all, `${all}: ${all}`]) assert.equal(toFlatText(text), text);
});
