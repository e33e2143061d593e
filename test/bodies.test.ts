// Bodies both ways, and answers that have none.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { headerValue } from '../src/gateway/exchange.ts';
import { valuesOf } from './harness/data-plane.ts';
import { findDeadUrl } from './harness/upstream.ts';
import { KEY, OK, answerOk, head, open, startBefore, startGood, startRaw, yieldTurns } from './data-plane.fixture.ts';

describe('a body', () => {
  const TOTAL_BYTES = 1024 * 1024 * 1024;
  // What the kernel holds between four sockets, generously; far from what a gateway without backpressure would hold.
  const MAX_UNDERWAY_BYTES = 32 * 1024 * 1024;
  const CHUNK = Buffer.alloc(64 * 1024, 'x');

  /** Writes all of it, as fast as the other side lets. */
  function pour(into: NodeJS.WritableStream, onWrite: (bytes: number) => void): void {
    let left = TOTAL_BYTES;
    const pump = (): void => {
      while (left > 0) {
        left -= CHUNK.length;
        onWrite(CHUNK.length);
        if (!into.write(CHUNK)) {
          into.once('drain', pump);
          return;
        }
      }
    };
    pump();
  }

  /** Reads so many bytes, slowly, and tells the most that was under way meanwhile. */
  async function sip(
    from: AsyncIterable<unknown>,
    total: number,
    underway: (received: number) => number,
  ): Promise<number> {
    let received = 0;
    let most = 0;
    for await (const chunk of from) {
      assert.ok(chunk instanceof Uint8Array);
      received += chunk.length;
      await yieldTurns(10);
      most = Math.max(most, underway(received));
      if (received >= total) break;
    }
    return most;
  }

  /** Resolves when all that was written has been taken, or the connection is over: whoever writes is not left hanging. */
  async function isRidOfRest(socket: Socket): Promise<void> {
    if (socket.destroyed) return;
    await Promise.race([once(socket, 'close'), new Promise((resolve) => void socket.write('', resolve))]);
  }

  test('of an answer goes no faster than it is read', async (t) => {
    let sent = 0;
    const upstream = await startGood(t, (_request, response) => {
      response.writeHead(200, { 'content-length': TOTAL_BYTES });
      pour(response, (bytes) => {
        sent += bytes;
      });
    });
    const plane = await startBefore(t, upstream.url);
    const socket = connect(plane.port, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.write(head('GET /open/'));
    const most = await sip(socket, TOTAL_BYTES, (received) => sent - received);
    assert.equal(sent, TOTAL_BYTES);
    assert.ok(most < MAX_UNDERWAY_BYTES, `${most} bytes were under way`);
    socket.destroy();
    assert.equal((await plane.sink.wait(1))[0]?.responseBytes, TOTAL_BYTES);
  });

  test('of a request goes no faster than it is read', async (t) => {
    let sent = 0;
    let most = 0;
    const upstream = await startGood(t, (request, response) => {
      void sip(request, TOTAL_BYTES, (received) => sent - received).then((underway) => {
        most = underway;
        response.end('read');
      });
    });
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(head('POST /open/', `Content-Length: ${TOTAL_BYTES}`));
    pour(wire.socket, (bytes) => {
      sent += bytes;
    });
    assert.equal((await wire.readAnswer()).body.toString(), 'read');
    assert.ok(most > 0 && most < MAX_UNDERWAY_BYTES, `${most} bytes were under way`);
    assert.equal((await plane.sink.wait(1))[0]?.requestBytes, TOTAL_BYTES);
  });

  test('of events arrives event by event', async (t) => {
    const next = Promise.withResolvers<void>();
    const upstream = await startGood(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      void next.promise.then(() => response.end('data: 2\n\n'));
    });
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(head('GET /open/'));
    await wire.readTo('data: 1\n\n');
    next.resolve();
    await wire.readTo('data: 2\n\n');
    await wire.readTo('\r\n0\r\n\r\n');
  });

  test('that is far away does not hold back the head of its answer', async (t) => {
    const upstream = await startRaw(
      t,
      (socket) => void socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'),
    );
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(head('GET /open/'));
    assert.match(await wire.readTo('\r\n\r\n'), /^HTTP\/1\.1 200 /);
  });

  test('goes both ways at once', async (t) => {
    const upstream = await startGood(t, (request, response) => void request.pipe(response));
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(head('POST /open/', 'Transfer-Encoding: chunked'));
    for (const word of ['one', 'two', 'six']) {
      wire.send(`3\r\n${word}\r\n`);
      await wire.readTo(word);
    }
    wire.send('0\r\n\r\n');
    await wire.readTo('\r\n0\r\n\r\n');
  });

  const framings: readonly [what: string, headers: readonly string[], body: string, expected: string][] = [
    ['of a known length', ['Content-Length: 5'], 'hello', 'hello'],
    ['in chunks', ['Transfer-Encoding: chunked'], '3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n', 'hello'],
    [
      'in chunks with extensions and trailers',
      ['Transfer-Encoding: chunked'],
      '5;a=b\r\nhello\r\n0\r\nX-T: 1\r\n\r\n',
      'hello',
    ],
    ['of length 0', ['Content-Length: 0'], '', ''],
    ['in no chunks', ['Transfer-Encoding: chunked'], '0\r\n\r\n', ''],
  ];
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    for (const [what, headers, body, expected] of framings) {
      test(`${what} reaches the upstream with ${method}`, async (t) => {
        const upstream = await startGood(
          t,
          (request, response) => void text(request).then((got) => response.end(`<${got}>`)),
        );
        const plane = await startBefore(t, upstream.url);
        const wire = await open(t, plane);
        wire.send(head(`${method} /open/`, ...headers) + body);
        assert.equal((await wire.readAnswer()).body.toString(), `<${expected}>`);
        wire.send(head('GET /open/'));
        assert.equal((await wire.readAnswer()).body.toString(), '<>', 'the next request begins where this one ended');
        const [record] = await plane.sink.wait(2);
        assert.deepEqual([record?.requestBytes, record?.responseBytes], [expected.length, expected.length + 2]);
      });
    }
  }

  test('is not asked for before the caller is known', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(head('POST /private', 'Expect: 100-continue', 'Content-Length: 5'));
    const answer = await wire.readAnswer();
    assert.equal(answer.status, 401);
    assert.deepEqual(upstream.heads, []);
    assert.equal(headerValue(answer.headers, 'connection'), 'close', 'nobody knows whether the body will come');
    assert.deepEqual(await wire.readRest(), { text: '', end: 'clean' });
  });

  test('is asked for once the caller is known', async (t) => {
    const upstream = await startGood(t, (request, response) => void text(request).then((got) => response.end(got)));
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(head('POST /private', `X-API-Key: ${KEY.text}`, 'Expect: 100-continue', 'Content-Length: 5'));
    assert.equal((await wire.readAnswer()).status, 100);
    wire.send('hello');
    assert.equal((await wire.readAnswer()).body.toString(), 'hello');
  });

  test('that is refused while it is still on its way does not keep the caller from the answer', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(head('POST /private', `Content-Length: ${TOTAL_BYTES}`));
    pour(wire.socket, () => undefined);
    assert.equal((await wire.readAnswer()).status, 401);
    assert.deepEqual(upstream.heads, []);
    await isRidOfRest(wire.socket);
  });

  test('that the upstream does not read to its end does not keep the caller from the answer', async (t) => {
    const upstream = await startRaw(t, (socket) => {
      socket.pause();
      socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno');
    });
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(head('POST /open/', `Content-Length: ${TOTAL_BYTES}`));
    pour(wire.socket, () => undefined);
    const answer = await wire.readAnswer();
    assert.deepEqual([answer.status, answer.body.toString()], [413, 'no']);
    assert.equal((await plane.sink.wait(1))[0]?.errorCode, undefined);
    await isRidOfRest(wire.socket);
  });
});

