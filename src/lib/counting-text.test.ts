import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CountingText } from './counting-text.ts';

test('a number is the text that String makes of it, whatever came before', () => {
  const text = new CountingText();
  const edges = [0, 1, 9, 10, 99, 100, 999, 1000, 1001, 1099, 1100, 9999, 10_000, 999_999, 1_000_000, 1_000_001];
  const large = [2 ** 31 - 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER];
  for (const count of [...edges, ...large, ...edges.toReversed(), ...large.toReversed()])
    assert.equal(text.of(count), String(count));
});

test('what counts down past a thousand is told right at each step', () => {
  const text = new CountingText();
  for (let count = 3010; count >= 0; count--) assert.equal(text.of(count), String(count));
});

test('what is no whole number from 0 on is told as it is', () => {
  const text = new CountingText();
  for (const count of [-1, 0.5, -1000, Number.NaN]) assert.equal(text.of(count), String(count));
});
