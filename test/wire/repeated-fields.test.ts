// A field section that repeats on a connection is compared in place of being read, and so is a whole head: nothing else may ever be taken for
// either.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type RequestHead, RequestHeads } from '../../src/gateway/wire/request-head.ts';
import type { WireFault } from '../../src/gateway/wire/fault.ts';

const LIMITS = { headBytes: 4096, fields: 50, targetBytes: 1024 };

/** Reads the heads one after the other, as one connection would: each whole, or in two parts. */
function read(heads: readonly string[], limits = LIMITS, split = 0): (RequestHead | WireFault | undefined)[] {
  const reader = new RequestHeads(limits);
  const results: (RequestHead | WireFault | undefined)[] = [];
  for (const head of heads) {
    // Somewhere in a longer buffer, with what comes next behind it.
    const bytes = Buffer.from(`..${head}GET / HTTP/1.1\r\n`, 'latin1');
    const ends = split > 0 ? [2 + Math.min(split, head.length), bytes.length] : [bytes.length];
    let result: RequestHead | WireFault | undefined;
    for (const end of ends) {
      result = reader.read(bytes, 2, end);
      if (result !== undefined) break;
    }
    results.push(result);
    if (result === undefined || 'reason' in result) break; // Nothing comes after a fault.
    assert.equal(reader.length, head.length);
  }
  return results;
}

/** What each of them is on a connection of its own, up to the first that is refused. */
function readAlone(heads: readonly string[], limits = LIMITS): (RequestHead | WireFault | undefined)[] {
  const results = heads.map((head) => read([head], limits)[0]);
  const refused = results.findIndex((result) => result === undefined || 'reason' in result);
  return refused < 0 ? results : results.slice(0, refused + 1);
}

const plain = (heads: readonly (RequestHead | WireFault | undefined)[]): unknown[] =>
  heads.map((head) => (head === undefined || 'reason' in head ? head : { ...head, fields: head.fields.list() }));

const FIELDS = 'Host: a.test\r\nX-A: b\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n';
const NEIGHBOURS: readonly string[] = [
  FIELDS,
  FIELDS.replace('b', 'c'),
  FIELDS.replace('X-A', 'X-B'),
  FIELDS.replace('3', '4'),
  FIELDS.replace('a.test', 'b.test'),
  FIELDS.replace('keep-alive', 'close     '),
  FIELDS.replace('X-A: b\r\n', ''),
  FIELDS.replace('\r\n\r\n', '\r\nX-C: d\r\n\r\n'),
  FIELDS.replace('b', 'b '),
  FIELDS.replace('X-A: b', 'Host: b'),
  FIELDS.replace('b', '\0'),
  FIELDS.replace('Content-Length: 3', 'Transfer-Encoding: chunked'),
  '\r\n',
];
const LINES = [
  'GET / HTTP/1.1\r\n',
  'POST /b?c HTTP/1.1\r\n',
  'POST /b?d HTTP/1.1\r\n',
  '\r\nPOST /b?c HTTP/1.1\r\n',
  'GET /a HTTP/1.0\r\n',
  'GET http://a.test/x HTTP/1.1\r\n',
];

describe('a field section after another', () => {
  for (const first of LINES) {
    test(`means what it means alone, after ${first.trim()}`, () => {
      for (const before of NEIGHBOURS) {
        for (const line of LINES) {
          for (const after of NEIGHBOURS) {
            const heads = [first + before, first + before, line + after, line + after];
            assert.deepEqual(plain(read(heads)), plain(readAlone(heads)));
          }
        }
      }
    });
  }

  test('is the same object as long as it repeats', () => {
    const [first, second, third] = read([LINES[0] + FIELDS, LINES[1] + FIELDS, LINES[0] + FIELDS.replace('b', 'c')]);
    assert.ok(first !== undefined && 'fields' in first && second !== undefined && 'fields' in second);
    assert.equal(first.fields, second.fields);
    assert.ok(third !== undefined && 'fields' in third && third.fields !== first.fields);
  });

  test('is a whole head that is the same object as long as it repeats', () => {
    const [first, second, third, fourth] = read(
      ['/a', '/a', '/b', '/a'].map((target) => `GET ${target} HTTP/1.1\r\n${FIELDS}`),
    );
    assert.equal(second, first);
    assert.notEqual(third, second);
    assert.notEqual(fourth, third);
    assert.deepEqual(fourth, first);
  });

  test('is known wherever the head was cut on its way', () => {
    const heads = [LINES[0] + FIELDS, LINES[0] + FIELDS];
    const whole = plain(read(heads));
    for (let split = 1; split < (heads[0]?.length ?? 0); split++)
      assert.deepEqual(plain(read(heads, LIMITS, split)), whole);
  });

  test('counts against the limit of the head', () => {
    const short = `GET / HTTP/1.1\r\n${FIELDS}`;
    const long = `GET /${'a'.repeat(60)} HTTP/1.1\r\n${FIELDS}`;
    const limits = { ...LIMITS, headBytes: short.length };
    const [, second] = read([short, long], limits);
    assert.deepEqual(second, readAlone([long], limits)[0]);
    assert.equal(second !== undefined && 'status' in second && second.status, 431);
  });

  test('is remembered up to a bound only', () => {
    const heads = [1, 2].map((i) => `GET /${i} HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(2500)}\r\n\r\n`);
    const [first, second] = read(heads);
    assert.ok(first !== undefined && 'fields' in first && second !== undefined && 'fields' in second);
    assert.notEqual(first.fields, second.fields);
    assert.deepEqual(first.fields.list(), second.fields.list());
  });
});
