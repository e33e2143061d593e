import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isMatch, isNoneMatch, TAG_LIST, toEntityTag } from './entity-tag.ts';

const KEY = { id: 'key_1', name: 'x', scopes: ['a:read'] };
const TAG = toEntityTag(KEY);
const USED = toEntityTag({ ...KEY, lastUsedAt: '2026-01-01T00:00:00.000Z' });
const USED_LATER = toEntityTag({ ...KEY, lastUsedAt: '2026-01-02T00:00:00.000Z' });
const OTHER = toEntityTag({ ...KEY, name: 'y' });

describe('an entity tag', () => {
  test('is the same for the same resource, however its members stand, and another for another', () => {
    assert.equal(toEntityTag({ scopes: ['a:read'], name: 'x', id: 'key_1', owner: undefined }), TAG);
    assert.match(TAG, /^"[\w-]{22}"$/);
    assert.equal(new Set([TAG, USED, USED_LATER, OTHER]).size, 4);
  });

  const matches: [list: string, current: string | undefined, matches: boolean, noneMatches: boolean][] = [
    [TAG, TAG, true, false],
    [OTHER, TAG, false, true],
    [`${OTHER}, ${TAG}`, TAG, true, false],
    [`${OTHER},${TAG} , ""`, TAG, true, false],
    [`W/${TAG}`, TAG, false, false],
    [`W/${OTHER}, W/${TAG}`, TAG, false, false],
    ['*', TAG, true, false],
    [' * ', TAG, true, false],
    ['*', undefined, false, true],
    [TAG, undefined, false, true],
    // What traffic wrote makes another tag, but is nothing that a change could overwrite.
    [USED, USED_LATER, true, true],
    [TAG, USED, true, true],
    [USED, USED, true, false],
    [USED, OTHER, false, true],
    // Nothing but a whole tag matches.
    [`"${TAG.slice(1, 10)}"`, TAG, false, true],
    ['""', TAG, false, true],
    [`"${TAG.slice(1, -1)}x"`, TAG, false, true],
  ];
  for (const [list, current, expected, expectedNone] of matches) {
    test(`${list} ${expected ? 'matches' : 'does not match'} ${current}`, () => {
      assert.ok(TAG_LIST.test(list));
      assert.deepEqual([isMatch(list, current), isNoneMatch(list, current)], [expected, expectedNone]);
    });
  }

  test('is read only when it is well-formed', () => {
    for (const list of [
      '',
      'abc',
      '"a',
      'a"',
      '"a" "b"',
      '"a",',
      ',"a"',
      '*, "a"',
      'w/"a"',
      'W/a',
      '"a b"',
      '"a"b"',
      '"\x00"',
    ])
      assert.ok(!TAG_LIST.test(list), list);
  });

  test('is read in time that grows with its length only', () => {
    for (const text of [`"${'a'.repeat(2_000)}`, ' '.repeat(2_000), '"a" ,'.repeat(400)])
      assert.ok(!TAG_LIST.test(text));
  });
});
