// Callers and upstreams that go away behind HTTP/2, and a drain.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { describe, test } from 'node:test';
import { valuesOf } from './harness/data-plane.ts';
import { END_STREAM, FRAME } from './harness/http2-wire.ts';
import {
  CERTIFICATE,
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

/** Waits for what the other side of a socket does; a test's own time limit ends it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await yieldTurns(1);
}

describe('a caller over HTTP/2', () => {
  for (const code of [constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR]) {
    for (const method of ['POST', 'HEAD']) {
      test(`who resets a ${method} with code ${code} in the middle of its body breaks the call behind it`, async (t) => {
        const ended = Promise.withResolvers<'whole' | 'broken'>();
        let isThere = false;
        const upstream = await startGood(t, (request) => {
          isThere = true;
          request.on('end', () => ended.resolve('whole')).on('error', () => ended.resolve('broken'));
          request.resume();
        });
        const plane = await startBefore(t, upstream.url);
        const wire = await openWire(t, plane);
        wire.sendHeaders(1, toFields(method, '/'), 0);
        wire.sendFrame(FRAME.data, 0, 1, Buffer.from('half'));
        await until(() => isThere);
        const payload = Buffer.alloc(4);
        payload.writeUInt32BE(code);
        wire.sendFrame(FRAME.reset, 0, 1, payload);
        assert.equal(await ended.promise, 'broken');
        assert.deepEqual(statusesOf(await plane.sink.wait(1)), [499]);
      });
    }
  }

  test('who resets while waiting for the answer ends the call behind it', async (t) => {
    const gone = Promise.withResolvers<void>();
    const upstream = await startRaw(t, (socket) => void socket.on('close', () => gone.resolve()));
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    wire.sendHeaders(1, toFields('GET', '/'));
    await until(() => upstream.heads.length === 1);
    wire.sendFrame(FRAME.reset, 0, 1, Buffer.of(0, 0, 0, 8));
    await gone.promise;
    assert.deepEqual(statusesOf(await plane.sink.wait(1)), [499]);
    wire.sendFrame(FRAME.ping, 0, 0, Buffer.alloc(8));
    assert.ok(await wire.readUntil(({ type }) => type === FRAME.ping), 'the connection lives on');
  });

  test('who resets in the middle of the answer, or goes, ends the call behind it', async (t) => {
    const gone: string[] = [];
    const upstream = await startRaw(t, (socket, head) => {
      socket.on('close', () => gone.push(head.split(' ')[1] ?? ''));
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf');
    });
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    wire.sendHeaders(1, toFields('GET', '/reset'));
    await wire.readUntil(({ type }) => type === FRAME.data);
    wire.sendFrame(FRAME.reset, 0, 1, Buffer.of(0, 0, 0, 8));
    await until(() => gone.length === 1);
    wire.sendHeaders(3, toFields('GET', '/gone'));
    await wire.readUntil(({ type }) => type === FRAME.data);
    wire.socket.destroy();
    await until(() => gone.length === 2);
    assert.deepEqual(gone, ['/reset', '/gone']);
    assert.deepEqual(statusesOf(await plane.sink.wait(2)), [499, 499]);
  });

  test('who opens streams only to reset them loses the connection', async (t) => {
    const upstream = await startRaw(t, () => undefined);
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    wire.socket.on('close', () => undefined);
    for (let i = 0; i < 1500; i++) {
      wire.sendHeaders(i * 2 + 1, toFields('GET', '/'));
      wire.sendFrame(FRAME.reset, 0, i * 2 + 1, Buffer.of(0, 0, 0, 8));
    }
    assert.ok(['goaway', 'closed'].includes(String(await wire.readOutcome(-1))));
  });

  test('who sends malformed requests without end loses the connection', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    for (let i = 0; i < 500; i++) wire.sendHeaders(i * 2 + 1, [...toFields('GET', '/'), 'connection', 'x']);
    assert.ok(['goaway', 'closed'].includes(String(await wire.readOutcome(-1))));
    assert.deepEqual(upstream.heads, []);
    const [record] = await plane.sink.wait(1);
    assert.deepEqual([record?.status, record?.errorCode], [400, 'malformed_request']);
  });

  test('who sends a malformed request and goes has left its record', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    wire.sendHeaders(1, toFields('GET', '/'));
    assert.equal(await wire.readOutcome(1), 200);
    wire.sendHeaders(3, [...toFields('GET', '/'), 'connection', 'x']);
    assert.equal(await wire.readOutcome(3), 'reset');
    wire.socket.destroy();
    const records = await plane.sink.wait(2);
    assert.deepEqual(
      records.map(({ status, errorCode, clientIp }) => [status, errorCode, clientIp]),
      [
        [200, undefined, '127.0.0.1'],
        [400, 'malformed_request', '127.0.0.1'],
      ],
    );
  });

  test('who sends a malformed request and stays has left its record, too', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    wire.sendHeaders(1, [...toFields('GET', '/'), 'connection', 'x']);
    assert.equal(await wire.readOutcome(1), 'reset');
    assert.deepEqual(statusesOf(await plane.sink.wait(1)), [400]);
  });

  test('who leaves out numbers of streams leaves no more records than a connection may have refused requests', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    wire.sendHeaders(2_000_001, toFields('GET', '/'));
    assert.equal(await wire.readOutcome(2_000_001), 200);
    wire.sendHeaders(2_000_003, toFields('GET', '/last'));
    assert.equal(await wire.readOutcome(2_000_003), 200);
    wire.socket.destroy();
    const records = await plane.sink.wait(102);
    assert.ok(records.length <= 103, `${records.length} records`);
  });

  test('who asks for a host that the certificate does not name gets 421, and the connection lives on', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    const other = toFields('GET', '/').map((part) => (part === 'api.test' ? 'other.test' : part));
    wire.sendHeaders(1, other);
    assert.equal(await wire.readOutcome(1), 421);
    assert.deepEqual(upstream.heads, []);
    wire.sendHeaders(3, toFields('GET', '/'));
    assert.equal(await wire.readOutcome(3), 200);
    assert.deepEqual(
      (await plane.sink.wait(2)).map(({ status, errorCode }) => [status, errorCode]),
      [
        [421, 'misdirected_request'],
        [200, undefined],
      ],
    );
  });

  test('who asks for nothing is shown out with GOAWAY', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url, {
      edge: { limits: { headTimeoutMs: 100, idleTimeoutMs: 100 }, tls: { port: 0, certificates: [CERTIFICATE] } },
    });
    const idle = await openWire(t, plane);
    assert.equal(await idle.readOutcome(-1), 'goaway');
    const served = await openWire(t, plane);
    served.sendHeaders(1, toFields('GET', '/'));
    assert.equal(await served.readOutcome(1), 200);
    assert.equal(await served.readOutcome(-1), 'goaway');
    for (const wire of [idle, served]) assert.equal(await wire.readUntil(() => false), undefined);
  });

  test('who has had as many requests as a connection may have is sent away after the last', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url, {
      edge: { limits: { requestsPerConnection: 2 }, tls: { port: 0, certificates: [CERTIFICATE] } },
    });
    const session = await openSession(t, plane);
    const closed = once(session, 'close');
    assert.equal((await ask(session, '/1')).status, 200);
    assert.equal((await ask(session, '/2')).status, 200);
    await closed;
  });
});

describe('an upstream behind HTTP/2', () => {
  const breaks: readonly [what: string, answer: string][] = [
    ['of a known length', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'],
    ['in chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ];
  for (const [what, answer] of breaks) {
    test(`that breaks off a body ${what} has its stream reset, never ended`, async (t) => {
      const upstream = await startRaw(t, (socket) => void socket.end(answer));
      const plane = await startBefore(t, upstream.url);
      const wire = await openWire(t, plane);
      wire.sendHeaders(1, toFields('GET', '/'));
      assert.equal(await wire.readOutcome(1), 200);
      let body = '';
      const last = await wire.readUntil(({ type, flags, stream, payload }) => {
        if (stream === 1 && type === FRAME.data) {
          body += payload.toString();
          assert.equal(flags & END_STREAM, 0, 'a clean end');
        }
        return stream === 1 && type === FRAME.reset;
      });
      assert.equal(last?.payload.readUInt32BE(0), constants.NGHTTP2_INTERNAL_ERROR);
      assert.ok('half'.startsWith(body));
      const [record] = await plane.sink.wait(1);
      assert.deepEqual([record?.status, record?.errorCode], [200, 'upstream_broken_off']);
    });
  }

  test('that breaks before its answer is told as 502', async (t) => {
    const upstream = await startRaw(t, (socket) => void socket.destroy());
    const plane = await startBefore(t, upstream.url);
    const stream = (await openSession(t, plane)).request(toFields('POST', '/'));
    stream.write('half');
    const answer = await readAnswer(stream);
    assert.equal(answer.status, 502);
    assert.match(valuesOf(answer.headers, 'proxy-status')[0] ?? '', /^tollgate; error=/);
    assert.deepEqual(statusesOf(await plane.sink.wait(1)), [502]);
  });

  test('whose status HTTP/2 cannot say has its stream reset', async (t) => {
    const upstream = await startRaw(t, (socket) => void socket.write('HTTP/1.1 799 X\r\ncontent-length: 2\r\n\r\nok'));
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    wire.sendHeaders(1, toFields('GET', '/'));
    assert.ok(['reset', 502].includes(await wire.readOutcome(1)));
    assert.equal((await plane.sink.wait(1)).length, 1);
  });
});

describe('a drain with HTTP/2', () => {
  test('answers what is in flight, says GOAWAY, and then closes', async (t) => {
    const waiting: (() => void)[] = [];
    const upstream = await startGood(t, (_request, response) => void waiting.push(() => response.end('in time')));
    const plane = await startBefore(t, upstream.url);
    const session = await openSession(t, plane);
    const idle = await openSession(t, plane);
    const idleClosed = once(idle, 'close');
    const answer = ask(session, '/');
    await until(() => waiting.length === 1);
    const isTold = once(session, 'goaway');
    const drained = plane.listener.drain();
    const [code] = await isTold;
    assert.equal(code, constants.NGHTTP2_NO_ERROR);
    await idleClosed;
    for (const answerNow of waiting) answerNow();
    const { status, body } = await answer;
    assert.deepEqual([status, body.toString()], [200, 'in time']);
    await drained;
    assert.deepEqual(statusesOf(plane.sink.records), [200]);
  });

  test('takes no request after GOAWAY, which tells the last one that was taken', async (t) => {
    const waiting: (() => void)[] = [];
    const upstream = await startGood(t, (_request, response) => void waiting.push(() => response.end('in time')));
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    wire.sendHeaders(1, toFields('GET', '/'));
    await until(() => waiting.length === 1);
    const drained = plane.listener.drain();
    const goaway = await wire.readUntil(({ type }) => type === FRAME.goaway);
    assert.deepEqual([goaway?.payload.readUInt32BE(0), goaway?.payload.readUInt32BE(4)], [1, 0]);
    wire.sendHeaders(3, toFields('GET', '/'));
    wire.sendFrame(FRAME.ping, 0, 0, Buffer.alloc(8));
    assert.ok(await wire.readUntil(({ type }) => type === FRAME.ping), 'both frames were read');
    for (const answer of waiting) answer();
    assert.equal(await wire.readOutcome(1), 200);
    await drained;
    assert.equal(waiting.length, 1);
    assert.deepEqual(statusesOf(plane.sink.records), [200]);
  });
});
