import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestOf, isForeignId, isForeignText, toForeignId, toForeignProof } from './foreign-key-text.ts';
import { newKeyText } from './key-text.ts';
import { parsePresentedKey } from './presented-key.ts';

describe('the text of a key from elsewhere', () => {
  const good = [
    'km_p8tb7y54nmx982jfvs37',
    'ins_abc123_xxxxxxxxxxxxxxxxxxxxxx',
    'x'.repeat(16),
    '~'.repeat(256),
    '!"#$%&\'()*+,-./:;',
  ];
  for (const text of good) test(`may be ${text.slice(0, 40)}`, () => assert.ok(isForeignText(text)));

  const bad = [
    '',
    'x'.repeat(15),
    'x'.repeat(257),
    'with a space in it',
    'a tab\tin the middle',
    'é'.repeat(20),
    '\u007F'.repeat(20),
  ];
  for (const text of bad)
    test(`may not be ${JSON.stringify(text.slice(0, 40))}`, () => assert.ok(!isForeignText(text)));
});

describe('what finds and proves a key', () => {
  test('from elsewhere is made of its digest, half and whole', () => {
    const digest = digestOf('km_p8tb7y54nmx982jfvs37');
    assert.match(digest, /^[0-9a-f]{64}$/);
    assert.deepEqual(parsePresentedKey('km_p8tb7y54nmx982jfvs37'), {
      publicId: toForeignId(digest),
      proof: toForeignProof(digest),
    });
    assert.equal(toForeignId(digest), `sha256_${digest.slice(0, 32)}`);
    assert.ok(isForeignId(toForeignId(digest)));
  });

  test('is the SHA-256 that any other program makes', () => {
    assert.equal(digestOf('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  test('of a key of ours stands in its text', () => {
    const { text, publicId } = newKeyText('tg_live');
    assert.deepEqual(parsePresentedKey(text), { publicId, proof: text });
    assert.ok(!isForeignId(publicId));
  });

  test('cannot be had of a mistyped key of ours, nor of what is no key', () => {
    const { text } = newKeyText('tg_live');
    const mistyped = text.slice(0, -1) + (text.endsWith('0') ? '1' : '0');
    for (const given of [mistyped, '', 'short', `${text} ${text}`]) assert.equal(parsePresentedKey(given), undefined);
  });
});
