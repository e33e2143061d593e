// A gateway inside another program, on real sockets: listening by itself, and behind the servers of others.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { text as readAll } from 'node:stream/consumers';
import { afterEach, describe, test } from 'node:test';
import { createGateway, type ExchangeRecord, type Gateway, type GatewayOptions } from '../src/embedded/index.ts';
import { PEPPER_OF_FILES, toKeyHash } from '../src/lib/key-hash.ts';
import { newKeyText } from '../src/lib/key-text.ts';
import { toPeppers } from '../src/lib/pepper.ts';
import { ask, openWire } from './harness/data-plane.ts';
import { findDeadUrl, startRawUpstream, startUpstream, type Upstream } from './harness/upstream.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function makeKey(name = 'caller', terms: object = {}) {
  const { text } = newKeyText('tg_live');
  const hash = toKeyHash(text, toPeppers(PEPPER_OF_FILES).current) ?? '';
  return { text, entry: { name, hash, ...terms } };
}

/** Records, and a way to wait for so many of them. */
function createRecorder() {
  const records: ExchangeRecord[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  return {
    records,
    onRecord: (record: ExchangeRecord): void => {
      records.push(record);
      for (const one of waiting) if (records.length >= one.count) one.resolve();
    },
    async until(count: number) {
      if (records.length < count) await new Promise<void>((resolve) => void waiting.push({ count, resolve }));
    },
  };
}

function embed(options: GatewayOptions): Gateway {
  const gateway = createGateway({ onLog: () => {}, ...options });
  cleanups.push(() => gateway.close());
  return gateway;
}

async function serve(listener: RequestListener): Promise<number> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

async function upstream(answer: Parameters<typeof startUpstream>[0]): Promise<Upstream> {
  const started = await startUpstream(answer);
  cleanups.push(() => started.close());
  return started;
}

function echo(): Promise<Upstream> {
  return upstream((request, response) => {
    const { method, url, headers } = request;
    response.setHeader('x-from', 'upstream');
    void readAll(request).then((body) => response.end(JSON.stringify({ method, url, headers, body })));
  });
}

/** What the echo upstream says it got. */
interface Echoed {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

async function echoed(answer: Response): Promise<Echoed> {
  return (await answer.json()) as Echoed;
}

async function codeOf(answer: Response): Promise<unknown> {
  const body: unknown = await answer.json();
  return typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
}

const ways: readonly [string, (gateway: Gateway) => Promise<number>][] = [
  ['that listens by itself', async (gateway) => (await gateway.listen({ port: 0, host: '127.0.0.1' })).port],
  ["behind another program's server", (gateway) => serve(gateway.handler)],
];

for (const [way, open] of ways) {
  describe(`a gateway ${way}`, () => {
    test('lets a key in, and nobody without one', async () => {
      const { url } = await echo();
      const { text, entry } = makeKey();
      const port = await open(embed({ upstream: url, keys: [entry] }));

      const refused = await fetch(`http://127.0.0.1:${port}/a`);
      assert.equal(refused.status, 401);
      assert.equal(refused.headers.get('www-authenticate'), 'Bearer realm="tollgate"');
      assert.equal(await codeOf(refused), 'missing_credentials');
      const forged = `${text.slice(0, -49)}${newKeyText('tg_live').text.slice(-49)}`;
      for (const wrong of [forged, newKeyText('tg_live').text]) {
        assert.equal((await fetch(`http://127.0.0.1:${port}/a`, { headers: { 'x-api-key': wrong } })).status, 401);
      }

      const passed = await fetch(`http://127.0.0.1:${port}/a/b?c=%2F`, { headers: { 'x-api-key': text } });
      assert.equal(passed.status, 200);
      assert.equal(passed.headers.get('x-from'), 'upstream');
      const { url: seen, headers } = await echoed(passed);
      assert.equal(seen, '/a/b?c=%2F');
      assert.equal(headers['x-api-key'], undefined);
      assert.equal(headers['x-forwarded-for'], '127.0.0.1');
      assert.equal(headers['x-request-id'], passed.headers.get('x-request-id'));
    });

    test('passes a megabyte each way, and tells its callback of it', async () => {
      const { url } = await echo();
      const recorder = createRecorder();
      const port = await open(embed({ upstream: url, open: true, onRecord: recorder.onRecord }));
      const body = 'tollgate'.repeat(131_072);

      const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body });

      assert.equal((await echoed(answer)).body, body);
      await recorder.until(1);
      const [record] = recorder.records;
      assert.equal(record?.requestBytes, body.length);
      assert.ok((record?.responseBytes ?? 0) > body.length);
      assert.equal(record?.status, 200);
      assert.equal(record?.service, 'service');
    });

    test('passes a body of no known length', async () => {
      const { url } = await echo();
      const port = await open(embed({ upstream: url, open: true }));
      const wire = await openWire(port);
      wire.send(
        'POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
      );
      const { status, body } = await wire.readAnswer();
      wire.socket.destroy();
      assert.equal(status, 200);
      assert.match(body.toString(), /"body":"abcde"/);
    });

    test('answers HEAD, 204 and 304 without a body, and the connection goes on', async () => {
      const { url } = await upstream((request, response) => {
        if (request.url === '/empty') response.writeHead(204).end();
        else if (request.url === '/same') response.writeHead(304, { etag: '"1"' }).end();
        else response.writeHead(200, { 'content-length': '5' }).end('hello');
      });
      const port = await open(embed({ upstream: url, open: true }));
      const wire = await openWire(port);
      const steps: [string, string, number][] = [
        ['HEAD', '/', 200],
        ['GET', '/empty', 204],
        ['GET', '/same', 304],
        ['GET', '/', 200],
      ];
      for (const [method, path, status] of steps) {
        wire.send(`${method} ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
        const answer = await wire.readAnswer(method);
        assert.equal(answer.status, status);
        assert.equal(answer.body.toString(), path === '/' && method === 'GET' ? 'hello' : '');
      }
      wire.socket.destroy();
    });

    test('keeps the limits of a key, counted in memory', async () => {
      const { url } = await echo();
      const { text, entry } = makeKey('limited', { rateLimit: { requestsPerDay: 2 } });
      const port = await open(embed({ upstream: url, keys: [entry] }));
      const call = () => fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-api-key': text } });

      assert.equal((await call()).headers.get('x-ratelimit-remaining'), '1');
      assert.equal((await call()).status, 200);
      const third = await call();
      assert.equal(third.status, 429);
      assert.ok(Number(third.headers.get('retry-after')) > 0);
    });

    test('refuses a body beyond the limit, announced or not', async () => {
      const { url } = await echo();
      const port = await open(embed({ upstream: url, open: true, limits: { bodyBytes: 10 } }));
      const announced = await ask(port, 'POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 11\r\n\r\n12345678901');
      assert.equal(announced.status, 413);
      const chunked = await ask(
        port,
        'POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n',
      );
      assert.equal(chunked.status, 413);
    });

    test('breaks the connection where an answer breaks off, so that it cannot look whole', async () => {
      const raw = await startRawUpstream((socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', () => socket.destroy());
      });
      cleanups.push(() => raw.close());
      const recorder = createRecorder();
      const port = await open(embed({ upstream: raw.url, open: true, onRecord: recorder.onRecord }));
      const wire = await openWire(port);
      wire.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
      const { text } = await wire.readRest();
      assert.doesNotMatch(text, /^HTTP\/1\.1 5/);
      await recorder.until(1);
      assert.equal(recorder.records[0]?.errorCode, 'upstream_broken_off');
    });

    test('tells that a service is not there', async () => {
      const port = await open(embed({ upstream: await findDeadUrl(), open: true }));
      const answer = await fetch(`http://127.0.0.1:${port}/`);
      assert.equal(answer.status, 502);
      assert.equal(await codeOf(answer), 'upstream_unreachable');
    });

    test('cancels the call when the caller leaves, and records it', async () => {
      const { promise: arrived, resolve: arrive } = Promise.withResolvers<IncomingMessage>();
      const { url } = await upstream((request) => arrive(request));
      const recorder = createRecorder();
      const port = await open(embed({ upstream: url, open: true, onRecord: recorder.onRecord }));
      const wire = await openWire(port);
      wire.send('GET /slow HTTP/1.1\r\nHost: a.test\r\n\r\n');
      const closed = once((await arrived).socket, 'close');
      wire.socket.destroy();
      await closed;
      await recorder.until(1);
      assert.equal(recorder.records[0]?.status, 499);
    });

    test('is no loop behind another gateway', async () => {
      const { url } = await echo();
      const inner = await embed({ upstream: url, open: true }).listen({ port: 0, host: '127.0.0.1' });
      const port = await open(embed({ upstream: `http://127.0.0.1:${inner.port}`, open: true }));
      assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
    });

    test('ends what comes back to it', async () => {
      let own = 0;
      const forth = await upstream((request, response) => {
        void fetch(`http://127.0.0.1:${own}/`, { headers: { via: request.headers.via ?? '' } }).then((answer) =>
          response.writeHead(answer.status).end(),
        );
      });
      own = await open(embed({ upstream: forth.url, open: true }));
      assert.equal((await fetch(`http://127.0.0.1:${own}/`)).status, 508);
    });
  });
}

describe('the handler', () => {
  test('compares the path as the caller sent it, wherever it is mounted', async () => {
    const { url } = await echo();
    const { handler } = embed({
      config: {
        gateways: [
          {
            name: 'shop',
            upstreamServices: [{ name: 'orders', targets: [{ url }] }],
            endpoints: [{ method: 'GET', path: '/orders', authRequired: false }],
          },
        ],
      },
    });
    const port = await serve((request, response) => {
      // As Express does it for app.use('/shop', handler).
      Object.assign(request, { originalUrl: request.url, url: request.url?.slice('/shop'.length) });
      handler(request, response);
    });

    assert.equal((await echoed(await fetch(`http://127.0.0.1:${port}/shop/orders`))).url, '/shop/orders');
    const missed = await fetch(`http://127.0.0.1:${port}/shop/other`);
    assert.equal(missed.status, 404);
    assert.match(await missed.text(), /GET \/shop\/other/);
  });

  test('tells whoever put it together when a body was read before, and calls nobody', async () => {
    let calls = 0;
    const { url } = await upstream((_request, response) => {
      calls++;
      response.end();
    });
    const logged: string[] = [];
    const { handler } = embed({ upstream: url, open: true, onLog: ({ message }) => void logged.push(message) });
    const port = await serve((request, response) => {
      void readAll(request).then(() => handler(request, response));
    });

    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{"a":1}' });

    assert.equal(answer.status, 500);
    assert.equal(await codeOf(answer), 'body_already_read');
    assert.equal(calls, 0);
    assert.match(logged.join(), /mount it before body parsers/);
    assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
  });

  test('lets nothing that a program rewrote become another field', async () => {
    const raw = await startRawUpstream((socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    cleanups.push(() => raw.close());
    const { handler } = embed({ upstream: raw.url, open: true });
    const rewrites: ((request: IncomingMessage) => void)[] = [
      (request) => (request.url = '/a HTTP/1.1\r\nX-Evil: 1\r\n\r\n'),
      (request) => (request.url = '/a b'),
      (request) => (request.url = 'no-slash'),
      (request) => request.rawHeaders.push('x-a', '1\r\nx-evil: 1'),
      (request) => request.rawHeaders.push('x evil', '1'),
      (request) => request.rawHeaders.push('host', 'other.test'),
      (request) => (request.method = 'GET /other'),
    ];
    for (const rewrite of rewrites) {
      const port = await serve((request, response) => {
        rewrite(request);
        handler(request, response);
      });
      const { status } = await ask(port, 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
      assert.ok(status >= 400 && status < 502, `${String(rewrite)} got ${status}`);
    }
    assert.deepEqual(raw.heads, []);
  });

  test('keeps what the program set before, and sends what the service says twice twice', async () => {
    const { url } = await upstream((_request, response) => {
      response
        .writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Connection', 'x-hop', 'X-Hop', '1'])
        .end('ok');
    });
    const { handler } = embed({ upstream: url, open: true });
    const port = await serve((request, response) => {
      response.setHeader('x-powered-by', 'somebody');
      handler(request, response);
    });
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2']);
    assert.equal(answer.headers.get('x-powered-by'), 'somebody');
    assert.equal(answer.headers.get('x-hop'), null);
  });

  test('waits with the upstream when the caller does not read', async () => {
    const total = 1024 * 65_536;
    const written = new Map<string | undefined, number>();
    const { url } = await upstream(({ url: path }, response) => {
      const pump = (): void => {
        while ((written.get(path) ?? 0) < total) {
          written.set(path, (written.get(path) ?? 0) + 65_536);
          if (!response.write(Buffer.alloc(65_536))) return void response.once('drain', pump);
        }
        response.end();
      };
      pump();
    });
    const recorder = createRecorder();
    const port = await serve(embed({ upstream: url, open: true, onRecord: recorder.onRecord }).handler);
    const wire = await openWire(port);
    wire.socket.pause();
    wire.send('GET /unread HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await (await fetch(`http://127.0.0.1:${port}/read`)).arrayBuffer();
    assert.equal(written.get('/read'), total);
    assert.ok((written.get('/unread') ?? 0) < total, 'a caller who does not read got all of it');
    wire.socket.destroy();
    await recorder.until(2);
    assert.deepEqual(recorder.records.map(({ status }) => status).toSorted(), [200, 499]);
  });

  test('refuses to answer what is answered already', async () => {
    const { url } = await echo();
    const { handler } = embed({ upstream: url, open: true });
    let thrown: unknown;
    const port = await serve((request, response) => {
      response.write('first');
      try {
        handler(request, response);
      } catch (cause) {
        thrown = cause;
      }
      response.end();
    });
    await (await fetch(`http://127.0.0.1:${port}/`)).text();
    assert.match(String(thrown), /the answer has begun already/);
  });
});

describe('an embedded gateway', () => {
  const NONCE = 'dGhlIHNhbXBsZSBub25jZQ==';
  const UPGRADE = `GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${NONCE}\r\nSec-WebSocket-Version: 13\r\n\r\n`;

  async function openWebSocketService(): Promise<string> {
    const accept = createHash('sha1').update(`${NONCE}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    const raw = await startRawUpstream((socket, head) => {
      if (!/upgrade: websocket/i.test(head)) return void socket.end('HTTP/1.1 426 \r\nContent-Length: 0\r\n\r\n');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\nhello`,
      );
    });
    cleanups.push(() => raw.close());
    return raw.url;
  }

  test('switches to a WebSocket where it listens', async () => {
    const gateway = embed({ upstream: await openWebSocketService(), open: true });
    const wire = await openWire((await gateway.listen({ port: 0, host: '127.0.0.1' })).port);
    wire.send(UPGRADE);
    assert.equal((await wire.readAnswer()).status, 101);
    assert.equal(await wire.readTo('hello'), 'hello');
    wire.socket.destroy();
  });

  test('passes what its service says to a WebSocket that it cannot switch to, as a handler', async () => {
    const port = await serve(embed({ upstream: await openWebSocketService(), open: true }).handler);
    assert.equal((await ask(port, UPGRADE)).status, 426);
  });

  test('takes new keys and gateways without a stop, and keeps the old ones when the new are wrong', async () => {
    const { url } = await echo();
    const [first, second] = [makeKey('first'), makeKey('second')];
    const gateway = embed({ upstream: url, keys: [first.entry] });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    const statusOf = async (text: string): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-api-key': text } })).status;

    assert.equal(await statusOf(first.text), 200);
    await assert.rejects(gateway.reload({ keys: [{ name: 'wrong', hash: second.text }] }), /never the key itself/);
    assert.equal(await statusOf(first.text), 200);
    await gateway.reload({ keys: [second.entry] });
    assert.equal(await statusOf(first.text), 401);
    assert.equal(await statusOf(second.text), 200);
  });

  test('serves what is in maintenance with 503, and what is inactive not at all', async () => {
    const { url } = await echo();
    const gatewayOf = (name: string, status: 'maintenance' | 'inactive') => ({
      name,
      status,
      upstreamServices: [{ name: 's', targets: [{ url }] }],
      endpoints: [{ method: 'GET' as const, path: '/', authRequired: false }],
    });
    const gateway = embed({ config: { gateways: [gatewayOf('a', 'maintenance'), gatewayOf('b', 'inactive')] } });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    assert.equal((await fetch(`http://127.0.0.1:${port}/a/`)).status, 503);
    assert.equal((await fetch(`http://127.0.0.1:${port}/b/`)).status, 404);
  });

  test('goes on when onRecord throws, and says so', async () => {
    const { url } = await echo();
    const logged: string[] = [];
    const gateway = embed({
      upstream: url,
      open: true,
      onRecord: () => {
        throw new Error('a defect of the program');
      },
      onLog: ({ message }) => void logged.push(message),
    });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    for (let i = 0; i < 3; i++) assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
    assert.ok(logged.includes('onRecord threw'));
  });

  test('goes on when onLog throws', async () => {
    const gateway = embed({
      upstream: await findDeadUrl(),
      open: true,
      onLog: () => {
        throw new Error('a defect of the program');
      },
    });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    for (let i = 0; i < 2; i++) assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 502);
  });

  test('opens the circuit of a target that fails, and says so', async () => {
    const service = { name: 's', targets: [{ url: await findDeadUrl() }], circuitBreaker: { failureThreshold: 2 } };
    const endpoint = { method: 'GET' as const, path: '/', authRequired: false };
    const logged: string[] = [];
    const gateway = embed({
      config: { gateways: [{ name: 'a', upstreamServices: [service], endpoints: [endpoint] }] },
      onLog: ({ message, fields }) => void logged.push(`${message} ${JSON.stringify(fields)}`),
    });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    const codes: unknown[] = [];
    // Each request is tried twice, so the first may open it already.
    for (let i = 0; i < 3; i++) codes.push(await codeOf(await fetch(`http://127.0.0.1:${port}/a/`)));
    assert.deepEqual([codes[0], codes[2]], ['upstream_unreachable', 'circuit_open']);
    assert.ok(logged.some((line) => /the circuit of a target has changed.*"state":"open"/.test(line)));
  });

  test('shows its service the credentials of the configuration, and a secret of another Tollgate to nobody', async () => {
    const { url } = await echo();
    const configOf = (token: string) => ({
      gateways: [
        {
          name: 'a',
          upstreamServices: [{ name: 's', targets: [{ url }], credentials: { type: 'bearer' as const, token } }],
          endpoints: [{ method: 'GET' as const, path: '/', authRequired: false }],
        },
      ],
    });
    const gateway = embed({ config: configOf('a-secret-of-ours') });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    const seen = await echoed(await fetch(`http://127.0.0.1:${port}/a/`));
    assert.equal(seen.headers['authorization'], 'Bearer a-secret-of-ours');
    await assert.rejects(gateway.reload({ config: configOf('sealed:AAAA') }), /sealed for another gateway/);
  });

  test('says how to listen', async () => {
    const gateway = embed({ upstream: await findDeadUrl(), open: true });
    // @ts-expect-error -- what a program in JavaScript may say
    await assert.rejects(gateway.listen(8080), /needs an object with the port/);
  });

  test('says that a port is taken, by another program and by itself', async () => {
    const { url } = await echo();
    const gateway = embed({ upstream: url, open: true });
    const taken = await serve(() => {});
    await assert.rejects(gateway.listen({ port: taken, host: '127.0.0.1' }), { code: 'EADDRINUSE' });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    await assert.rejects(gateway.listen({ port, host: '127.0.0.1' }), { code: 'EADDRINUSE' });
  });

  test('listens no more once it is closed', async () => {
    const { url } = await echo();
    const gateway = createGateway({ upstream: url, open: true });
    const { port } = await gateway.listen({ port: 0, host: '127.0.0.1' });
    assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
    await gateway.close();
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
  });
});

describe('what cannot be a gateway', () => {
  const url = 'http://127.0.0.1:1';
  const faulty: readonly [string, unknown, RegExp][] = [
    ['nothing', undefined, /needs an object/],
    ['neither configuration nor service', {}, /config: is missing/],
    ['both', { config: { gateways: [] }, upstream: url }, /upstream: goes without config/],
    ['an option that is not known', { upstrem: url }, /upstrem: is not known; did you mean upstream\?/],
    ['a service that is no URL', { upstream: '127.0.0.1:3000', open: true }, /upstream: must be an http/],
    [
      'a file that is not there',
      { config: '/nowhere/api.yaml' },
      /api\.yaml: cannot be read \(there is no such file\)/,
    ],
    ['a folder', { config: '/tmp' }, /\/tmp: cannot be read \(it is a folder\)/],
    ['keys that are asked for and not given', { upstream: url }, /keys: is missing: GET \/\* asks callers for a key/],
    [
      'a key in clear text',
      { upstream: url, keys: [{ name: 'a', hash: newKeyText('tg').text }] },
      /never the key itself/,
    ],
    ['a metadata service', { upstream: 'http://169.254.169.254', open: true }, /must not lead to 169\.254/],
    ['private targets', { upstream: url, open: true, privateTargets: 'refuse' }, /private networks are refused/],
    ['a secret that is too short', { upstream: url, open: true, hmacSecret: 'x' }, /at least 32 characters/],
    ['limits that are none', { upstream: url, open: true, limits: { bodyBytes: -1 } }, /bodyBytes must be a whole/],
    ['limits that are not known', { upstream: url, open: true, limits: { body: 1 } }, /limits: body is not known/],
    ['paths that are not known', { upstream: url, open: true, paths: { case: 'loud' } }, /case must be sensitive or/],
    ['proxies that are none', { upstream: url, open: true, trustedProxies: ['me'] }, /trustedProxies: must be a list/],
    ['a callback that is none', { upstream: url, open: true, onRecord: 'log' }, /onRecord: must be a function/],
    ['an open configuration', { config: { gateways: [] }, open: true }, /open: goes with upstream/],
  ];
  for (const [what, options, message] of faulty) {
    test(`is refused in words that help: ${what}`, () => {
      assert.throws(() => createGateway(options as GatewayOptions), { name: 'DeclarationError', message });
    });
  }

  test('is told whole: of options all, of files all', () => {
    const config = { gateways: [{ name: 'a', nme: 1 }, { routePrefix: 'x' }] };
    const options = { config, keys: [{ name: 'b' }] } as unknown as GatewayOptions;
    assert.throws(() => createGateway(options), {
      faults: [
        'config: gateways[0].nme is not known here; did you mean name?',
        'config: gateways[1].name is required',
        'config: gateways[1].routePrefix must begin with a slash, not end with one, and hold plain segments only, such as /shop/v1',
        'keys: [0].hash is required',
      ],
    });
  });
});
