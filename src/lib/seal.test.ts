import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveKey } from './derive-key.ts';
import { seal, unseal } from './seal.ts';

const KEY = deriveKey('a secret', 'idempotency');
const FOR = { key: KEY, owner: 'row 1' };

test('opens what it sealed, whatever the text', () => {
  for (const text of ['', 'hush', 'ä€😀', 'x'.repeat(100_000)]) assert.equal(unseal(seal(text, FOR), FOR), text);
});

test('shows nothing of the text, and is another one each time', () => {
  const [first, second] = [seal('hush hush', FOR), seal('hush hush', FOR)];
  assert.notDeepEqual(first, second);
  assert.ok(!Buffer.from(first).includes('hush'));
});

test('does not open for another owner or key, or when a single bit was altered', () => {
  const sealed = seal('hush', FOR);
  assert.equal(unseal(sealed, { ...FOR, owner: 'row 2' }), undefined);
  assert.equal(unseal(sealed, { ...FOR, key: deriveKey('a secret', 'audit chain') }), undefined);
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const altered = sealed.map((octet, i) => (i === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet));
    assert.equal(unseal(altered, FOR), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < sealed.length; length++)
    assert.equal(unseal(sealed.subarray(0, length), FOR), undefined);
});
