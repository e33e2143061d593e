import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveKey } from './derive-key.ts';
import { sealText, unsealText } from './sealed-text.ts';

const OWNER = { key: deriveKey('a secret', 'upstream secrets'), tenantId: 'ten_1', gatewayId: 'gw_1' };

test('a sealed text is opened by its owner, and shows nothing', () => {
  const sealed = sealText('hush hush', OWNER) ?? '';
  assert.match(sealed, /^sealed:[\w-]+$/);
  assert.ok(!Buffer.from(sealed.slice(7), 'base64url').includes('hush'));
  assert.equal(unsealText(sealed, OWNER), 'hush hush');
});

test('the same secret is sealed alike, another one or another owner’s is not', () => {
  const sealed = sealText('hush', OWNER);
  assert.equal(sealText('hush', OWNER), sealed);
  assert.notEqual(sealText('hush!', OWNER), sealed);
  assert.notEqual(sealText('hush', { ...OWNER, gatewayId: 'gw_2' }), sealed);
});

test('what is sealed stays as it is for its owner, and is nobody else’s', () => {
  const sealed = sealText('hush', OWNER) ?? '';
  assert.equal(sealText(sealed, OWNER), sealed);
  const key = deriveKey('another secret', 'upstream secrets');
  for (const other of [
    { ...OWNER, tenantId: 'ten_2' },
    { ...OWNER, gatewayId: 'gw_2' },
    { ...OWNER, key },
  ]) {
    assert.deepEqual([sealText(sealed, other), unsealText(sealed, other)], [undefined, undefined]);
  }
  assert.equal(sealText(`${sealed.slice(0, -3)}AAA`, OWNER), undefined);
  assert.equal(unsealText('hush', OWNER), undefined);
});
