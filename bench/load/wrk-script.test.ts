import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toWrkScript, VARYING_SCRIPT } from './wrk-script.ts';

test('a script sets method, body and its type', () => {
  const lines = toWrkScript('POST', 16_384).trimEnd().split('\n');
  assert.deepEqual(lines, [
    'wrk.method = "POST"',
    'wrk.headers["Content-Type"] = "application/octet-stream"',
    'wrk.body = string.rep("x", 16384)',
  ]);
});

test('a script that varies counts in a field of its own', () => {
  assert.match(VARYING_SCRIPT, /wrk\.headers\["X-Count"\] = "@"/);
});
