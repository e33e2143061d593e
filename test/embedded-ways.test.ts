// What a gateway inside another program does, listening by itself and behind the server of another: the same.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, test } from 'node:test';
import type { Gateway } from '../src/embedded/index.ts';
import { newKeyText } from '../src/lib/key-text.ts';
import {
  cleanUp,
  cleanups,
  codeOf,
  createRecorder,
  echo,
  echoed,
  embed,
  makeKey,
  serve,
  upstream,
} from './embedded.fixture.ts';
import { ask, openWire } from './harness/data-plane.ts';
import { findDeadUrl, startRawUpstream } from './harness/upstream.ts';

afterEach(cleanUp);

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
