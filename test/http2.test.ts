// HTTP/2 on real sockets: Node's own client where behaviour is good, frames written by hand where it is not.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import type { Socket } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { describe, test, type TestContext } from 'node:test';
import { METHODS } from '../src/gateway/router.ts';
import type { ExchangeRecord } from '../src/gateway/ports.ts';
import { bodyLimit } from '../src/policies/body-limit.ts';
import { createCertificate } from './harness/certificates.ts';
import {
  createEndpoint,
  createGateway,
  createKey,
  type DataPlane,
  type DataPlaneOptions,
  startDataPlane,
  valuesOf,
} from './harness/data-plane.ts';
import { openHttp2Session } from './harness/http2-session.ts';
import { END_STREAM, FRAME, type Http2Wire, type Outcome, openHttp2Wire } from './harness/http2-wire.ts';
import { type RawUpstream, startRawUpstream, startUpstream, type Upstream } from './harness/upstream.ts';

const CERTIFICATE = createCertificate(['api.test']);
const KEY = createKey();
const WITH_KEY = [{ name: 'api-key', config: {} }];
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

interface Http2Plane extends DataPlane {
  readonly tlsPort: number;
}

/** Every path leads to the upstream: `/private` with a key, all else freely. */
async function startBefore(
  t: TestContext,
  url: string,
  { edge, ...options }: Partial<DataPlaneOptions> = {},
): Promise<Http2Plane> {
  const endpoints = METHODS.flatMap((method) => [
    createEndpoint({ method }),
    createEndpoint({ method, path: '/private', policies: WITH_KEY }),
  ]);
  const plane = await startDataPlane({
    gateways: [createGateway(url, { endpoints })],
    keys: [KEY],
    edge: { tls: { port: 0, certificates: [CERTIFICATE] }, ...edge },
    ...options,
  });
  t.after(async () => {
    await plane.close();
    assert.deepEqual(plane.defects, []);
  });
  const { tlsPort } = plane.listener;
  assert.ok(tlsPort !== undefined);
  return { ...plane, tlsPort };
}

async function startRaw(t: TestContext, answer: (socket: Socket, head: string) => void): Promise<RawUpstream> {
  const upstream = await startRawUpstream(answer);
  t.after(() => upstream.close());
  return upstream;
}

async function startGood(t: TestContext, answer: Parameters<typeof startUpstream>[0]): Promise<Upstream> {
  const upstream = await startUpstream(answer);
  t.after(() => upstream.close());
  return upstream;
}

const answerOk = (socket: Socket): void => void socket.write(OK);

function openSession(t: TestContext, { tlsPort }: Http2Plane): Promise<ClientHttp2Session> {
  return openHttp2Session(t, tlsPort, CERTIFICATE.certificate);
}

async function openWire(t: TestContext, { tlsPort }: Http2Plane): Promise<Http2Wire> {
  const wire = await openHttp2Wire({ port: tlsPort, servername: 'api.test', ca: CERTIFICATE.certificate });
  t.after(() => wire.socket.destroy());
  return wire;
}

interface Answer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

async function readAnswer(stream: ClientHttp2Stream): Promise<Answer> {
  const head = once(stream, 'response');
  const body = buffer(stream);
  const [, , raw] = await head;
  const headers: string[] = raw;
  return { status: Number(headers[1]), headers: headers.slice(2), body: await body };
}

/** A request of Node's client: its fields as a list, so that order and duplicates are the test's. */
function ask(session: ClientHttp2Session, path: string, ...fields: readonly string[]): Promise<Answer> {
  return readAnswer(session.request(toFields('GET', path, fields), { endStream: true }));
}

function toFields(method: string, path: string, fields: readonly string[] = []): string[] {
  return [':method', method, ':scheme', 'https', ':authority', 'api.test', ':path', path, ...fields];
}

/** The headers of a request's head as the upstream got them, flat. */
function headersOf(sent: string | undefined): string[] {
  const lines = (sent ?? '').split('\r\n').slice(1);
  return lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
}

async function yieldTurns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => void setImmediate(resolve));
}

