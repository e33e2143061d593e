// The data plane on real sockets, between a client that counts bytes and upstreams that misbehave. Knows nothing of the engine
// behind `listen`: whatever moves the bytes has to hold all of this.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, test, type TestContext } from 'node:test';
import { METHODS } from '../src/gateway/router.ts';
import type { EndpointConfig } from '../src/gateway/snapshot.ts';
import {
  ask,
  createEndpoint,
  createGateway,
  createKey,
  type DataPlane,
  type DataPlaneOptions,
  openWire,
  startDataPlane,
  valuesOf,
  type Wire,
} from './harness/data-plane.ts';
import { findDeadUrl, type RawUpstream, startRawUpstream, startUpstream, type Upstream } from './harness/upstream.ts';

const KEY = createKey();
const WITH_KEY = [{ name: 'api-key', config: {} }];
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** Longer than anything here takes, and shorter than a test may. */
const TIMEOUT_MS = 20_000;
const SHORT_TIMEOUT_MS = 100;

/** Every path of every method leads to the upstream: `/open/…` freely, all else with a key. */
async function startBefore(
  t: TestContext,
  url: string,
  { timeoutMs = TIMEOUT_MS, ...options }: { readonly timeoutMs?: number } & Partial<DataPlaneOptions> = {},
): Promise<DataPlane> {
  const endpoints: EndpointConfig[] = METHODS.flatMap((method) => [
    createEndpoint({ method, path: '/open/*', timeoutMs }),
    createEndpoint({ method, timeoutMs, policies: WITH_KEY }),
  ]);
  const plane = await startDataPlane({ gateways: [createGateway(url, { endpoints })], keys: [KEY], ...options });
  t.after(() => plane.close());
  return plane;
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

async function open(t: TestContext, plane: DataPlane): Promise<Wire> {
  const wire = await openWire(plane.port);
  t.after(() => wire.socket.destroy());
  return wire;
}

const answerOk = (socket: Socket): void => void socket.write(OK);

/** The headers of a request's head as they came, flat. */
function headersOf(sent: string | undefined): string[] {
  const lines = (sent ?? '').split('\r\n').slice(1);
  return lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
}

function head(line: string, ...headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, 'Host: api.test', ...headers, '', ''].join('\r\n');
}

/** Gives everybody else so many turns. */
async function yieldTurns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => void setImmediate(resolve));
}