describe('an answer without a body', () => {
  const answers: readonly [what: string, method: string, answer: string, length: string[]][] = [
    ['to HEAD, with the length that GET would have', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', ['5']],
    ['to HEAD, in chunks', 'HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', []],
    ['to HEAD, of unknown length', 'HEAD', 'HTTP/1.1 200 OK\r\n\r\n', []],
    ['204', 'DELETE', 'HTTP/1.1 204 No Content\r\n\r\n', []],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n', ['5']],
    ['304 without a length', 'GET', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', []],
    ['of length 0', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', ['0']],
  ];
  for (const [what, method, raw, length] of answers) {
    test(`ends where its head ends: ${what}`, async (t) => {
      const upstream = await startRaw(
        t,
        (socket, request) => void socket.write(request.includes('/open/next') ? OK : raw),
      );
      const plane = await startBefore(t, upstream.url);
      const wire = await open(t, plane);
      wire.send(head(`${method} /open/`));
      const answer = await wire.readAnswer(method);
      assert.equal(answer.status, Number(raw.slice(9, 12)));
      assert.deepEqual(valuesOf(answer.headers, 'content-length'), length);
      wire.send(head('GET /open/next'));
      assert.equal((await wire.readAnswer()).body.toString(), 'ok');
      assert.equal((await plane.sink.wait(2))[0]?.responseBytes, 0);
    });
  }

  test('is what HEAD gets of our own answers, too', async (t) => {
    const plane = await startBefore(t, await findDeadUrl());
    const wire = await open(t, plane);
    wire.send(head('HEAD /private') + head('GET /open/../'));
    assert.equal((await wire.readAnswer('HEAD')).status, 401);
    assert.equal((await wire.readAnswer()).status, 400);
  });
});