/** Waits for what the other side of a socket does; a test's own time limit ends it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await yieldTurns(1);
}

const statusesOf = (records: readonly ExchangeRecord[]): number[] => records.map(({ status }) => status);

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

describe('a malformed request over HTTP/2', () => {
  const pseudo = { method: [':method', 'GET'], scheme: [':scheme', 'https'], path: [':path', '/'] } as const;
  const authority = [':authority', 'api.test'] as const;
  const good = toFields('GET', '/');
  const cases: readonly [what: string, fields: readonly string[], outcome: Outcome][] = [
    ['has Connection (§8.2.2)', [...good, 'connection', 'close'], 'reset'],
    ['has Keep-Alive (§8.2.2)', [...good, 'keep-alive', '1'], 'reset'],
    ['has Proxy-Connection (§8.2.2)', [...good, 'proxy-connection', '1'], 'reset'],
    ['has Transfer-Encoding (§8.2.2)', [...good, 'transfer-encoding', 'chunked'], 'reset'],
    ['has Upgrade (§8.2.2)', [...good, 'upgrade', 'websocket'], 'reset'],
    ['has a TE other than trailers (§8.2.2)', [...good, 'te', 'gzip'], 'reset'],
    ['has an upper-case name (§8.2.1)', [...good, 'X-Upper', '1'], 'reset'],
    ['lacks :method (§8.3.1)', [...pseudo.scheme, ...authority, ...pseudo.path], 'reset'],
    ['lacks :scheme (§8.3.1)', [...pseudo.method, ...authority, ...pseudo.path], 'reset'],
    ['lacks :path (§8.3.1)', [...pseudo.method, ...pseudo.scheme, ...authority], 'reset'],
    ['lacks :authority and host', [...pseudo.method, ...pseudo.scheme, ...pseudo.path], 'reset'],
    ['has a pseudo-header twice (§8.3)', [...pseudo.method, ...good], 'reset'],
    ['has an unknown pseudo-header (§8.3)', [':other', '1', ...good], 'reset'],
    ['has :status (§8.3)', [':status', '200', ...good], 'reset'],
    ['has :protocol, which was not offered (RFC 8441)', [':protocol', 'websocket', ...good], 'reset'],
    ['has a pseudo-header after a field (§8.3)', [...good.slice(0, 6), 'x', '1', ...pseudo.path], 'reset'],
    ['has an empty :path (§8.3.1)', toFields('GET', ''), 'reset'],
    ['has a :path that does not begin with a slash', toFields('GET', 'a'), 'reset'],
    ['has a URL as :path', toFields('GET', 'https://api.test/'), 'reset'],
    ['has a star as :path without OPTIONS', toFields('GET', '*'), 'reset'],
    ['has a space in its :path', toFields('GET', '/a b HTTP/1.1'), 'reset'],
    ['has a line end in its :path', toFields('GET', '/a HTTP/1.1\r\nx: y'), 'reset'],
    ['has a fragment in its :path', toFields('GET', '/a#b'), 400],
    ['has an octet beyond ASCII in its :path', toFields('GET', '/\xe9'), 400],
    ['has a dot segment in its :path', toFields('GET', '/a/../private'), 400],
    ['has a method with a space', toFields('GET /private', '/'), 'reset'],
    ['has a host that differs from :authority', [...good, 'host', 'other.test'], 400],
    ['has host twice', [...good, 'host', 'api.test', 'host', 'api.test'], 'reset'],
    [
      'has user information in :authority',
      [...pseudo.method, ...pseudo.scheme, ':authority', 'u@api.test', ...pseudo.path],
      'reset',
    ],
    ['has another scheme', [...pseudo.method, ':scheme', 'http', ...authority, ...pseudo.path], 400],
    ['has a Content-Length that is no number', [...good, 'content-length', '1x'], 'reset'],
    ['has a Content-Length with a sign', [...good, 'content-length', '+0'], 'reset'],
    ['has two Content-Lengths', [...good, 'content-length', '0', 'content-length', '0'], 'reset'],
    ['has a Content-Length and no body (§8.1.1)', [...good, 'content-length', '5'], 'reset'],
    ['is CONNECT', [':method', 'CONNECT', ':authority', 'api.test:443'], 405],
    ['is TRACE', toFields('TRACE', '/'), 405],
    ['has an unknown method', toFields('BREW', '/'), 501],
    ['has an unknown expectation', [...good, 'expect', 'wonders'], 417],
    ['has too long a path', toFields('GET', `/${'a'.repeat(8192)}`), 414],
    ['has too many fields', [...good, ...Array.from({ length: 202 }, (_, i) => (i % 2 === 0 ? `x-${i}` : '1'))], 431],
    [
      'has far too many fields',
      [...good, ...Array.from({ length: 602 }, (_, i) => (i % 2 === 0 ? `x-${i}` : '1'))],
      'reset',
    ],
  ];
  for (const [what, fields, outcome] of cases) {
    test(`is not forwarded, and harms no other stream, when it ${what}`, async (t) => {
      const upstream = await startRaw(t, answerOk);
      const plane = await startBefore(t, upstream.url);
      const wire = await openWire(t, plane);
      wire.sendHeaders(1, fields);
      assert.equal(await wire.readOutcome(1), outcome);
      assert.deepEqual(upstream.heads, []);
      wire.sendHeaders(3, good);
      assert.equal(await wire.readOutcome(3), 200);
      // Told of when the next request shows that there was one before it.
      const records = await plane.sink.wait(2);
      assert.deepEqual(statusesOf(records), [outcome === 'reset' ? 400 : outcome, 200]);
      if (outcome === 'reset') assert.equal(records[0]?.errorCode, 'malformed_request');
    });
  }

  test('is not forwarded when its head is too long', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url, {
      edge: { limits: { headBytes: 1000 }, tls: { port: 0, certificates: [CERTIFICATE] } },
    });
    const wire = await openWire(t, plane);
    wire.sendHeaders(1, [...good, 'x', 'a'.repeat(1000)]);
    assert.equal(await wire.readOutcome(1), 431);
    assert.deepEqual(upstream.heads, []);
    assert.deepEqual(statusesOf(await plane.sink.wait(1)), [431]);
  });

  const smuggled: readonly [what: string, name: string, value: string][] = [
    ['CR in a value', 'x-odd', 'a\rb'],
    ['LF in a value', 'x-odd', 'a\nx-smuggled: 1'],
    ['NUL in a value', 'x-odd', 'a\0b'],
    ['a space around a value', 'x-odd', ' a'],
    ['a space in a name', 'x-odd y', '1'],
    ['a line end in a name', 'x-odd: 1\r\nx-smuggled', '1'],
    ['a colon in a name', 'x-odd:y', '1'],
  ];
  for (const [what, name, value] of smuggled) {
    // Node's engine drops such a field before anybody else sees it; the request then is one without it.
    test(`cannot smuggle ${what}`, async (t) => {
      const upstream = await startRaw(t, answerOk);
      const plane = await startBefore(t, upstream.url);
      const wire = await openWire(t, plane);
      wire.sendHeaders(1, [...good, name, value]);
      await wire.readOutcome(1);
      assert.doesNotMatch(upstream.heads.join(''), /x-odd|x-smuggled/);
    });
  }

  test('is not taken for whole by the upstream when its body is shorter than announced (§8.1.1)', async (t) => {
    const ended = Promise.withResolvers<string>();
    const isThere = Promise.withResolvers<void>();
    const upstream = await startGood(t, (request, response) => {
      isThere.resolve();
      request.on('error', () => ended.resolve('broken'));
      void text(request).then(
        () => {
          ended.resolve('whole');
          response.end();
        },
        () => undefined,
      );
    });
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    wire.sendHeaders(1, toFields('POST', '/', ['content-length', '10']), 0);
    wire.sendFrame(FRAME.data, 0, 1, Buffer.from('12345'));
    await isThere.promise;
    wire.sendFrame(FRAME.data, END_STREAM, 1, Buffer.from('6'));
    assert.equal(await wire.readOutcome(1), 'reset');
    assert.equal(await ended.promise, 'broken');
    assert.deepEqual(statusesOf(await plane.sink.wait(1)), [499]);
  });

  test('gives the upstream no more than it announced (§8.1.1)', async (t) => {
    let got = '';
    const upstream = await startRaw(
      t,
      (socket) => void socket.on('data', (chunk) => (got += chunk.toString('latin1'))),
    );
    const plane = await startBefore(t, upstream.url);
    const wire = await openWire(t, plane);
    wire.sendHeaders(1, toFields('POST', '/', ['content-length', '5']), 0);
    wire.sendFrame(FRAME.data, 0, 1, Buffer.from('123'));
    wire.sendFrame(FRAME.data, END_STREAM, 1, Buffer.from('45GET /smuggled HTTP/1.1\r\n\r\n'));
    assert.ok(['reset', 'goaway'].includes(String(await wire.readOutcome(1))));
    assert.deepEqual(statusesOf(await plane.sink.wait(1)), [499]);
    assert.doesNotMatch(got, /smuggled/);
  });
});

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