describe('a request', () => {
  const targets = [
    '/open/a?a=%2F&b=+&c=%C3%BC&&=x',
    '/open/%7Euser/%7e/a%2Fb/c%20d?',
    '/open//a//?x=/../y&z=%2e%2e',
    "/open/!$&'()*+,;=:@?!$&'()*+,;=:@/?[]{}|^`",
    '/open/?a=%zz&b=%',
  ];
  for (const target of targets) {
    test(`reaches the upstream with its path and query byte for byte: ${target}`, async (t) => {
      const upstream = await startRaw(t, answerOk);
      const plane = await startBefore(t, upstream.url);
      assert.equal((await ask(plane.port, head(`GET ${target}`))).status, 200);
      assert.equal(upstream.heads[0]?.split('\r\n')[0], `GET ${target} HTTP/1.1`);
    });
  }

  test('keeps its headers apart and in order, and the answer its own', async (t) => {
    const upstream = await startRaw(t, (socket) => {
      const headers = ['Set-Cookie: a=1', 'X-One: 1', 'set-cookie: b=2, c', 'X-One: 2', 'X-High: \xe9\xff'];
      socket.write(`HTTP/1.1 200 OK\r\n${headers.join('\r\n')}\r\nContent-Length: 2\r\n\r\nok`, 'latin1');
    });
    const plane = await startBefore(t, upstream.url);
    const sent = ['X-Two: 1', 'Cookie: a=1', 'x-two: 2', 'X-High: \xe9\xff', 'X-TWO: 1,2'];
    const answer = await ask(plane.port, head('GET /open/', ...sent));
    assert.deepEqual(
      headersOf(upstream.heads[0]).filter((part, i, all) =>
        /^(x-two|cookie|x-high)$/i.test((i % 2 === 0 ? part : all[i - 1]) ?? ''),
      ),
      ['X-Two', '1', 'Cookie', 'a=1', 'x-two', '2', 'X-High', '\xe9\xff', 'X-TWO', '1,2'],
    );
    assert.deepEqual(valuesOf(answer.headers, 'set-cookie'), ['a=1', 'b=2, c']);
    assert.deepEqual(valuesOf(answer.headers, 'x-one'), ['1', '2']);
    assert.deepEqual(valuesOf(answer.headers, 'x-high'), ['\xe9\xff']);
  });

  test('has one id: for the upstream, in the answer and in the record, whatever either side made up', async (t) => {
    const upstream = await startRaw(
      t,
      (socket) => void socket.write(OK.replace('\r\n', '\r\nX-Request-Id: theirs\r\n')),
    );
    const plane = await startBefore(t, upstream.url);
    const answer = await ask(plane.port, head('GET /open/', 'X-Request-Id: mine'));
    const [record] = await plane.sink.wait(1);
    assert.deepEqual(valuesOf(answer.headers, 'x-request-id'), [record?.requestId]);
    assert.deepEqual(valuesOf(headersOf(upstream.heads[0]), 'x-request-id'), [record?.requestId]);
  });

  const keyed: readonly (readonly string[])[] = [
    [`X-API-Key: ${KEY.text}`],
    [`x-api-key: ${KEY.text}`, 'Authorization: Basic dXNlcjpwYXNz'],
    [`Authorization: Bearer ${KEY.text}`],
    [`authorization: bearer ${KEY.text}`, 'Connection: authorization'],
    [`X-API-Key: ${KEY.text}`, `Authorization: Bearer ${KEY.text}`],
  ];
  for (const headers of keyed) {
    test(`never shows our key to the upstream: ${headers.join(', ').replaceAll(KEY.text, '<key>')}`, async (t) => {
      const upstream = await startRaw(t, answerOk);
      const plane = await startBefore(t, upstream.url);
      for (const path of ['/private', '/open/']) {
        assert.equal((await ask(plane.port, head(`GET ${path}`, ...headers))).status, 200);
      }
      assert.equal(upstream.heads.length, 2);
      assert.ok(!upstream.heads.join().includes(KEY.text));
      const foreign = headers.some((header) => header.includes('Basic')) ? ['Basic dXNlcjpwYXNz'] : [];
      for (const sent of upstream.heads) assert.deepEqual(valuesOf(headersOf(sent), 'authorization'), foreign);
    });
  }

  test('without a key, or with a wrong one, never reaches the upstream', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    for (const headers of [[], ['X-API-Key: wrong'], [`X-API-Key: ${createKey().text}`]]) {
      const answer = await ask(plane.port, head('GET /private', ...headers));
      assert.equal(answer.status, 401);
      const told = headers.length === 0 ? '' : ', error="invalid_token"';
      assert.deepEqual(valuesOf(answer.headers, 'www-authenticate'), [`Bearer realm="tollgate"${told}`]);
    }
    const records = await plane.sink.wait(3);
    assert.deepEqual(
      records.map((record) => [record.status, record.authFailed, record.keyId]),
      Array.from({ length: 3 }, () => [401, true, undefined]),
    );
    assert.deepEqual(upstream.heads, []);
  });

  test('in the form for proxies takes no other way than its path does', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    await ask(plane.port, head('GET http://elsewhere.test/open/../private'));
    await ask(plane.port, head('GET http://elsewhere.test/open/x'));
    for (const sent of upstream.heads) assert.match(sent, /^GET \/open\/x HTTP/);
    assert.equal((await plane.sink.wait(2)).length, 2);
  });

  test('on a kept connection follows the one before it', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    for (let i = 0; i < 3; i++) {
      wire.send(head(`GET /open/${i}`));
      assert.equal((await wire.readAnswer()).body.toString(), 'ok');
    }
    assert.equal((await plane.sink.wait(3)).length, 3);
  });

  test('that was sent before the answer to another is answered after it', async (t) => {
    const upstream = await startGood(t, (request, response) => {
      const turns = request.url === '/open/1' ? 50 : 0;
      void yieldTurns(turns).then(() => response.end(request.url));
    });
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(['/open/1', '/open/2', '/nowhere/../', '/open/4'].map((path) => head(`GET ${path}`)).join(''));
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await wire.readAnswer());
    assert.deepEqual(
      answers.map(({ status, body }) => (status === 200 ? body.toString() : status)),
      ['/open/1', '/open/2', 400, '/open/4'],
    );
  });
});

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
    assert.equal((await wire.readAnswer()).status, 401);
    assert.deepEqual(upstream.heads, []);
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

