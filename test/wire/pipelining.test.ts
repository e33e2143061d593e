// Several messages on one connection, however they are cut (RFC 9112 §9.3.2): none takes an octet of another.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FAULTS } from '../../src/gateway/wire/fault.ts';
import { readEveryWay } from './cuts.ts';
import { readRequests, readResponses } from './read-messages.ts';
import { message } from './rows.ts';

const PLAIN = message(['GET /plain HTTP/1.1', 'Host: a']);
const LENGTH = message(['POST /length HTTP/1.1', 'Host: b', 'Content-Length: 18'], 'GET /x HTTP/1.1\r\n\r');
const CHUNKED = message(
  ['PUT /chunked HTTP/1.1', 'Host: c', 'Transfer-Encoding: chunked'],
  '5;a="\\""\r\n0\r\n\r\n\r\n2\r\nyz\r\n0\r\nT: u\r\n\r\n',
);
const PARTS = [
  { raw: PLAIN, target: '/plain', body: '', trailers: [] },
  { raw: LENGTH, target: '/length', body: 'GET /x HTTP/1.1\r\n\r', trailers: [] },
  { raw: CHUNKED, target: '/chunked', body: '0\r\n\r\nyz', trailers: ['T', 'u'] },
  { raw: `\r\n${PLAIN}`, target: '/plain', body: '', trailers: [] },
];

describe('requests in one read come out one by one', () => {
  const sequences = PARTS.flatMap((a) => PARTS.flatMap((b) => [[a, b], ...PARTS.map((c) => [a, b, c])]));
  test('RFC 9112 §9.3.2: every two and three of a plain one, a length, chunks, an empty line before', () => {
    for (const sequence of sequences) {
      const raw = sequence.map((part) => part.raw).join('');
      const { end, messages, consumed } = readEveryWay(raw, readRequests);
      assert.deepEqual(end, { is: 'idle' });
      assert.equal(consumed, raw.length);
      const found = messages.map(({ head, body, trailers }) => [head.target, body, trailers]);
      assert.deepEqual(
        found,
        sequence.map((part) => [part.target, part.body, part.trailers]),
      );
    }
  });

  test('RFC 9112 §9.6: nothing is read after a request that ends the connection', () => {
    const last = message(['GET /last HTTP/1.1', 'Host: a', 'Connection: close']);
    const { end, messages, consumed } = readEveryWay(PLAIN + last + PLAIN, readRequests);
    assert.deepEqual(end, { is: 'over' });
    assert.equal(messages.length, 2);
    assert.equal(consumed, PLAIN.length + last.length);
  });

  test('a malformed request is refused after those before it were read', () => {
    for (const part of PARTS) {
      const { end, messages, consumed } = readEveryWay(`${part.raw}GET / HTTP/1.1\n`, readRequests);
      assert.deepEqual(end, { is: 'refused', fault: FAULTS.startLine });
      assert.equal(messages.length, 1);
      assert.equal(consumed, part.raw.length);
    }
  });

  test('RFC 9112 §2.2: two empty lines between two requests are refused', () => {
    const { end, messages } = readEveryWay(`${PLAIN}\r\n\r\n${PLAIN}`, readRequests);
    assert.deepEqual(end, { is: 'refused', fault: FAULTS.startLine });
    assert.equal(messages.length, 1);
  });

  test('a head that is not over waits, and what was read stays read', () => {
    for (const part of PARTS) {
      const { end, messages, consumed } = readEveryWay(part.raw + PLAIN.slice(0, -1), readRequests);
      assert.deepEqual(end, { is: 'waiting', forMore: 'head' });
      assert.equal(messages.length, 1);
      assert.equal(consumed, part.raw.length);
    }
  });
});

describe('answers in one read come out one by one', () => {
  test('RFC 9112 §9.3: interim answers, a length, chunks, 204, and one until the end', () => {
    const raw =
      message(['HTTP/1.1 103 Early Hints', 'Link: a']) +
      message(['HTTP/1.1 100']) +
      message(['HTTP/1.1 200 OK', 'Content-Length: 12'], 'HTTP/1.1 200') +
      message(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'], '2\r\n\r\n\r\n0\r\n\r\n') +
      message(['HTTP/1.1 204 x']) +
      message(['HTTP/1.1 200 OK'], 'HTTP/1.1 204 x\r\n\r\n');
    const { end, messages, partial, consumed } = readEveryWay(raw, (pieces) => readResponses(pieces, 'GET'));
    assert.deepEqual(end, { is: 'waiting', forMore: 'body' });
    const found = messages.map(({ head, body }) => [head.status, body]);
    assert.deepEqual(found, [
      [103, ''],
      [100, ''],
      [200, 'HTTP/1.1 200'],
      [200, '\r\n'],
      [204, ''],
    ]);
    assert.equal(partial?.body, 'HTTP/1.1 204 x\r\n\r\n');
    assert.equal(consumed, raw.length);
  });
});
