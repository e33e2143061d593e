import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashPassword, isPassword } from './password-hash.ts';

test('knows a password again, and no other', async () => {
  const kept = await hashPassword('correct horse battery');
  assert.match(kept, /^\$scrypt\$ln=15,r=8,p=3\$[\w-]{22}\$[\w-]{43}$/);
  assert.doesNotMatch(kept, /horse/);
  assert.ok(await isPassword('correct horse battery', kept));
  for (const wrong of ['', 'correct horse batterx', 'correct horse battery ', 'Correct horse battery', kept]) {
    assert.ok(!(await isPassword(wrong, kept)), wrong);
  }
});

test('salts: the same password twice is kept as two texts', async () => {
  assert.notEqual(await hashPassword('the same password'), await hashPassword('the same password'));
});

test('takes the same characters of different keyboards for the same password', async () => {
  const kept = await hashPassword('Zu\u0308rich, \u212Belv, ﬁn');
  assert.ok(await isPassword('Z\u00FCrich, \u00C5elv, fin', kept));
});

test('knows passwords that were kept under other costs', async () => {
  // RFC 7914 §12, the third vector: N = 16384, r = 8, p = 1.
  const hash = Buffer.from(
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
    'hex',
  );
  const kept = `$scrypt$ln=14,r=8,p=1$${Buffer.from('SodiumChloride').toString('base64url')}$${hash.toString('base64url')}`;
  assert.ok(await isPassword('pleaseletmein', kept));
  assert.ok(!(await isPassword('pleaseletmeout', kept)));
});

test('takes nothing for the password of who has none', async () => {
  for (const given of ['', 'anything', '\0'.repeat(32)]) assert.ok(!(await isPassword(given, undefined)));
});

test('refuses a kept text that is not of its own making', async () => {
  for (const kept of ['', 'secret', '$scrypt$ln=15,r=8,p=3$$', '$2b$10$abc', '$scrypt$ln=99999,r=8,p=3$YQ$YQ']) {
    await assert.rejects(isPassword('x', kept), kept);
  }
});
