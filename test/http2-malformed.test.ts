// Requests over HTTP/2 that break its rules (RFC 9113 §8).

import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { END_STREAM, FRAME, type Outcome } from './harness/http2-wire.ts';
import {
  CERTIFICATE,
  answerOk,
  openWire,
  startBefore,
  startGood,
  startRaw,
  statusesOf,
  toFields,
} from './http2.fixture.ts';

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
