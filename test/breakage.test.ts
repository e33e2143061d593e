// Upstreams that misbehave, and callers who go away.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { ask, type DataPlane, openWire, valuesOf } from './harness/data-plane.ts';
import { findDeadUrl } from './harness/upstream.ts';
import { KEY, OK, answerOk, head, open, startBefore, startRaw, yieldTurns } from './data-plane.fixture.ts';

const SHORT_TIMEOUT_MS = 100;

describe('an upstream', { concurrency: 8 }, () => {
  test('that answers in interim steps first gives the final answer', async (t) => {
    const upstream = await startRaw(
      t,
      (socket) => void socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`),
    );
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(head('GET /open/'));
    let answer = await wire.readAnswer();
    while (answer.status < 200) answer = await wire.readAnswer();
    assert.deepEqual([answer.status, answer.body.toString()], [200, 'ok']);
  });

  test('that ends its answer by closing gives the whole of it', async (t) => {
    const upstream = await startRaw(t, (socket) => void socket.end('HTTP/1.0 200 OK\r\n\r\nall of it'));
    const plane = await startBefore(t, upstream.url);
    assert.equal((await ask(plane.port, head('GET /open/'))).body.toString(), 'all of it');
    assert.equal((await plane.sink.wait(1))[0]?.errorCode, undefined);
  });

  test('that nobody listens at is 502 upstream_unreachable, in the answer, the record and the log', async (t) => {
    const plane = await startBefore(t, await findDeadUrl());
    await assertFailed(plane, { status: 502, code: 'upstream_unreachable', proxyError: 'connection_refused' });
  });

  interface Failing {
    readonly what: string;
    readonly answer: (socket: Socket) => void;
    readonly status: number;
    readonly code: string;
    readonly proxyError: string;
  }
  const garbage = (what: string, bytes: string): Failing => ({
    what,
    answer: (socket) => void socket.write(bytes, 'latin1'),
    status: 502,
    code: 'upstream_invalid',
    proxyError: 'http_protocol_error',
  });
  const failing: readonly Failing[] = [
    {
      what: 'closes without an answer',
      answer: (socket) => void socket.end(),
      status: 502,
      code: 'upstream_unreachable',
      proxyError: 'connection_terminated',
    },
    {
      what: 'breaks the connection instead of an answer',
      answer: (socket) => void socket.resetAndDestroy(),
      status: 502,
      code: 'upstream_unreachable',
      proxyError: 'connection_terminated',
    },
    {
      what: 'says nothing',
      answer: () => undefined,
      status: 504,
      code: 'upstream_timeout',
      proxyError: 'http_response_timeout',
    },
    {
      what: 'stops in the middle of its head',
      answer: (socket) => void socket.write('HTTP/1.1 200 OK\r\nX-A'),
      status: 504,
      code: 'upstream_timeout',
      proxyError: 'http_response_timeout',
    },
    garbage('speaks another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'),
    garbage('has a space in the name of a header', 'HTTP/1.1 200 OK\r\nx a: b\r\ncontent-length: 2\r\n\r\nok'),
    garbage('has a NUL in a header', 'HTTP/1.1 200 OK\r\nx-a: b\0c\r\ncontent-length: 2\r\n\r\nok'),
    garbage('has a control character in a header', 'HTTP/1.1 200 OK\r\nx-a: b\x7fc\r\ncontent-length: 2\r\n\r\nok'),
    garbage('has a bare CR in a header', 'HTTP/1.1 200 OK\r\nx-a: b\rc: d\r\ncontent-length: 2\r\n\r\nok'),
    garbage('has two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok'),
    garbage('has a length that is no number', 'HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\nok'),
    garbage('has a head without end', `HTTP/1.1 200 OK\r\nx-a: ${'a'.repeat(100_000)}\r\n\r\n`),
  ];

  async function assertFailed(
    plane: DataPlane,
    expected: Pick<Failing, 'status' | 'code' | 'proxyError'>,
  ): Promise<void> {
    const wire = await openWire(plane.port);
    wire.send(head('GET /open/'));
    const answer = await wire.readAnswer();
    wire.socket.destroy();
    assert.equal(answer.status, expected.status);
    assert.deepEqual(valuesOf(answer.headers, 'proxy-status'), [`tollgate; error=${expected.proxyError}`]);
    const [record] = await plane.sink.wait(1);
    assert.deepEqual(
      [record?.status, record?.errorCode, record?.upstreamMs],
      [expected.status, expected.code, undefined],
    );
    assert.deepEqual(
      plane.failures.map((failure) => [failure.code, failure.proxyError]),
      [[expected.code, expected.proxyError]],
    );
    assert.deepEqual(plane.defects, []);
  }

  for (const { what, answer, ...expected } of failing) {
    test(`that ${what} is ${expected.status} ${expected.code}, in the answer, the record and the log`, async (t) => {
      const upstream = await startRaw(t, answer);
      await assertFailed(await startBefore(t, upstream.url, { timeoutMs: SHORT_TIMEOUT_MS }), expected);
    });
  }

  test('that failed is asked again by the next request', async (t) => {
    let asked = 0;
    const upstream = await startRaw(t, (socket) => void (asked++ === 0 ? socket.resetAndDestroy() : socket.write(OK)));
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(head('GET /open/'));
    assert.equal((await wire.readAnswer()).status, 502);
    wire.send(head('GET /open/'));
    assert.equal((await wire.readAnswer()).status, 200);
  });

  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n';
  const sized = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf';
  const dying: readonly [what: string, start: string, die: (socket: Socket) => void][] = [
    ['closes before the length that it told', sized, (socket) => void socket.end()],
    ['breaks the connection before the length that it told', sized, (socket) => void socket.resetAndDestroy()],
    ['closes between two chunks', chunked, (socket) => void socket.end()],
    ['closes within a chunk', chunked, (socket) => void socket.end('9\r\nabc')],
    ['closes before the end of the last chunk', chunked, (socket) => void socket.end('0\r\n')],
    ['breaks the connection between two chunks', chunked, (socket) => void socket.resetAndDestroy()],
    ['has a chunk of no size', chunked, (socket) => void socket.write('zz\r\nabc\r\n')],
    ['falls silent in its body', sized, () => undefined],
    ['falls silent between two chunks', chunked, () => undefined],
  ];
  for (const [what, start, die] of dying) {
    test(`that ${what} leaves a broken answer, never a complete one, and the record says so`, async (t) => {
      const sockets: Socket[] = [];
      const upstream = await startRaw(t, (socket) => {
        socket.write(start);
        sockets.push(socket);
      });
      const plane = await startBefore(t, upstream.url, { timeoutMs: SHORT_TIMEOUT_MS * 3 });
      const wire = await open(t, plane);
      wire.send(head('GET /open/'));
      const started = await wire.readTo('half');
      for (const socket of sockets) die(socket);
      const { text: rest } = await wire.readRest();
      assert.match(started, /^HTTP\/1\.1 200 /);
      assert.match(started, /^(content-length: 10|transfer-encoding: chunked)\r$/im);
      assert.doesNotMatch(rest, /0\r\n\r\n$/);
      const [record, ...others] = await plane.sink.wait(1);
      assert.deepEqual([record?.status, record?.errorCode, others.length], [200, 'upstream_broken_off', 0]);
      assert.deepEqual(plane.defects, []);
    });
  }
});

describe('a caller who goes away', () => {
  const leaves: readonly [how: string, leave: (socket: Socket) => void][] = [
    ['closing', (socket) => void socket.destroy()],
    ['breaking the connection', (socket) => void socket.resetAndDestroy()],
  ];
  const moments: readonly [when: string, request: string, answer: string | undefined, mark: string | undefined][] = [
    ['before the answer', head('GET /open/'), undefined, undefined],
    ['in the middle of the answer', head('GET /open/'), 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', 'half'],
    ['in the middle of the request', `${head('POST /open/', 'Content-Length: 10')}half`, undefined, undefined],
    [
      'between two chunks of the request',
      `${head('POST /open/', 'Transfer-Encoding: chunked')}4\r\nhalf\r\n`,
      undefined,
      undefined,
    ],
  ];
  for (const [how, leave] of leaves) {
    for (const [when, request, answer, mark] of moments) {
      test(`${when}, ${how}, ends the upstream's work and leaves one record, 499`, async (t) => {
        const reached = Promise.withResolvers<Socket>();
        const upstream = await startRaw(t, (socket) => {
          if (answer !== undefined) socket.write(answer);
          reached.resolve(socket);
        });
        const plane = await startBefore(t, upstream.url);
        const wire = await open(t, plane);
        wire.send(request);
        const socket = await reached.promise;
        if (mark !== undefined) await wire.readTo(mark);
        leave(wire.socket);
        if (!socket.destroyed) await once(socket, 'close');
        await plane.sink.wait(1);
        await yieldTurns(20);
        assert.deepEqual(
          plane.sink.records.map((record) => [record.status, record.errorCode]),
          [[499, undefined]],
        );
        assert.deepEqual(plane.failures, []);
        assert.deepEqual(plane.defects, []);
      });
    }
  }

  test('while the key is looked up never has the upstream asked', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const asked = Promise.withResolvers<void>();
    const found = Promise.withResolvers<undefined>();
    const find = (): Promise<undefined> => {
      asked.resolve();
      return found.promise;
    };
    const plane = await startBefore(t, upstream.url, { deps: { credentials: { recall: () => undefined, find } } });
    const wire = await open(t, plane);
    wire.send(head('GET /private', `X-API-Key: ${KEY.text}`));
    await asked.promise;
    wire.socket.resetAndDestroy();
    const [record] = await plane.sink.wait(1);
    found.resolve(undefined);
    await yieldTurns(20);
    assert.equal(record?.status, 499);
    assert.deepEqual(upstream.heads, []);
    assert.equal(plane.sink.records.length, 1);
  });
});
