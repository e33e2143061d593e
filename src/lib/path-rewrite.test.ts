import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkPathRule, compilePathRewrite } from './path-rewrite.ts';

describe('a rewritten path', () => {
  const rows: readonly (readonly [pattern: string, replacement: string, path: string, made: string])[] = [
    ['^/api/users', '/v1/users', '/api/users/7', '/v1/users/7'],
    ['^/api/users', '/v1/users', '/other', '/other'],
    ['^/api', '', '/api/x', '/x'],
    ['^/api', '', '/api', '/'],
    ['^/api/', '', '/api/x', '/x'],
    ['^/(\\w+)/(\\w+)$', '/$2/$1', '/a/b', '/b/a'],
    ['^/(?<kind>\\w+)', '/by/$<kind>', '/a/b', '/by/a/b'],
    ['^.*$', '/all$&', '/a', '/all/a'],
    ['x', '$$', '/axbx', '/a$bx'],
    ['(a)|(b)', '($2)', '/a', '/()'],
    ['(?i)/API', '/v1', '/api/x', '/v1/x'],
  ];
  for (const [pattern, replacement, path, made] of rows) {
    test(`of ${path} by ${pattern} → ${replacement} is ${made}`, () => {
      assert.equal(checkPathRule({ pattern, replacement }), undefined);
      assert.equal(compilePathRewrite([{ pattern, replacement }])(path), made);
    });
  }

  test('is made by the first rule that matches alone', () => {
    const rewrite = compilePathRewrite([
      { pattern: '^/a/b', replacement: '/a/c' },
      { pattern: '^/a', replacement: '/z' },
    ]);
    assert.deepEqual(['/a/b', '/a/x', '/q'].map(rewrite), ['/a/c', '/z/x', '/q']);
  });

  test('takes time in proportion, where other engines need longer than the world has', () => {
    const rewrite = compilePathRewrite([{ pattern: '^/(a+)+$', replacement: '/x' }]);
    assert.equal(rewrite(`/${'a'.repeat(8_000)}!`), `/${'a'.repeat(8_000)}!`);
  });
});

describe('a rule is refused', () => {
  const rows: readonly (readonly [why: string, pattern: string, replacement: string, told: RegExp])[] = [
    ['that does not parse', '(', '', /missing closing/],
    ['with look-ahead', '^/(?=a)', '', /look-around/],
    ['with a back-reference', '(a)\\1', '', /back-references/],
    ['that is large', '(\\w{30}x){20}', '', /repeats too much/],
    ['with a group that is not there', '(a)', '/$2', /group \$2/],
    ['with a name that is not there', '(?<a>a)', '/$<b>', /group \$<b>/],
    ['with a lone dollar', 'a', '/$', /lone \$/],
    ['with a blank', 'a', '/a b', /percent-encode/],
    ['with a query', 'a', '/a?b', /percent-encode/],
    ['with a fragment', 'a', '/a#b', /percent-encode/],
    ['with a line feed', 'a', '/a\r\nx: y', /percent-encode/],
    ['with a broken escape', 'a', '/%zz', /percent-encode/],
  ];
  for (const [why, pattern, replacement, told] of rows) {
    test(why, () => assert.match(checkPathRule({ pattern, replacement }) ?? '', told));
  }
});
