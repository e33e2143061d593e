import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hashKeyText, isKeyHash, newKeyText, parsePublicId } from './key-text.ts';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const PEPPER = 'a pepper of at least 32 characters';

describe('the text of a key', () => {
  const prefixes = ['tg_live', 'km', 'ins', 'dh_live', 'a', 'a_b_c_d', `a${'_b'.repeat(31)}c`];
  for (const prefix of prefixes) {
    test(`gives back the public id it was made with, under the prefix ${prefix}`, () => {
      const { text, publicId } = newKeyText(prefix);
      assert.match(text, new RegExp(`^${prefix}_${publicId}_[0-9A-Za-z]{49}$`));
      assert.equal(parsePublicId(text), publicId);
    });
  }

  test('is refused when any one character of it is changed', () => {
    const { text } = newKeyText('tg_live');
    for (let i = 0; i < text.length; i++) {
      for (const other of `${BASE62}_`) {
        if (other === text[i]) continue;
        const changed = text.slice(0, i) + other + text.slice(i + 1);
        assert.equal(parsePublicId(changed), undefined, `accepted ${changed} for ${text}`);
      }
    }
  });

  test('is refused when two neighbours of it are swapped', () => {
    const { text } = newKeyText('tg_live');
    for (let i = 0; i + 1 < text.length; i++) {
      const swapped = text.slice(0, i) + text.charAt(i + 1) + text.charAt(i) + text.slice(i + 2);
      if (swapped !== text) assert.equal(parsePublicId(swapped), undefined);
    }
  });

  const { text } = newKeyText('tg_live');
  const malformed: readonly [string, string][] = [
    ['empty', ''],
    ['cut short', text.slice(0, -1)],
    ['with more at its end', `${text}0`],
    ['with a line feed at its end', `${text}\n`],
    ['with a space before it', ` ${text}`],
    ['without a prefix', text.replace('tg_live_', '')],
    ['with an empty prefix', text.replace('tg_live', '')],
    ['with capital letters in the prefix', text.replace('tg_live', 'TG_LIVE')],
    ['with another prefix', text.replace('tg_live', 'tg_test')],
    ['with a prefix that is too long', text.replace('tg_live', 'a'.repeat(65))],
    ['with a character beyond ASCII', `${text.slice(0, -1)}é`],
    ['of a million characters', 'a'.repeat(1_000_000)],
    ['of a million underscores', `a${'_'.repeat(1_000_000)}`],
  ];
  for (const [what, given] of malformed) {
    test(`is refused ${what}`, () => {
      assert.equal(parsePublicId(given), undefined);
    });
  }

  test('is never made twice, and uses every character alike at every place of its secret', () => {
    const keys = Array.from({ length: 6200 }, () => newKeyText('k'));
    assert.equal(new Set(keys.map((key) => key.publicId)).size, keys.length);
    const counts = new Map<string, number>();
    for (const key of keys) {
      for (const character of key.text.slice('k_'.length + 13, -6)) {
        counts.set(character, (counts.get(character) ?? 0) + 1);
      }
    }
    assert.deepEqual([...counts.keys()].toSorted().join(''), BASE62.split('').toSorted().join(''));
    // 4,300 of each are expected, with a deviation of 65: eight deviations happen to nobody.
    for (const [character, count] of counts) assert.ok(Math.abs(count - 4300) < 520, `${character}: ${count}`);
  });
});

describe('the hash of a key', () => {
  const { text } = newKeyText('tg_live');

  test('is the same for the same text and pepper, and 48 bytes long', () => {
    assert.deepEqual(hashKeyText(text, PEPPER), hashKeyText(text, PEPPER));
    assert.equal(hashKeyText(text, PEPPER).length, 48);
  });

  test('is the HMAC-SHA-384 that was stored yesterday', () => {
    const stored = Buffer.from(hashKeyText('tg_live_000000000000_secret', 'pepper')).toString('hex');
    assert.match(stored, /^f0bf6a97f21ccabbd1c1cd3ebe03b04f00e122d43bdb05bbacf58dbe7333bd8e/);
  });

  test('does not hold the text', () => {
    assert.ok(!Buffer.from(hashKeyText(text, PEPPER)).includes(text.slice(-20)));
  });

  test('differs for another text and for another pepper', () => {
    const hash = hashKeyText(text, PEPPER);
    assert.ok(isKeyHash(hash, hashKeyText(text, PEPPER)));
    assert.ok(!isKeyHash(hash, hashKeyText(`${text.slice(0, -1)}!`, PEPPER)));
    assert.ok(!isKeyHash(hash, hashKeyText(text, `${PEPPER}.`)));
  });

  test('is unequal to one of another length, without throwing', () => {
    assert.ok(!isKeyHash(new Uint8Array(48), new Uint8Array(0)));
    assert.ok(!isKeyHash(new Uint8Array(0), new Uint8Array(48)));
  });
});
