import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasScope, normalizeScope, SCOPE_PATTERN } from './scope.ts';

describe('the normal spelling of a scope', () => {
  const spellings: readonly [string, string][] = [
    ['read:requests', 'requests:read'],
    ['requests:read', 'requests:read'],
    ['write:x', 'x:write'],
    ['create:x', 'x:create'],
    ['update:x', 'x:update'],
    ['delete:x', 'x:delete'],
    ['requests:*', 'requests:*'],
    ['*', '*'],
    // Neither order is the other's: both words are actions, or neither is.
    ['read:write', 'read:write'],
    ['orders:refund', 'orders:refund'],
    ['readx:requests', 'readx:requests'],
    ['READ:requests', 'READ:requests'],
    // Management permissions keep their order.
    ['admin:read', 'admin:read'],
    ['admin:keys:read', 'admin:keys:read'],
    ['admin:*', 'admin:*'],
    // Of three words, none is moved.
    ['read:requests:own', 'read:requests:own'],
  ];
  for (const [given, normal] of spellings) {
    test(`of ${given} is ${normal}`, () => {
      assert.equal(normalizeScope(given), normal);
      assert.equal(normalizeScope(normal), normal);
    });
  }
});

describe('a granted scope', () => {
  const table: readonly [granted: string, required: string, covers: boolean][] = [
    ['requests:read', 'requests:read', true],
    ['read:requests', 'requests:read', true],
    ['requests:read', 'read:requests', true],
    ['*', 'requests:read', true],
    ['*', 'admin:keys:delete', true],
    ['requests:*', 'requests:read', true],
    ['requests:*', 'write:requests', true],
    ['requests:*', 'requests:own:read', true],
    ['admin:keys:*', 'admin:keys:read', true],
    ['admin:*', 'admin:keys:read', true],
    ['x:write', 'x:create', true],
    ['x:write', 'x:update', true],
    ['x:write', 'x:delete', true],
    ['write:x', 'delete:x', true],
    ['admin:keys:write', 'admin:keys:create', true],

    ['requests:read', 'requests:readx', false],
    ['requests:readx', 'requests:read', false],
    ['requests:read', 'requests:rea', false],
    ['requests:read', 'requestsx:read', false],
    ['requests:read', 'xrequests:read', false],
    ['requests:read', 'requests:read:own', false],
    ['requests:read:own', 'requests:read', false],
    ['requests:*', 'requestsx:read', false],
    ['requests:*', 'requests', false],
    ['requests:read', 'requests:*', false],
    ['requests:read', '*', false],
    ['requests:*', '*', false],
    ['Requests:read', 'requests:read', false],
    ['x:write', 'x:read', false],
    ['x:write', 'x:refund', false],
    ['x:write', 'y:create', false],
    ['x:write', 'x:create:own', false],
    ['x:create', 'x:write', false],
    ['x:read', 'x:write', false],
    ['admin:keys:*', 'admin:users:read', false],
    ['admin:keys:*', 'keys:read', false],
    ['keys:*', 'admin:keys:read', false],
    ['admin:keys:read', 'read:keys', false],
    ['admin:keys', 'keys:admin', false],
    ['', 'requests:read', false],
    [':*', 'requests:read', false],
  ];
  for (const [granted, required, covers] of table) {
    test(`${granted} ${covers ? 'covers' : 'does not cover'} ${required}`, () => {
      assert.equal(hasScope([normalizeScope(granted)], normalizeScope(required)), covers);
    });
  }

  test('of all three changes is the right to write, and of two is not', () => {
    assert.ok(hasScope(['x:create', 'x:update', 'x:delete'], 'x:write'));
    assert.ok(hasScope(['x:*'], 'x:write'));
    assert.ok(hasScope(['admin:x:create', 'admin:x:update', 'admin:x:delete'], 'admin:x:write'));
    assert.ok(!hasScope(['x:create', 'x:update', 'y:delete'], 'x:write'));
    assert.ok(!hasScope(['x:create', 'x:update', 'x:delete'], 'x:*'));
  });

  test('is enough when it is one of many, and none is never enough', () => {
    assert.ok(hasScope(['a:read', 'b:*', 'c:read'], 'b:delete'));
    assert.ok(!hasScope([], 'b:delete'));
  });
});

describe('the pattern of scopes', () => {
  const pattern = new RegExp(SCOPE_PATTERN);
  const sound = ['*', 'requests:read', 'read:requests', 'a:*', 'admin:keys:*', 'a.b-c_d:e1', 'a:b:c:d'];
  for (const scope of sound) test(`allows ${scope}`, () => assert.match(scope, pattern));

  const unsound = [
    '',
    'requests',
    '**',
    '*:read',
    ':read',
    'a:',
    'a::b',
    'a:b:c:d:e',
    'A:read',
    'a b:c',
    'a:b\n',
    'a:"b',
    'a:b,c:d',
  ];
  for (const scope of unsound) test(`refuses ${JSON.stringify(scope)}`, () => assert.doesNotMatch(scope, pattern));
});
