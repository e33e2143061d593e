import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyPrincipal, operatorPrincipal } from '../../test/harness/control.ts';
import { Problem } from '../lib/problem.ts';
import { OPERATIONS } from './operations.ts';
import { checkGrant, checkPermission, intersectScopes, permissionsOf } from './permissions.ts';

test('lets a holder of any of the permissions pass, and nobody else', () => {
  assert.equal(checkPermission(['a:read', 'admin:a:read'], keyPrincipal(['admin:a:*'])).kind, 'key');
  assert.throws(() => checkPermission(['a:read'], keyPrincipal(['b:read', 'a:write'])), /needs a:read/);
  assert.throws(
    () => checkPermission(['a:read'], undefined),
    (error) => error instanceof Problem && error.code === 'missing_credentials',
  );
});

test('gives a role that nobody knows no permission', () => {
  assert.deepEqual(permissionsOf('SUPER_ADMIN'), ['*']);
  assert.deepEqual(permissionsOf('super_admin'), []);
  assert.deepEqual(permissionsOf('constructor'), []);
});

test('bounds the key of an operator by its role, and by what the key says', () => {
  const cases = [
    { key: ['*'], role: ['*'], both: ['*'] },
    { key: ['keys:read'], role: ['*'], both: ['keys:read'] },
    { key: ['*'], role: ['admin:keys:*'], both: ['admin:keys:*'] },
    { key: ['admin:*'], role: ['admin:keys:*', 'admin:logs:read'], both: ['admin:keys:*', 'admin:logs:read'] },
    { key: ['orders:read'], role: ['admin:keys:*'], both: [] },
  ];
  for (const { key, role, both } of cases) assert.deepEqual(intersectScopes(key, role), both);
});

test('never lets an operator without it give a permission that some operation asks for', () => {
  const admin = operatorPrincipal({ scopes: ['admin:keys:create'] });
  for (const { access } of OPERATIONS) {
    for (const permission of access === 'public' ? [] : access.anyOf) {
      if (permission === 'admin:keys:create') continue;
      const [first = '', second = '', third] = permission.split(':');
      const spellings =
        third === undefined ? [permission, `${second}:${first}`, `${first}:*`] : [permission, `admin:${second}:*`];
      for (const scope of spellings) assert.throws(() => checkGrant([scope], admin), Problem, scope);
    }
  }
});
