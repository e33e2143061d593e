import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toRounds } from './load-case.ts';

const FLAGS = { rounds: 5, otherRounds: 3, seconds: 4 };

test('cases with a goal take all rounds, the others fewer', () => {
  assert.deepEqual(toRounds(FLAGS, { load: 'http1', hasGoal: true }), { rounds: 5, seconds: 4 });
  assert.deepEqual(toRounds(FLAGS, { load: 'http2', hasGoal: false }), { rounds: 3, seconds: 4 });
});

test('an open loop is measured for as long, in rounds of a second', () => {
  assert.deepEqual(toRounds(FLAGS, { load: 'half-rate', hasGoal: true }), { rounds: 20, seconds: 1 });
});
