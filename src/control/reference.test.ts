import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROBLEMS } from '../lib/problem.ts';
import { OPERATIONS } from './operations.ts';
import { renderErrors, renderOperations } from './reference.ts';

test('the page of errors names every code with its status', () => {
  const page = renderErrors();
  for (const [code, { status }] of Object.entries(PROBLEMS))
    assert.ok(page.includes(`| \`${code}\` | ${status} |`), code);
});

test('the page of the API names every operation, field and permission', () => {
  const page = renderOperations(OPERATIONS);
  for (const { method, path, compact, access, query, body } of OPERATIONS) {
    assert.ok(page.includes(`### \`${method} ${path}\``), path);
    if (compact !== undefined) assert.ok(page.includes(`Compact: \`${method} ${compact.path}\``), compact.path);
    for (const permission of typeof access === 'string' ? [] : access.anyOf)
      assert.ok(page.includes(`\`${permission}\``), permission);
    for (const field of Object.keys({ ...query.properties, ...body?.properties }))
      assert.ok(page.includes(`\`${field}\``), field);
  }
});

test('no page holds a line that breaks its table', () => {
  for (const line of `${renderErrors()}\n${renderOperations(OPERATIONS)}`.split('\n')) {
    assert.doesNotMatch(line, /undefined|\[object/);
  }
});
