import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keyPrincipal, operatorPrincipal } from '../../test/harness/control.ts';
import { Problem } from '../lib/problem.ts';
import { hasScope } from '../lib/scope.ts';
import { OPERATIONS } from './operations.ts';
import {
  ADMIN_RESOURCES,
  adminActions,
  checkGrant,
  checkPermission,
  checkReach,
  intersectScopes,
  isOfPlatform,
  permissionsOf,
} from './permissions.ts';

test('lets a holder of any of the permissions pass, and nobody else', () => {
  assert.equal(checkPermission(['a:read', 'admin:a:read'], keyPrincipal(['admin:a:*'])).kind, 'key');
  assert.throws(() => checkPermission(['a:read'], keyPrincipal(['b:read', 'a:write'])), /needs a:read/);
  assert.throws(
    () => checkPermission(['a:read'], undefined),
    (error) => error instanceof Problem && error.code === 'missing_credentials',
  );
});

test('lets whoever has proved themselves pass where nothing more is asked', () => {
  assert.equal(checkPermission('authenticated', keyPrincipal([])).kind, 'key');
  assert.throws(() => checkPermission('authenticated', undefined), /Credentials required/);
});

describe('the roles that every tenant has', () => {
  // As the guide's table of predefined roles says.
  const roles: readonly [role: string, may: readonly string[], mayNot: readonly string[]][] = [
    [
      'SUPER_ADMIN',
      ['admin:keys:delete', 'admin:users:create', 'admin:tenants:act', 'requests:read', 'anything:at_all'],
      [],
    ],
    [
      'KEY_ADMIN',
      ['admin:keys:create', 'admin:keys:read', 'admin:keys:update', 'admin:keys:delete'],
      ['admin:users:read', 'admin:logs:read', 'admin:roles:read', 'keys:read', 'requests:read', '*'],
    ],
    ['KEY_VIEWER', ['admin:keys:read'], ['admin:keys:create', 'admin:keys:update', 'admin:keys:*', 'admin:logs:read']],
    ['USER_ADMIN', ['admin:users:create', 'admin:users:delete'], ['admin:keys:read', 'admin:roles:create', 'admin:*']],
    ['SUPPORT', ['admin:keys:read', 'admin:logs:read'], ['admin:keys:update', 'admin:logs:delete', 'admin:users:read']],
  ];
  for (const [role, may, mayNot] of roles) {
    test(`let ${role} do what the guide says, and nothing else`, () => {
      for (const permission of may) assert.ok(hasScope(permissionsOf(role), permission), permission);
      for (const permission of mayNot) assert.ok(!hasScope(permissionsOf(role), permission), permission);
    });
  }

  test('are not changed by a role of the same name', () => {
    assert.deepEqual(permissionsOf('KEY_VIEWER', ['*']), ['admin:keys:read']);
  });
});

test('knows every resource that some operation asks a management permission of', () => {
  const asked = OPERATIONS.flatMap(({ access }) => (typeof access === 'string' ? [] : access.anyOf))
    .map((permission) => permission.split(':'))
    .filter(([admin]) => admin === 'admin')
    .map(([, resource = '']) => resource);
  assert.deepEqual(
    asked.filter((resource) => !ADMIN_RESOURCES.includes(resource)),
    [],
  );
});

test('knows every action that some operation asks a management permission of', () => {
  const asked = OPERATIONS.flatMap(({ access }) => (typeof access === 'string' ? [] : access.anyOf));
  const unknown = asked.filter((permission) => {
    const [admin, resource = '', action = ''] = permission.split(':');
    return admin === 'admin' && !adminActions(resource).includes(action);
  });
  assert.deepEqual(unknown, []);
});

test('takes for the platform operators of the default tenant only, and no keys', () => {
  assert.ok(isOfPlatform(operatorPrincipal()));
  assert.ok(!isOfPlatform(operatorPrincipal({ tenantId: 'ten_other' })));
  assert.ok(!isOfPlatform(keyPrincipal(['*'])));
});

test('keeps everybody from who may do more than they may', () => {
  const admin = operatorPrincipal({ scopes: ['admin:keys:*', 'admin:users:*'] });
  for (const held of [[], ['admin:keys:read'], ['admin:users:*', 'admin:keys:write']]) checkReach(held, admin, 'They');
  for (const held of [['*'], ['admin:*'], ['admin:keys:*', 'admin:logs:read'], ['keys:read']]) {
    assert.throws(() => checkReach(held, admin, 'They'), /They may .*; your key may not/);
  }
});

test('gives a role that nobody knows no permission', () => {
  assert.deepEqual(permissionsOf('AUDITOR', ['read:requests', 'admin:logs:*']), ['requests:read', 'admin:logs:*']);
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
    for (const permission of typeof access === 'string' ? [] : access.anyOf) {
      if (permission === 'admin:keys:create') continue;
      const [first = '', second = '', third] = permission.split(':');
      const spellings =
        third === undefined ? [permission, `${second}:${first}`, `${first}:*`] : [permission, `admin:${second}:*`];
      for (const scope of spellings) assert.throws(() => checkGrant([scope], admin), Problem, scope);
    }
  }
});
