// Requests and bodies over HTTP/2.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { bodyLimit } from '../src/policies/body-limit.ts';
import { createEndpoint, createGateway, type DataPlaneOptions, valuesOf } from './harness/data-plane.ts';
import { FRAME } from './harness/http2-wire.ts';
import {
  CERTIFICATE,
  KEY,
  answerOk,
  ask,
  openSession,
  openWire,
  readAnswer,
  startBefore,
  startGood,
  startRaw,
  statusesOf,
  toFields,
  yieldTurns,
} from './http2.fixture.ts';

/** The headers of a request's head as the upstream got them, flat. */
function headersOf(sent: string | undefined): string[] {
  const lines = (sent ?? '').split('\r\n').slice(1);
  return lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
}

describe('a request over HTTP/2', () => {
  const targets = ['/a?a=%2F&b=+&c=%C3%BC&&=x', '/%7Euser/%7e/a%2Fb?', '//a//?x=/../y', '/?a=%zz&b=%', '/[]{}|^`'];
  for (const target of targets) {
    test(`reaches the upstream with its path and query byte for byte: ${target}`, async (t) => {
      const upstream = await startRaw(t, answerOk);
      const plane = await startBefore(t, upstream.url);
      const wire = await openWire(t, plane);
      wire.sendHeaders(1, toFields('GET', target));
      assert.equal(await wire.readOutcome(1), 200);
      assert.equal(upstream.heads[0]?.split('\r\n')[0], `GET ${target} HTTP/1.1`);
    });
  }

  test('keeps its fields apart and in order, and the answer its own', async (t) => {
    const upstream = await startRaw(t, (socket) => {
      const headers = ['Set-Cookie: a=1', 'X-One: 1', 'set-cookie: b=2, c', 'X-One: 2', 'X-High: \xe9\xff'];
      socket.write(`HTTP/1.1 200 OK\r\n${headers.join('\r\n')}\r\nContent-Length: 2\r\n\r\nok`, 'latin1');
    });
    const plane = await startBefore(t, upstream.url);
    const answer = await ask(await openSession(t, plane), '/', 'x-two', '1', 'x-high', '\xe9\xff', 'x-two', '2');
    assert.equal(answer.body.toString(), 'ok');
    assert.deepEqual(
      headersOf(upstream.heads[0]).filter((part, i, all) => /^x-(two|high)$/.test((i % 2 ? all[i - 1] : part) ?? '')),
      ['x-two', '1', 'x-high', '\xe9\xff', 'x-two', '2'],
    );
    assert.deepEqual(valuesOf(answer.headers, 'set-cookie'), ['a=1', 'b=2, c']);
    assert.deepEqual(valuesOf(answer.headers, 'x-one'), ['1', '2']);
    assert.deepEqual(valuesOf(answer.headers, 'x-high'), ['\xe9\xff']);
  });

  test('tells the upstream who was meant, and over what', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    await ask(await openSession(t, plane), '/', 'x-forwarded-proto', 'http', 'x-forwarded-host', 'evil.test');
    const sent = headersOf(upstream.heads[0]);
    assert.deepEqual(valuesOf(sent, 'x-forwarded-host'), ['api.test']);
    assert.deepEqual(valuesOf(sent, 'x-forwarded-proto'), ['https']);
    assert.equal(valuesOf(sent, 'host').length, 1);
    assert.ok(!sent.some((part, i) => i % 2 === 0 && part.startsWith(':')));
  });

  test('has the crumbs of its cookie joined into one field', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    wire.sendHeaders(1, toFields('GET', '/', ['cookie', 'a=1', 'x-between', '1', 'cookie', 'b=2', 'cookie', 'c=3']));
    assert.equal(await wire.readOutcome(1), 200);
    assert.deepEqual(valuesOf(headersOf(upstream.heads[0]), 'cookie'), ['a=1; b=2; c=3']);
  });

  test('without a key is refused where one is needed, and passes with it', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const session = await openSession(t, plane);
    assert.equal((await ask(session, '/private')).status, 401);
    assert.equal((await ask(session, '/private', 'x-api-key', 'wrong')).status, 401);
    assert.deepEqual(upstream.heads, []);
    assert.equal((await ask(session, '/private', 'x-api-key', KEY.text)).status, 200);
    assert.ok(!upstream.heads.join('').includes(KEY.text));
    const records = await plane.sink.wait(3);
    assert.deepEqual(
      records.map(({ status, authFailed, keyId }) => [status, authFailed, keyId]),
      [
        [401, true, undefined],
        [401, true, undefined],
        [200, false, 'key_1'],
      ],
    );
  });

  test('leaves a record like any other', async (t) => {
    const upstream = await startGood(t, (request, response) => {
      void text(request).then(() => response.end('answered'));
    });
    const plane = await startBefore(t, upstream.url);
    const session = await openSession(t, plane);
    const stream = session.request(toFields('POST', '/a?b=c', ['user-agent', 'tests']));
    stream.end('asked');
    const answer = await readAnswer(stream);
    const [record] = await plane.sink.wait(1);
    assert.ok(record !== undefined);
    const { method, path, query, status, requestBytes, responseBytes, clientIp, userAgent, endpointId } = record;
    assert.deepEqual(
      { method, path, query, status, requestBytes, responseBytes, clientIp, userAgent, endpointId },
      {
        method: 'POST',
        path: '/a',
        query: '?b=c',
        status: 200,
        requestBytes: 5,
        responseBytes: 8,
        clientIp: '127.0.0.1',
        userAgent: 'tests',
        endpointId: 'ep_1',
      },
    );
    assert.deepEqual(valuesOf(answer.headers, 'x-request-id'), [record.requestId]);
    assert.equal(record.errorCode, undefined);
  });

  test('may come a hundred at a time on one connection, and each gets its own answer', async (t) => {
    const waiting: (() => void)[] = [];
    const upstream = await startGood(t, (request, response) => {
      waiting.push(() => response.end(request.url));
      if (waiting.length === 100) for (const answer of waiting.toReversed()) answer();
    });
    const plane = await startBefore(t, upstream.url);
    const session = await openSession(t, plane);
    assert.equal(session.remoteSettings.maxConcurrentStreams, 100);
    const paths = Array.from({ length: 100 }, (_, i) => `/${i}`);
    const answers = await Promise.all(paths.map((path) => ask(session, path)));
    assert.deepEqual(
      answers.map(({ body }) => body.toString()),
      paths,
    );
    assert.equal((await plane.sink.wait(100)).length, 100);
  });

  test('beyond a hundred at a time, against what was agreed, ends the connection', async (t) => {
    const upstream = await startRaw(t, () => undefined);
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    for (let i = 0; i <= 100; i++) wire.sendHeaders(i * 2 + 1, toFields('GET', '/'));
    assert.equal(await wire.readOutcome(201), 'goaway');
    const statuses = statusesOf(await plane.sink.wait(101)).toSorted((a, b) => a - b);
    assert.deepEqual(statuses, [400, ...Array.from({ length: 100 }, () => 499)]);
  });

  test('with HEAD has the head of the answer only', async (t) => {
    const upstream = await startRaw(t, (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n'));
    const plane = await startBefore(t, upstream.url);
    const session = await openSession(t, plane);
    const answer = await readAnswer(session.request(toFields('HEAD', '/'), { endStream: true }));
    assert.deepEqual([answer.status, valuesOf(answer.headers, 'content-length'), answer.body.length], [200, ['5'], 0]);
    assert.deepEqual(statusesOf(await plane.sink.wait(1)), [200]);
  });

  for (const status of [204, 304]) {
    test(`whose answer is ${status} has no body`, async (t) => {
      const upstream = await startRaw(t, (socket) => void socket.write(`HTTP/1.1 ${status} X\r\n\r\n`));
      const plane = await startBefore(t, upstream.url);
      const answer = await ask(await openSession(t, plane), '/');
      assert.deepEqual([answer.status, answer.body.length], [status, 0]);
      assert.deepEqual(statusesOf(await plane.sink.wait(1)), [status]);
    });
  }

  test('is answered without the fields that belong to the connection behind', async (t) => {
    const upstream = await startRaw(t, (socket) => {
      const own = ['Connection: close, X-Hop', 'X-Hop: 1', 'Keep-Alive: timeout=5', 'Transfer-Encoding: chunked'];
      socket.end(`HTTP/1.1 200 OK\r\n${own.join('\r\n')}\r\nX-Kept: 1\r\n\r\n2\r\nok\r\n0\r\n\r\n`);
    });
    const plane = await startBefore(t, upstream.url);
    const { headers, body } = await ask(await openSession(t, plane), '/');
    assert.equal(body.toString(), 'ok');
    const names = new Set(headers.filter((_, i) => i % 2 === 0));
    assert.ok(names.has('x-kept'));
    for (const name of ['connection', 'x-hop', 'keep-alive', 'transfer-encoding']) assert.ok(!names.has(name));
  });

  test('that expects to be told to go on is told when its body is wanted', async (t) => {
    const upstream = await startGood(t, (request, response) => void text(request).then((got) => response.end(got)));
    const plane = await startBefore(t, upstream.url);
    const session = await openSession(t, plane);
    const stream = session.request(toFields('POST', '/', ['expect', '100-continue']));
    const answer = readAnswer(stream);
    await once(stream, 'continue');
    stream.end('wanted');
    assert.equal((await answer).body.toString(), 'wanted');
  });
});

