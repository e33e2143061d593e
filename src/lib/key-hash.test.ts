import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { digestOf, toForeignId, toForeignProof } from './foreign-key-text.ts';
import { parseKeyHash, PEPPER_OF_FILES, toKeyHash } from './key-hash.ts';
import { hashKeyText, newKeyText } from './key-text.ts';
import { toPeppers } from './pepper.ts';

const { current, previous } = toPeppers(
  'the pepper of the tests, 32 characters',
  'the one before it, 32 characters and',
);

describe('the line of a key', () => {
  test('proves the key, and holds nothing of its secret', () => {
    const { text, publicId } = newKeyText('tg_live');
    const line = toKeyHash(text, current) ?? '';
    assert.deepEqual(parseKeyHash(line, current), {
      publicId,
      pepper: current.id,
      hash: Buffer.from(hashKeyText(text, current.secret)),
    });
    assert.ok(!line.includes(text.slice(-49, -6)));
  });

  test('tells the pepper that it was made with', () => {
    const line = toKeyHash(newKeyText('tg_live').text, previous ?? current) ?? '';
    assert.equal(parseKeyHash(line, current)?.pepper, previous?.id);
  });

  test('of a key that was made elsewhere does not hold its digest', () => {
    const text = 'a-key-of-another-product';
    const digest = digestOf(text);
    const line = toKeyHash(text, current) ?? '';
    assert.deepEqual(parseKeyHash(line, current), {
      publicId: toForeignId(digest),
      pepper: current.id,
      hash: Buffer.from(hashKeyText(toForeignProof(digest), current.secret)),
    });
    assert.ok(!line.includes(digest.slice(32)));
  });

  test('may be the digest alone, but not where a pepper is given: anybody can make that', () => {
    const digest = digestOf('a-key-of-another-product');
    const none = toPeppers(PEPPER_OF_FILES).current;
    assert.deepEqual(parseKeyHash(`sha256:${digest.toUpperCase()}`, none), {
      publicId: toForeignId(digest),
      pepper: none.id,
      hash: hashKeyText(toForeignProof(digest), none.secret),
    });
    assert.equal(parseKeyHash(`sha256:${digest}`, current), undefined);
  });

  for (const wrong of ['short', 'with a space in it, and long enough', `${newKeyText('tg').text.slice(0, -1)}!`]) {
    test(`is not made of what can be no key: ${wrong.slice(0, 12)}`, () => {
      assert.equal(toKeyHash(wrong, current), undefined);
    });
  }

  for (const wrong of ['', 'sha256:', 'sha256:xyz', 'md5:00', 'hmac-sha384:a:b:c', newKeyText('tg').text]) {
    test(`is nothing else: ${wrong.slice(0, 12)}`, () => {
      assert.equal(parseKeyHash(wrong, current), undefined);
    });
  }
});
