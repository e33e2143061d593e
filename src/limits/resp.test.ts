// Bytes of the protocol, in every piece they may come in, and bytes that are none.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeCommand, RespReader } from './resp.ts';

type Reply = string | Buffer | null | Error;

function readAll(...chunks: readonly (string | Buffer)[]): Reply[] {
  const replies: Reply[] = [];
  const reader = new RespReader((reply) => replies.push(reply));
  for (const chunk of chunks) reader.read(Buffer.from(chunk));
  return replies;
}

describe('the protocol of Redis', () => {
  it('carries commands of text and bytes, with their sizes in bytes', () => {
    const out: Buffer[] = [];
    encodeCommand(['SET', 'schlüssel', Buffer.from([0, 255, 13, 10]), ''], out);
    const [head, tail] = ['*4\r\n$3\r\nSET\r\n$10\r\nschlüssel\r\n$4\r\n', '\r\n$0\r\n\r\n'];
    const expected = Buffer.concat([Buffer.from(head), Buffer.from([0, 255, 13, 10]), Buffer.from(tail)]);
    assert.deepEqual(Buffer.concat(out), expected);
  });

  it('reads lines, errors and texts, wherever the pieces end', () => {
    const bytes = Buffer.concat([
      Buffer.from('+OK\r\n-NOSCRIPT none\r\n$-1\r\n$0\r\n\r\n$6\r\n'),
      Buffer.from([1, 13, 10, 255, 0, 36]),
      Buffer.from('\r\n+PONG\r\n'),
    ]);
    const expected = [
      'OK',
      new Error('NOSCRIPT none'),
      null,
      Buffer.alloc(0),
      Buffer.from([1, 13, 10, 255, 0, 36]),
      'PONG',
    ];
    for (let cut = 0; cut <= bytes.length; cut++)
      assert.deepEqual(readAll(bytes.subarray(0, cut), bytes.subarray(cut)), expected, `cut at ${cut}`);
    assert.deepEqual(readAll(...Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))), expected, 'byte by byte');
  });

  it('refuses what calls of limits never ask for, and what is malformed', () => {
    const bad = [
      ':1\r\n',
      '*1\r\n+OK\r\n',
      '%1\r\n',
      'HTTP/1.1 400 Bad Request\r\n',
      '\r\n',
      '+OK\rX',
      '$x\r\n',
      '$-2\r\n',
      '$+3\r\nabc\r\n',
      '$ 3\r\nabc\r\n',
      '$1e3\r\n',
      '$\r\n\r\n',
      '$3\r\nabcde',
      '$3\r\nabc\rX',
      '$99999999\r\n',
      '$65537\r\n',
    ];
    for (const text of bad) assert.throws(() => readAll(text), /Redis/, JSON.stringify(text));
  });

  it('has an end to what it keeps of an answer that does not end', () => {
    assert.throws(() => readAll(`+${'x'.repeat(5000)}`), /too long/);
    const reader = new RespReader(() => assert.fail('it has no end'));
    reader.read(Buffer.from('$65536\r\n'));
    assert.throws(() => {
      for (let i = 0; i < 80; i++) reader.read(Buffer.alloc(1024));
    }, /Redis/);
  });
});
