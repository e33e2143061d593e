// An answer whose head repeats on a connection is not understood anew: nothing else may ever be taken for it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ResponseHeads } from '../../src/gateway/wire/response-head.ts';

const LIMITS = { headBytes: 4096, fields: 50 };

interface Asked {
  readonly method: string;
  readonly head: string;
}

/** What the last of the answers to these requests on one connection is understood as, each given whole or in two parts. */
function readLast(all: readonly Asked[], split = 0): unknown {
  const heads = new ResponseHeads(LIMITS);
  let read: ReturnType<ResponseHeads['read']>;
  for (const { method, head } of all) {
    const bytes = Buffer.from(`..${head}and its body`, 'latin1');
    read = split > 0 ? heads.read(bytes, 2, 2 + Math.min(split, head.length - 1), method) : undefined;
    read ??= heads.read(bytes, 2, bytes.length, method);
    if (read === undefined || 'reason' in read) return read;
    assert.equal(heads.length, head.length);
  }
  return read === undefined || 'reason' in read ? read : { ...read, fields: read.fields.list() };
}

const LINES = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200',
  'HTTP/1.1 204 OK',
  'HTTP/1.1 304 OK',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 103 OK',
];
const FIELDS = [
  'X-A: b\r\nContent-Length: 3\r\n\r\n',
  'X-A: b\r\nContent-Length: 4\r\n\r\n',
  'X-A: b\r\nConnection: close\r\n\r\n',
  'X-A: b\r\nConnection: clone\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n',
  'Transfer-Encoding: chunker\r\n\r\n',
  '\r\n',
];
const ANSWERS = ['GET', 'HEAD'].flatMap((method) =>
  LINES.flatMap((line) => FIELDS.map((fields) => ({ method, head: `${line}\r\n${fields}` }))),
);
const refused = ANSWERS.filter((answer) => readLast([answer]) === undefined || 'reason' in Object(readLast([answer])));
const sound = ANSWERS.filter((answer) => !refused.includes(answer));

describe('an answer after another', () => {
  test('means what it means alone, whatever came before, once and again', () => {
    assert.ok(sound.length > 50 && refused.length > 10);
    for (const before of sound) {
      for (const after of ANSWERS) {
        const alone = readLast([after]);
        assert.deepEqual(readLast([before, before, after]), alone);
        assert.deepEqual(readLast([before, before, before, after]), alone);
      }
    }
  });

  test('means the same when it comes in two parts', () => {
    for (const answer of ANSWERS) {
      for (let split = 1; split < answer.head.length; split++)
        assert.deepEqual(readLast([answer, answer, answer], split), readLast([answer]));
    }
  });

  test('is the same object while it repeats', () => {
    const heads = new ResponseHeads(LIMITS);
    const bytes = Buffer.from('HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\r\n', 'latin1');
    const read = Array.from({ length: 4 }, () => heads.read(bytes, 0, bytes.length, 'GET'));
    assert.equal(read[3], read[2]);
    assert.notEqual(heads.read(bytes, 0, bytes.length, 'HEAD'), read[3]);
  });
});