describe('a drain', () => {
  interface Busy {
    readonly plane: DataPlane;
    readonly wire: Wire;
    /** The upstream's side of a request that waits for its answer. */
    readonly socket: Socket;
  }

  async function startBusy(t: TestContext): Promise<Busy> {
    const reached = Promise.withResolvers<Socket>();
    const upstream = await startRaw(t, reached.resolve);
    const plane = await startBefore(t, upstream.url);
    const wire = await open(t, plane);
    wire.send(head('GET /open/'));
    return { plane, wire, socket: await reached.promise };
  }

  test('lets requests in flight finish, tells their connections to close, and resolves', async (t) => {
    const { plane, wire, socket } = await startBusy(t);
    let isOver = false;
    const drained = plane.listener.drain().then(() => (isOver = true));
    await yieldTurns(50);
    assert.ok(!isOver, 'a request is still in flight');
    socket.write(OK);
    const answer = await wire.readAnswer();
    assert.deepEqual([answer.status, answer.body.toString()], [200, 'ok']);
    assert.deepEqual(
      valuesOf(answer.headers, 'connection').map((value) => value.toLowerCase()),
      ['close'],
    );
    assert.equal((await wire.readRest()).end, 'clean');
    await drained;
    assert.equal(plane.sink.records.length, 1, 'what it leaves is left before it is over');
  });

  test('lets an answer finish whose head was sent before', async (t) => {
    const { plane, wire, socket } = await startBusy(t);
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
    await wire.readTo('half');
    const drained = plane.listener.drain();
    socket.write('done');
    await wire.readTo('done');
    await drained;
  });

  test('refuses new connections', async (t) => {
    const { plane, socket } = await startBusy(t);
    const drained = plane.listener.drain();
    const late = connect(plane.port, '127.0.0.1');
    const [error] = await once(late, 'error').catch((cause: unknown) => [cause]);
    assert.ok(error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED');
    socket.write(OK);
    await drained;
  });

  test('closes idle connections at once', async (t) => {
    const upstream = await startRaw(t, answerOk);
    const plane = await startBefore(t, upstream.url);
    const [unused, used] = [await open(t, plane), await open(t, plane)];
    used.send(head('GET /open/'));
    await used.readAnswer();
    const drained = plane.listener.drain();
    assert.equal((await used.readRest()).end, 'clean');
    assert.equal((await unused.readRest()).end, 'clean');
    await drained;
  });

  test('ends when what is stuck is destroyed, which leaves its record, too', async (t) => {
    const { plane, wire, socket } = await startBusy(t);
    const silent = await open(t, plane);
    silent.send('GET /open/ HTTP/1.1\r\nHo');
    await yieldTurns(20);
    const drained = plane.listener.drain();
    plane.listener.destroy();
    assert.equal((await wire.readRest()).text, '');
    assert.equal((await silent.readRest()).text, '');
    await drained;
    if (!socket.destroyed) await once(socket, 'close');
    assert.equal((await plane.sink.wait(1)).length, 1);
  });
});

test('a request is served by the snapshot of its moment, through a swap without a gap', async (t) => {
  const first = await startGood(t, (_request, response) => void response.end('first'));
  const plane = await startBefore(t, first.url);
  const wire = await open(t, plane);
  wire.send(head('GET /open/'));
  assert.equal((await wire.readAnswer()).body.toString(), 'first');
  plane.swap({ gateways: [createGateway(first.url, { endpoints: [createEndpoint({ path: '/moved/*' })] })] });
  wire.send(head('GET /open/') + head('GET /moved/'));
  assert.equal((await wire.readAnswer()).status, 404);
  assert.equal((await wire.readAnswer()).status, 200);
});

test('the control plane is reached over its socket, with the proof and the caller, and nobody else gets either', async (t) => {
  const seen: IncomingMessage[] = [];
  const control = await startGood(t, (request, response) => {
    seen.push(request);
    response.end('control');
  });
  const tenant = await startRaw(t, answerOk);
  const management = createGateway(control.url, {
    id: null,
    name: 'management',
    endpoints: [createEndpoint({ id: null, path: '/api/v1/keys', policies: WITH_KEY })],
  });
  const plane = await startDataPlane({ gateways: [management, createGateway(tenant.url)], keys: [KEY] });
  t.after(() => plane.close());
  const forged = ['Tollgate-Control-Token: forged', 'Tollgate-Context: forged'];
  await ask(plane.port, head('GET /api/v1/keys', `X-API-Key: ${KEY.text}`, ...forged));
  await ask(plane.port, head('GET /else', ...forged));
  assert.deepEqual(
    seen.map((request) => request.headersDistinct['tollgate-control-token']?.length),
    [1],
  );
  assert.ok(!seen.some((request) => request.rawHeaders.includes('forged')));
  assert.ok(!tenant.heads.some((sent) => /^tollgate-/im.test(sent)));
});
