// Every Exchange has one hidden class, whatever became of it: the engine's inline caches on the request path stay of one form.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { Type } from 'typebox';
import type { Exchange } from '../src/gateway/exchange.ts';
import type { Policy } from '../src/gateway/policy.ts';
import {
  type Answer,
  ask,
  createEndpoint,
  createGateway,
  createKey,
  openWire,
  startDataPlane,
} from './harness/data-plane.ts';
import { findDeadUrl, startRawUpstream } from './harness/upstream.ts';

const haveSameMap = ((): ((a: object, b: object) => boolean) => {
  setFlagsFromString('--allow-natives-syntax');
  const native: unknown = runInThisContext('(a, b) => %HaveSameMap(a, b)');
  assert.ok(typeof native === 'function');
  return (a, b) => Reflect.apply(native, undefined, [a, b]) === true;
})();

test('the comparison tells shapes apart', () => {
  class Point {
    x = 1;
  }
  const odd = Object.assign(new Point(), { y: 1 });
  assert.ok(haveSameMap(new Point(), new Point()));
  assert.ok(!haveSameMap(new Point(), odd));
});

/** Leaves on the exchange what a limit leaves. */
const limiting: Policy = {
  name: 'limiting',
  stage: 'limit',
  config: Type.Object({}),
  compile: () => ({
    onRequest(exchange) {
      exchange.verdict = { outcome: 'unavailable', reason: 'a test' };
      exchange.rateLimited = true;
      return undefined;
    },
  }),
};

const head = (line: string, ...headers: readonly string[]): string =>
  [`${line} HTTP/1.1`, 'Host: h', ...headers, '', ''].join('\r\n');

test('every exchange has the same shape, however it came about and ended', async (t) => {
  const upstream = await startRawUpstream((socket, request) => {
    if (request.includes('/breaks')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    else if (!request.includes('/hangs')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  t.after(() => upstream.close());
  const dead = createGateway(await findDeadUrl(), { id: 'gw_2', name: 'dead', routePrefix: '/dead' });
  const management = createGateway(upstream.url, { id: null, name: 'management', routePrefix: '/managed' });
  const key = createKey({}, ['orders:read']);
  const withKey = { name: 'api-key', config: {} };
  const endpoints = [
    createEndpoint(),
    createEndpoint({ method: 'POST' }),
    createEndpoint({ path: '/private', policies: [withKey] }),
    createEndpoint({ path: '/orders', policies: [withKey, { name: 'scopes', config: { required: ['orders:read'] } }] }),
    createEndpoint({ path: '/admin', policies: [withKey, { name: 'scopes', config: { required: ['admin:*'] } }] }),
    createEndpoint({ path: '/limited', policies: [{ name: 'limiting', config: {} }] }),
  ];
  const ended: Exchange[] = [];
  const plane = await startDataPlane({
    gateways: [createGateway(upstream.url, { routePrefix: '/shop', endpoints }), dead, management],
    keys: [key],
    policies: [limiting],
    trustedProxies: ['127.0.0.1'],
    onFinish: (exchange) => ended.push(exchange),
  });
  t.after(() => plane.close());

  const withHeader = `X-API-Key: ${key.text}`;
  const answered: readonly [status: number, request: string][] = [
    // Those first that leave most fields as they were born: a field that later gets a value of another kind would give a new shape.
    [404, head('GET /nowhere')],
    [400, 'NONSENSE\r\n\r\n'],
    [200, head('GET /shop/')],
    [200, head('GET /shop/a?b=c')],
    [200, head('GET /shop/a', 'X-Forwarded-For: 203.0.113.9, 192.0.2.1', 'X-Request-Id: of-the-proxy')],
    [
      200,
      head('GET /shop/a', 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'tracestate: a=1'),
    ],
    [508, head('GET /shop/a', 'Via: 1.1 tollgate-test')],
    [200, `${head('POST /shop/', 'Content-Length: 2')}ab`],
    [200, head('GET /shop/private', withHeader)],
    [401, head('GET /shop/private')],
    [200, head('GET /shop/orders', withHeader)],
    [403, head('GET /shop/admin', withHeader)],
    [200, head('GET /shop/limited')],
    [405, head('DELETE /shop/')],
    [200, head('GET /managed/', withHeader)],
    [400, head('GET /a/../b')],
    [502, head('GET /dead/')],
    [200, head('GET /shop/')],
  ];
  let count = 0;
  for (const [status, request] of answered) {
    const answer: Answer = await ask(plane.port, request);
    assert.equal(answer.status, status, request);
    await plane.sink.wait(++count);
  }
  for (const request of [
    head('GET /shop/breaks'),
    head('GET /shop/hangs'),
    `${head('POST /shop/hangs', 'Content-Length: 10')}half`,
  ]) {
    const wire = await openWire(plane.port);
    wire.send(request);
    if (request.includes('/breaks')) await wire.readTo('half');
    else
      while (!upstream.heads.some((sent) => sent.startsWith(request.slice(0, 10))))
        await new Promise((resolve) => void setImmediate(resolve));
    wire.socket.resetAndDestroy();
    await plane.sink.wait(++count);
  }

  assert.equal(ended.length, count);
  const statuses = new Set(plane.sink.records.map((record) => record.status));
  assert.deepEqual([...statuses].toSorted(), [200, 400, 401, 403, 404, 405, 499, 502, 508]);
  const [first, ...others] = ended;
  assert.ok(first !== undefined);
  for (const other of others)
    assert.ok(haveSameMap(first, other), `${other.method} ${other.path} (${other.status}) has another shape`);
});
