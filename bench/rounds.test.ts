import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rotate } from './rounds.ts';

test('each round begins with another contestant and leaves nobody out', () => {
  const contestants = ['a', 'b', 'c'];
  const rounds = [0, 1, 2, 3].map((round) => rotate(contestants, round).join(''));
  assert.deepEqual(rounds, ['abc', 'bca', 'cab', 'abc']);
});
