import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toResultName } from './result.ts';

test('a result is named by its time and commit, and says when there is none', () => {
  const startedAt = '2026-03-01T07:08:09.123Z';
  const id = '0123456789abcdef0123456789abcdef01234567';
  assert.equal(toResultName({ startedAt, commit: { id, dirty: true } }), '2026-03-01-070809-0123456789.json');
  assert.equal(toResultName({ startedAt, commit: { id: null, dirty: true } }), '2026-03-01-070809-uncommitted.json');
});
