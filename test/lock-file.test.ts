// `npm ci` on a fresh clone, on every platform, which a checkout with its dependencies in place would not notice to be broken.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findMissing, parseLock, toCompleteLock } from '../scripts/lock-file.ts';

test('package-lock.json has an entry for every platform (if not: node scripts/complete-lock.ts)', () => {
  const lock = parseLock(readFileSync(join(import.meta.dirname, '..', 'package-lock.json'), 'utf8'));
  assert.deepEqual(findMissing(lock), []);
});

test('a missing platform is found and added', () => {
  const lock = parseLock(
    '{"packages":{"node_modules/a":{"dev":true,"optionalDependencies":{"@a/linux-x64-musl":"1.2.3"}}}}',
  );

  assert.deepEqual(findMissing(lock), [{ name: '@a/linux-x64-musl', version: '1.2.3', isDev: true }]);
  const added = JSON.stringify(toCompleteLock(lock).packages['node_modules/@a/linux-x64-musl']);
  assert.equal(added, '{"version":"1.2.3","cpu":["x64"],"dev":true,"libc":["musl"],"optional":true,"os":["linux"]}');
});
