// The handler of a gateway inside another program, behind that program's own server.

import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { text as readAll } from 'node:stream/consumers';
import { afterEach, describe, test } from 'node:test';
import { cleanUp, cleanups, codeOf, createRecorder, echo, echoed, embed, serve, upstream } from './embedded.fixture.ts';
import { ask, openWire } from './harness/data-plane.ts';
import { startRawUpstream } from './harness/upstream.ts';

afterEach(cleanUp);

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
