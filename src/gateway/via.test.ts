import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listsHop, toPseudonym } from './via.ts';

const SECRET = 'the pepper of the tests, 32 characters and more';

describe('the pseudonym', () => {
  test('is the same wherever the secret is, and another elsewhere', () => {
    assert.equal(toPseudonym(SECRET), toPseudonym(SECRET));
    assert.notEqual(toPseudonym(SECRET), toPseudonym(`${SECRET}.`));
  });

  test('is a token that tells nothing', () => {
    assert.match(toPseudonym(SECRET), /^tollgate-[0-9a-f]{8}$/);
  });
});

describe('a Via field', () => {
  const us = 'tollgate-0a1b2c3d';
  const table: readonly [value: string, lists: boolean][] = [
    [`1.1 ${us}`, true],
    [`HTTP/1.1 ${us} (a comment)`, true],
    [`1.0 fred, 1.1 p.example.net ,\t2.0 \t${us}`, true],
    [`1.0 fred (one, two), 1.1 ${us}, 1.1 last`, true],
    [`1.1 fred (a \\) b), 1.1 ${us}`, true],
    [`1.1 fred (never closed, 1.1 ${us}`, true],
    ['', false],
    [us, false],
    ['1.1 tollgate', false],
    ['1.1 tollgate-ffffffff', false],
    [`1.1 ${us}0`, false],
    [`1.1 x${us}`, false],
    [`1.1 ${us}:80`, false],
    [`1.1 fred (1.1 ${us})`, false],
    [`1.1 fred (x, 1.1 ${us}, y)`, false],
    [`1.1 fred (nested (deep, 1.1 ${us}), 1.1 ${us})`, false],
    [`1.1 fred ${us}`, false],
  ];
  for (const [value, lists] of table) {
    test(`${lists ? 'lists us' : 'does not list us'}: ${value || 'empty'}`, () => {
      assert.equal(listsHop(value, us), lists);
    });
  }
});
