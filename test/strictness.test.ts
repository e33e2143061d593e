// Messages that are not strictly HTTP, on real sockets.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { valuesOf } from './harness/data-plane.ts';
import { findDeadUrl } from './harness/upstream.ts';
import { OK, answerOk, head, open, startBefore, startRaw, yieldTurns } from './data-plane.fixture.ts';

describe('a message that is not strictly HTTP', { concurrency: 8 }, () => {
  const malformed: readonly [what: string, request: string][] = [
    ['another protocol', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
    ['nonsense', 'NONSENSE\r\n\r\n'],
    ['no version', 'GET /open/\r\nHost: h\r\n\r\n'],
    ['another version', 'GET /open/ HTTP/2.0\r\nHost: h\r\n\r\n'],
    ['a malformed version', 'GET /open/ HTTP/1.x\r\nHost: h\r\n\r\n'],
    ['a method in small letters', 'get /open/ HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['a space in the target', 'GET /open/ x HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['a NUL in the target', 'GET /open/\0 HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['bytes beyond ASCII in the target', 'GET /open/\xfc HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['no Host', 'GET /open/ HTTP/1.1\r\n\r\n'],
    ['two Hosts', 'GET /open/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    ['a tunnel', 'CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n'],
    ['bare line feeds', 'GET /open/ HTTP/1.1\nHost: h\n\n'],
    ['a bare carriage return', 'GET /open/ HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n'],
    ['a folded header', 'GET /open/ HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n'],
    ['a space before the colon', 'GET /open/ HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n'],
    ['a header without a name', 'GET /open/ HTTP/1.1\r\nHost: h\r\n: a\r\n\r\n'],
    ['a header without a colon', 'GET /open/ HTTP/1.1\r\nHost: h\r\nX\r\n\r\n'],
    ['a NUL in a header', 'GET /open/ HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n'],
    ['a control character in a header', 'GET /open/ HTTP/1.1\r\nHost: h\r\nX: a\x01b\r\n\r\n'],
    // Requests that two readers would end at two places.
    [
      'a length and chunks',
      'POST /open/ HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'chunks and a length',
      'POST /open/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n',
    ],
    ['two lengths', 'POST /open/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
    ['two lengths in a list', 'POST /open/ HTTP/1.1\r\nHost: h\r\nContent-Length: 2, 3\r\n\r\nabc'],
    ['a length with a sign', 'POST /open/ HTTP/1.1\r\nHost: h\r\nContent-Length: +2\r\n\r\nab'],
    ['a negative length', 'POST /open/ HTTP/1.1\r\nHost: h\r\nContent-Length: -2\r\n\r\nab'],
    ['a length in another base', 'POST /open/ HTTP/1.1\r\nHost: h\r\nContent-Length: 0x2\r\n\r\nab'],
    ['a length beyond all numbers', `POST /open/ HTTP/1.1\r\nHost: h\r\nContent-Length: ${'9'.repeat(30)}\r\n\r\nab`],
    ['a coding that is none', 'POST /open/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    [
      'a coding that is not undone',
      'POST /open/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'chunks that are not the last coding',
      'POST /open/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n',
    ],
    [
      'chunks twice',
      'POST /open/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['chunks before HTTP/1.1', 'POST /open/ HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    // Limits.
    ['a head without end', `GET /open/ HTTP/1.1\r\nHost: h\r\nX: ${'a'.repeat(40_000)}`],
    ['a target without end', `GET /open/${'a'.repeat(40_000)}`],
  ];
  for (const [what, request] of malformed) {
    test(`is answered, the connection closed, and recorded: ${what}`, async (t) => {
      const upstream = await startRaw(t, answerOk);
      const plane = await startBefore(t, upstream.url);
      const wire = await open(t, plane);
      wire.send(request);
      const answer = await wire.readAnswer();
      assert.ok(answer.status >= 400 && answer.status < 600, `answered ${answer.status}`);
      assert.deepEqual(
        valuesOf(answer.headers, 'connection').map((value) => value.toLowerCase()),
        ['close'],
      );
      assert.deepEqual(valuesOf(answer.headers, 'content-type'), ['application/problem+json']);
      assert.equal((await wire.readRest()).text, '', 'nothing follows');
      const [record] = await plane.sink.wait(1);
      await yieldTurns(20);
      assert.equal(plane.sink.records.length, 1);
      assert.equal(record?.status, answer.status);
      assert.deepEqual(valuesOf(answer.headers, 'x-request-id'), [record?.requestId]);
      assert.deepEqual(upstream.heads, []);
    });
  }

  for (const method of ['TRACE', 'CONNECT']) {
    test(`is told the methods that there are, as every 405 must tell (RFC 9110 §15.5.6): ${method}`, async (t) => {
      const upstream = await startRaw(t, answerOk);
      const plane = await startBefore(t, upstream.url);
      const wire = await open(t, plane);
      wire.send(`${method} h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n`);
      const answer = await wire.readAnswer();
      assert.equal(answer.status, 405);
      assert.deepEqual(valuesOf(answer.headers, 'allow'), ['GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']);
    });
  }

  const bodies: readonly [what: string, body: string][] = [
    ['a chunk of no size', 'zz\r\nab\r\n0\r\n\r\n'],
    ['a chunk longer than it says', '2\r\nabc\r\n0\r\n\r\n'],
    ['a chunk of a size beyond all numbers', `${'f'.repeat(30)}\r\nab`],
    ['a chunk of a negative size', '-2\r\nab\r\n0\r\n\r\n'],
    ['bare line feeds between chunks', '2\nab\n0\n\n'],
  ];
  for (const [what, body] of bodies) {
    test(`in its body ends the connection, the upstream's work too, with one record: ${what}`, async (t) => {
      const upstream = await startRaw(t, () => undefined);
      const plane = await startBefore(t, upstream.url);
      const wire = await open(t, plane);
      wire.send(head('POST /open/', 'Transfer-Encoding: chunked') + body);
      await wire.readRest();
      const [record] = await plane.sink.wait(1);
      await yieldTurns(20);
      assert.equal(plane.sink.records.length, 1);
      assert.ok((record?.status ?? 0) >= 400, `recorded ${record?.status}`);
    });
  }

  test('never gets its answer into the answer that is under way', async (t) => {
    const upstream = await startRaw(
      t,
      (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\nhalf'),
    );
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(`${head('POST /open/', 'Transfer-Encoding: chunked')}2\r\nab\r\n`);
    await wire.readTo('half');
    wire.send('zz\r\n');
    assert.equal((await wire.readRest()).text, '');
    await plane.sink.wait(1);
    assert.equal(plane.sink.records.length, 1);
  });

  test('never gets its answer in the place of the answer to the request before it', async (t) => {
    const reached = Promise.withResolvers<Socket>();
    const upstream = await startRaw(t, reached.resolve);
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(head('GET /open/'));
    const socket = await reached.promise;
    wire.send('NONSENSE\r\n\r\n');
    await yieldTurns(20);
    socket.write(OK);
    const { text: rest } = await wire.readRest();
    assert.ok(rest === '' || rest.startsWith('HTTP/1.1 200 '), rest);
  });

  test('is not waited for by a drain, however long its sender stays', async (t) => {
    const plane = await startBefore(t, await findDeadUrl());
    const wire = await open(t, plane); // Keeps its half open.
    wire.send('NONSENSE\r\n\r\n');
    await wire.readAnswer();
    await plane.listener.drain();
  });
});
