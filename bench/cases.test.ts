import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CASE_NAMES, LOAD_CASES } from './cases.ts';
import { MAX_TAKEN_BYTES, ROUTES, TAKE } from './routes.ts';

test('every case has a name of its own, and stands in the document', () => {
  assert.equal(new Set(CASE_NAMES).size, CASE_NAMES.length);
  const document = readFileSync(join(import.meta.dirname, '../docs/performance.md'), 'utf8');
  assert.deepEqual(
    CASE_NAMES.filter((name) => !document.includes(`\`${name}\``)),
    [],
  );
});

test('bodies are sent where they are taken, and none is larger than what is taken', () => {
  for (const { name, request } of LOAD_CASES) {
    assert.equal(request.bodyBytes > 0, request.route === TAKE, name);
    assert.ok(request.bodyBytes <= MAX_TAKEN_BYTES, name);
  }
});

test('every route has a path of its own, so that the log can be asked for it', () => {
  assert.equal(new Set(ROUTES.map(({ path }) => path)).size, ROUTES.length);
});
