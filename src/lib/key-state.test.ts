import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findKeyRefusal, type KeyState } from './key-state.ts';

test('a key works, or is refused for what it is', () => {
  const table: readonly [status: KeyState, expiresAtMs: number | undefined, refusal: string | undefined][] = [
    ['active', undefined, undefined],
    ['active', 11, undefined],
    ['active', 10, 'key_expired'],
    ['active', 0, 'key_expired'],
    ['deprecated', 11, undefined],
    ['deprecated', 10, 'key_superseded'],
    ['revoked', undefined, 'key_revoked'],
    ['revoked', 11, 'key_revoked'],
    ['revoked', 10, 'key_revoked'],
  ];
  for (const [status, expiresAtMs, refusal] of table)
    assert.equal(findKeyRefusal({ status, expiresAtMs }, 10), refusal, `${status} until ${expiresAtMs}`);
});

test("a key of a client works while its client does; the key's own end is told first", () => {
  const client = { status: 'suspended', expiresAtMs: undefined } as const;
  assert.equal(findKeyRefusal({ status: 'active', expiresAtMs: 11, client }, 10), 'client_suspended');
  assert.equal(findKeyRefusal({ status: 'deprecated', expiresAtMs: 11, client }, 10), 'client_suspended');
  assert.equal(findKeyRefusal({ status: 'active', expiresAtMs: 10, client }, 10), 'key_expired');
  assert.equal(findKeyRefusal({ status: 'revoked', expiresAtMs: undefined, client }, 10), 'key_revoked');
  const expired = { status: 'active', expiresAtMs: 10 } as const;
  assert.equal(findKeyRefusal({ status: 'active', expiresAtMs: undefined, client: expired }, 9), undefined);
  assert.equal(findKeyRefusal({ status: 'active', expiresAtMs: undefined, client: expired }, 10), 'client_expired');
});