describe('a body over HTTP/2', () => {
  const TOTAL_BYTES = 64 * 1024 * 1024;
  // What kernel and windows hold, generously; far from what a gateway without backpressure would hold.
  const MAX_UNDERWAY_BYTES = 32 * 1024 * 1024;
  const CHUNK = Buffer.alloc(64 * 1024, 'x');

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
      into.end();
    };
    pump();
  }

  /** Reads to the end, slowly, and tells how much came, and the most that was under way meanwhile. */
  async function sip(from: AsyncIterable<unknown>, sent: () => number): Promise<[received: number, most: number]> {
    let received = 0;
    let most = 0;
    for await (const chunk of from) {
      assert.ok(chunk instanceof Uint8Array);
      received += chunk.length;
      await yieldTurns(5);
      most = Math.max(most, sent() - received);
    }
    return [received, most];
  }

  test('of an answer goes no faster than it is read', async (t) => {
    let sent = 0;
    const upstream = await startGood(t, (_request, response) => {
      pour(response, (bytes) => {
        sent += bytes;
      });
    });
    const plane = await startBefore(t, upstream.url);
    const session = await openSession(t, plane);
    const [received, most] = await sip(session.request(toFields('GET', '/'), { endStream: true }), () => sent);
    assert.equal(received, TOTAL_BYTES);
    assert.ok(most < MAX_UNDERWAY_BYTES, `${most} bytes were under way`);
    assert.equal((await plane.sink.wait(1))[0]?.responseBytes, TOTAL_BYTES);
  });

  test('of a request goes no faster than it is read', async (t) => {
    let sent = 0;
    const upstream = await startGood(t, (request, response) => {
      void sip(request, () => sent).then((told) => response.end(JSON.stringify(told)));
    });
    const plane = await startBefore(t, upstream.url);
    const session = await openSession(t, plane);
    const stream = session.request(toFields('POST', '/'));
    pour(stream, (bytes) => {
      sent += bytes;
    });
    const [received, most] = JSON.parse((await readAnswer(stream)).body.toString());
    assert.equal(received, TOTAL_BYTES);
    assert.ok(most < MAX_UNDERWAY_BYTES, `${most} bytes were under way`);
    assert.equal((await plane.sink.wait(1))[0]?.requestBytes, TOTAL_BYTES);
  });

  test('that is not read holds back no other stream', async (t) => {
    const upstream = await startGood(t, (request, response) => {
      if (request.url === '/large') pour(response, () => undefined);
      else response.end('small');
    });
    const plane = await startBefore(t, upstream.url);
    const session = await openSession(t, plane);
    const large = session.request(toFields('GET', '/large'), { endStream: true });
    await once(large, 'response'); // And is not read any further.
    for (let i = 0; i < 3; i++) assert.equal((await ask(session, '/small')).body.toString(), 'small');
    large.close(constants.NGHTTP2_CANCEL);
    assert.deepEqual(statusesOf(await plane.sink.wait(4)).toSorted(), [200, 200, 200, 499]);
  });

  test('goes both ways at once', async (t) => {
    const upstream = await startGood(t, (request, response) => void request.pipe(response));
    const plane = await startBefore(t, upstream.url);
    const session = await openSession(t, plane);
    const stream = session.request(toFields('POST', '/'));
    stream.setEncoding('utf8');
    for (const word of ['one', 'two', 'six']) {
      stream.write(word);
      const [chunk] = await once(stream, 'data');
      assert.equal(chunk, word);
    }
    stream.end();
    await once(stream.resume(), 'end');
    assert.deepEqual(statusesOf(await plane.sink.wait(1)), [200]);
  });

  test('that is announced too large is refused before anything is forwarded', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url, {
      edge: { limits: { bodyBytes: 10 }, tls: { port: 0, certificates: [CERTIFICATE] } },
    });
    const wire = await openWire(t, plane);
    wire.sendHeaders(1, toFields('POST', '/', ['content-length', '11']), 0);
    assert.equal(await wire.readOutcome(1), 413);
    assert.deepEqual(upstream.heads, []);
    const [record] = await plane.sink.wait(1);
    assert.deepEqual([record?.status, record?.errorCode], [413, 'body_too_large']);
  });

  const tightly: readonly [whose: string, limit: (url: string) => Partial<DataPlaneOptions>][] = [
    ['the node', () => ({ edge: { limits: { bodyBytes: 10 }, tls: { port: 0, certificates: [CERTIFICATE] } } })],
    [
      'its gateway',
      (url) => {
        const policies = [{ name: 'body-limit', config: { maxBytes: 10 } }];
        const endpoints = [createEndpoint({ method: 'POST' })];
        return { gateways: [createGateway(url, { policies, endpoints })], policies: [bodyLimit] };
      },
    ],
  ];
  for (const [whose, limit] of tightly) {
    test(`that grows too large for ${whose} is refused, and the upstream does not take it for whole`, async (t) => {
      const ended = Promise.withResolvers<'whole' | 'broken'>();
      const isThere = Promise.withResolvers<void>();
      const upstream = await startGood(t, (request) => {
        isThere.resolve();
        request.on('end', () => ended.resolve('whole')).on('error', () => ended.resolve('broken'));
        request.resume();
      });
      const plane = await startBefore(t, upstream.url, limit(upstream.url));
      const session = await openSession(t, plane);
      const stream = session.request(toFields('POST', '/'));
      stream.on('error', () => undefined);
      stream.write('12345');
      await isThere.promise;
      stream.write('678901');
      const [fields] = await once(stream, 'response');
      assert.equal(fields[':status'], 413);
      assert.equal(await ended.promise, 'broken');
      assert.deepEqual(statusesOf(await plane.sink.wait(1)), [413]);
    });
  }

  test('that nobody read is let go when the answer is out', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    wire.sendHeaders(1, toFields('POST', '/private'), 0);
    wire.sendFrame(FRAME.data, 0, 1, Buffer.alloc(10_000));
    assert.equal(await wire.readOutcome(1), 401);
    const frame = await wire.readUntil(({ type, stream }) => type === FRAME.reset && stream === 1);
    assert.equal(frame?.payload.readUInt32BE(0), constants.NGHTTP2_NO_ERROR);
    assert.deepEqual(statusesOf(await plane.sink.wait(1)), [401]);
    assert.deepEqual(upstream.heads, []);
  });
});
