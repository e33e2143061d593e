import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toCsvLine } from './csv.ts';

test('quotes what needs it, as RFC 4180 says, and ends with CRLF', () => {
  assert.equal(
    toCsvLine(['a', 'b,c', 'say "hi"', 'two\nlines', '', undefined, 5, -1.5]),
    'a,"b,c","say ""hi""","two\nlines",,,5,-1.5\r\n',
  );
});

test('gives no spreadsheet a formula', () => {
  const formulas = [
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    ' =1',
    '\uFF1D1',
    '\n',
    "=cmd|' /C calc'!A0",
    '\uFEFF=1',
  ];
  for (const formula of formulas) {
    const cell = toCsvLine([formula]).replace(/^"/, '');
    assert.ok(cell.startsWith("'"), JSON.stringify(formula));
  }
  for (const text of ['a=1', '{"a":-1}', "'", '2026-01-01', 'ada@example.com']) {
    assert.doesNotMatch(toCsvLine([text]), /^"?'(?=.)(?!\r)/, text);
  }
});
