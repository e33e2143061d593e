// Requests on real sockets, through the data plane and back.

import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, test } from 'node:test';
import { ask, createEndpoint, createGateway, createKey, startDataPlane, valuesOf } from './harness/data-plane.ts';
import {
  KEY,
  OK,
  WITH_KEY,
  answerOk,
  head,
  open,
  startBefore,
  startGood,
  startRaw,
  yieldTurns,
} from './data-plane.fixture.ts';

/** The headers of a request's head as they came, flat. */
function headersOf(sent: string | undefined): string[] {
  const lines = (sent ?? '').split('\r\n').slice(1);
  return lines.flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]);
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
