import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isId, newId, timeOfId } from './id.ts';

const NOW_MS = 1_750_000_000_123;

describe('an id', () => {
  test('is its kind and 26 characters of Crockford base 32', () => {
    assert.match(newId('key', NOW_MS), /^key_[0-9abcdefghjkmnpqrstvwxyz]{26}$/);
    assert.ok(isId('key', newId('key', NOW_MS)));
  });

  test('sorts after every id of an earlier millisecond', () => {
    const times = [0, 1, 31, 32, 2 ** 40, NOW_MS, NOW_MS + 1, NOW_MS + 32, 2 ** 48 - 1];
    const ids = times.map((timeMs) => newId('req', timeMs));
    assert.deepEqual(ids, ids.toSorted());
  });

  test('begins with the time, whatever time was asked for before', () => {
    const first = newId('req', NOW_MS);
    newId('req', 5);
    assert.equal(newId('req', NOW_MS).slice(0, 14), first.slice(0, 14));
  });

  test('tells when it was made; other texts tell nothing', () => {
    for (const timeMs of [0, 1, NOW_MS, 2 ** 48 - 1]) assert.equal(timeOfId('req', newId('req', timeMs)), timeMs);
    for (const text of ['', 'req_', 'req_1', newId('key', NOW_MS), newId('req', NOW_MS).toUpperCase()])
      assert.equal(timeOfId('req', text), undefined, text);
  });

  test('sorts after those that were made before it in its millisecond', () => {
    for (const timeMs of [NOW_MS, NOW_MS + 1, NOW_MS + 2]) {
      const ids = Array.from({ length: 5_000 }, () => newId('req', timeMs));
      assert.deepEqual(ids, ids.toSorted());
    }
  });

  test('is not told by the one before it', () => {
    const tails = new Set(Array.from({ length: 1_000 }, () => newId('req', NOW_MS).slice(-12)));
    assert.equal(tails.size, 1_000);
    const starts = new Set(Array.from({ length: 100 }, (_, i) => newId('req', NOW_MS + 10 + i).slice(14, 18)));
    assert.ok(starts.size > 90, 'how many were made is not for everybody to read');
  });

  test('is unique among 100,000 of one millisecond', () => {
    const ids = new Set(Array.from({ length: 100_000 }, () => newId('req', NOW_MS)));
    assert.equal(ids.size, 100_000);
  });
});

describe('what is not an id', () => {
  const id = newId('key', NOW_MS);
  const others: readonly [string, string][] = [
    ['empty', ''],
    ['of another kind', newId('gw', NOW_MS)],
    ['of a kind that begins alike', `key_${id}`],
    ['in capital letters', id.toUpperCase()],
    ['too short', id.slice(0, -1)],
    ['too long', `${id}0`],
    ['with a letter outside the alphabet', `${id.slice(0, -1)}u`],
    ['with a line feed', `${id}\n`],
  ];
  for (const [what, text] of others) {
    test(`is told apart: ${what}`, () => {
      assert.ok(!isId('key', text));
    });
  }
});
