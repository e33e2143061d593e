// Requests that are spread over services, and copied to a shadow, on real sockets.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import type { GatewayConfig, ServiceConfig } from '../src/gateway/snapshot.ts';
import { ask, createEndpoint, createGateway, type DataPlane, openWire, startDataPlane } from './harness/data-plane.ts';
import {
  findDeadUrl,
  type RawUpstream,
  type ReadingUpstream,
  startRawUpstream,
  startReadingUpstream,
} from './harness/upstream.ts';

type Traffic = NonNullable<GatewayConfig['endpoints'][number]['traffic']>;

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const GET = 'GET /x?y=1 HTTP/1.1\r\nHost: h\r\n\r\n';
const MIRROR = { service: 'shadow', percent: 100, timeoutMs: 5_000 };

const serviceOf = (name: string, url: string, more: Partial<ServiceConfig> = {}): ServiceConfig => ({
  name,
  targets: [{ url }],
  stripPrefix: false,
  ...more,
});

async function raw(t: TestContext, answer: (socket: Socket) => void): Promise<RawUpstream> {
  const upstream = await startRawUpstream(answer);
  t.after(() => upstream.close());
  return upstream;
}

async function reading(t: TestContext, answer: (socket: Socket) => void): Promise<ReadingUpstream> {
  const upstream = await startReadingUpstream(answer);
  t.after(() => upstream.close());
  return upstream;
}

const answering = (name: string) => (socket: Socket) =>
  void socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`);

async function start(t: TestContext, services: readonly ServiceConfig[], traffic: Traffic): Promise<DataPlane> {
  const [first] = services;
  const endpoints = ['GET', 'POST'].map((method) => createEndpoint({ method, service: first?.name ?? '', traffic }));
  const plane = await startDataPlane({
    gateways: [createGateway('', { services: [...services], endpoints })],
    trustedProxies: ['127.0.0.1'],
  });
  t.after(() => plane.close());
  return plane;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => void setImmediate(resolve));
}

const bodyOf = async (plane: DataPlane, request: string): Promise<string> =>
  (await ask(plane.port, request)).body.toString('latin1');

const post = (body: string): string => `POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('a split', () => {
  test('sends a request where its header says, in that service’s own way, and the record names the service', async (t) => {
    const [stable, canary] = [await raw(t, answering('stable')), await raw(t, answering('canary'))];
    const services = [
      serviceOf('stable', stable.url),
      serviceOf('canary', canary.url, { pathRewrite: [{ pattern: '^/x', replacement: '/v2/x' }] }),
    ];
    const when = { header: { name: 'x-canary', value: '1' } };
    const plane = await start(t, services, { split: [{ service: 'canary', timeoutMs: 5_000, when }] });
    assert.equal(await bodyOf(plane, GET), 'stable');
    assert.equal(await bodyOf(plane, GET.replace('Host: h', 'Host: h\r\nX-Canary: 1')), 'canary');
    assert.equal(await bodyOf(plane, GET.replace('Host: h', 'Host: h\r\nX-Canary: 2')), 'stable');
    assert.match(canary.heads[0] ?? '', /^GET \/v2\/x\?y=1 /);
    const records = await plane.sink.wait(3);
    assert.deepEqual(
      records.map(({ service }) => service),
      ['stable', 'canary', 'stable'],
    );
    assert.deepEqual(
      records.map(({ target }) => target),
      [stable.url, canary.url, stable.url],
    );
  });

  test('shares callers by weight, and each stays where it is, through a deploy of other weights as well', async (t) => {
    const [a, b] = [await raw(t, answering('a')), await raw(t, answering('b'))];
    const services = [serviceOf('a', a.url), serviceOf('b', b.url)];
    const splitOf = (first: number, second: number): Traffic => ({
      split: [
        { service: 'a', timeoutMs: 5_000, weight: first },
        { service: 'b', timeoutMs: 5_000, weight: second },
      ],
    });
    const plane = await start(t, services, splitOf(7, 3));
    const wire = await openWire(plane.port);
    t.after(() => wire.socket.destroy());
    const askFrom = async (address: string): Promise<string> => {
      wire.send(GET.replace('Host: h', `Host: h\r\nX-Forwarded-For: ${address}`));
      return (await wire.readAnswer()).body.toString('latin1');
    };
    const addresses = Array.from({ length: 300 }, (_, i) => `198.51.${i >> 8}.${i & 255}`);
    const before = new Map<string, string>();
    for (const address of addresses) before.set(address, await askFrom(address));
    const part = [...before.values()].filter((name) => name === 'b').length;
    assert.ok(part > 60 && part < 120, `${part} of 300`);
    for (const [address, name] of before) assert.equal(await askFrom(address), name);
    const endpoints = [createEndpoint({ service: 'a', traffic: splitOf(5, 5) })];
    plane.swap({ gateways: [createGateway('', { services, endpoints })] });
    for (const [address, name] of before) if (name === 'b') assert.equal(await askFrom(address), 'b');
  });

  test('keeps the service that only a split leads to, and its breaker', async (t) => {
    const [stable, canary] = [await raw(t, answering('stable')), await findDeadUrl()];
    const services = [
      serviceOf('stable', stable.url),
      serviceOf('canary', canary, { circuitBreaker: { failureThreshold: 2, resetMs: 60_000, trials: 1 } }),
    ];
    const when = { header: { name: 'x-canary' } };
    const plane = await start(t, services, { split: [{ service: 'canary', timeoutMs: 5_000, when }] });
    const canaries = GET.replace('Host: h', 'Host: h\r\nX-Canary: 1');
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await ask(plane.port, canaries)).status);
    assert.deepEqual(statuses, [502, 502, 503, 503]);
    assert.equal(await bodyOf(plane, GET), 'stable');
  });
});

describe('a mirror', () => {
  test('sends the shadow the request with its body, marked, under the same id, and once', async (t) => {
    const [main, shadow] = [await reading(t, answering('main')), await raw(t, answering('shadow'))];
    const bodies = await reading(t, answering('shadow'));
    for (const [url, body] of [
      [shadow.url, ''],
      [bodies.url, 'hello'],
    ] as const) {
      const plane = await start(t, [serviceOf('main', main.url), serviceOf('shadow', url)], { mirror: MIRROR });
      const marked = 'Host: h\r\nTollgate-Mirror: 7\r\nX-Request-Id: abc';
      assert.equal(await bodyOf(plane, post(body).replace('Host: h', marked)), 'main');
    }
    await until(() => shadow.heads.length === 1 && bodies.bodies.length === 1);
    const [head = ''] = shadow.heads;
    assert.match(head, /^POST \/x HTTP\/1\.1\r\n/);
    assert.deepEqual(head.match(/tollgate-mirror: .*/gi), ['tollgate-mirror: 1']);
    assert.match(head, /x-request-id: abc/);
    assert.deepEqual([bodies.bodies, main.bodies], [['hello'], ['', 'hello']]);
  });

  test('says nothing of it to the service itself, whatever the caller writes', async (t) => {
    const [main, shadow] = [await raw(t, answering('main')), await raw(t, answering('shadow'))];
    const plane = await start(t, [serviceOf('main', main.url), serviceOf('shadow', shadow.url)], { mirror: MIRROR });
    await ask(plane.port, GET.replace('Host: h', 'Host: h\r\nTollgate-Mirror: 1'));
    assert.doesNotMatch(main.heads[0] ?? '', /mirror/i);
  });

  const failing: readonly (readonly [what: string, fail: (socket: Socket) => void])[] = [
    ['hangs', () => undefined],
    ['resets', (socket) => void socket.resetAndDestroy()],
    ['closes', (socket) => void socket.end()],
    ['answers 500', (socket) => void socket.write('HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n')],
    ['speaks no HTTP', (socket) => void socket.write('\u0000\u0001garbage\r\n\r\n')],
    ['breaks off', (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')],
    [
      'answers without end',
      (socket) => {
        const chunk = Buffer.alloc(65_536, 97);
        const pour = (): void => {
          while (!socket.destroyed && socket.write(chunk));
        };
        socket.on('drain', pour);
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n');
        pour();
      },
    ],
  ];
  for (const [what, fail] of failing) {
    test(`is not felt when the shadow ${what}`, async (t) => {
      const [main, shadow] = [await raw(t, answering('main')), await raw(t, fail)];
      const services = [serviceOf('main', main.url), serviceOf('shadow', shadow.url)];
      const plane = await start(t, services, { mirror: { ...MIRROR, timeoutMs: 300 } });
      for (let i = 0; i < 20; i++) {
        assert.equal(await bodyOf(plane, GET), 'main');
        assert.equal(await bodyOf(plane, post('some body')), 'main');
      }
      await until(() => shadow.heads.length > 0);
      assert.deepEqual([plane.failures, plane.defects], [[], []]);
      const records = await plane.sink.wait(40);
      assert.ok(records.every(({ status, service }) => status === 200 && service === 'main'));
    });
  }

  test('is not felt when the shadow refuses connections', async (t) => {
    const main = await reading(t, answering('main'));
    const services = [serviceOf('main', main.url), serviceOf('shadow', await findDeadUrl())];
    const plane = await start(t, services, { mirror: MIRROR });
    for (let i = 0; i < 20; i++) assert.equal(await bodyOf(plane, post('some body')), 'main');
    assert.deepEqual([plane.failures, plane.defects], [[], []]);
  });

  test('lets a long body go to the service alone, however slow the shadow is', async (t) => {
    const body = 'x'.repeat(1_000_000);
    const [main, shadow] = [await reading(t, answering('main')), await raw(t, () => undefined)];
    const plane = await start(t, [serviceOf('main', main.url), serviceOf('shadow', shadow.url)], { mirror: MIRROR });
    assert.equal(await bodyOf(plane, post(body)), 'main');
    const size = body.length.toString(16);
    const wire = await openWire(plane.port);
    t.after(() => wire.socket.destroy());
    wire.send(`POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\n${body}\r\n0\r\n\r\n`);
    await wire.readAnswer();
    assert.equal(main.bodies[0]?.length, body.length);
    assert.equal(shadow.heads.length, 0);
  });

  test('holds no more than its share of copies at once, and takes more when some are over', async (t) => {
    const held: Socket[] = [];
    const [main, shadow] = [await raw(t, answering('main')), await raw(t, (socket) => void held.push(socket))];
    const plane = await start(t, [serviceOf('main', main.url), serviceOf('shadow', shadow.url)], { mirror: MIRROR });
    const wire = await openWire(plane.port);
    t.after(() => wire.socket.destroy());
    const askMore = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        wire.send(GET);
        assert.equal((await wire.readAnswer()).status, 200);
      }
    };
    await askMore(150);
    await until(() => held.length === 100);
    await askMore(10);
    assert.deepEqual([held.length, main.heads.length], [100, 160]);
    for (const socket of held.splice(0)) socket.write(OK);
    while (held.length === 0) await askMore(1);
  });

  test('sends no copy of what did not come whole, and keeps no place for it', async (t) => {
    const [main, shadow] = [await raw(t, () => undefined), await raw(t, answering('shadow'))];
    const plane = await start(t, [serviceOf('main', main.url), serviceOf('shadow', shadow.url)], { mirror: MIRROR });
    for (let i = 1; i <= 120; i++) {
      const wire = await openWire(plane.port);
      wire.send('POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf');
      await until(() => main.heads.length === i);
      wire.socket.destroy();
      await plane.sink.wait(i);
    }
    assert.equal(shadow.heads.length, 0);
    const wire = await openWire(plane.port);
    t.after(() => wire.socket.destroy());
    wire.send(post('whole'));
    await until(() => shadow.heads.length === 1);
  });

  test('copies a part of the requests, and none of the WebSockets', async (t) => {
    const [main, shadow] = [await raw(t, answering('main')), await raw(t, answering('shadow'))];
    const services = [serviceOf('main', main.url), serviceOf('shadow', shadow.url)];
    const plane = await start(t, services, { mirror: { ...MIRROR, percent: 25 } });
    const wire = await openWire(plane.port);
    t.after(() => wire.socket.destroy());
    for (let i = 0; i < 400; i++) {
      wire.send(GET);
      await wire.readAnswer();
    }
    const { length: copied } = shadow.heads;
    assert.ok(copied > 50 && copied < 160, `${copied} of 400`);
    const upgrade = 'Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
    const whole = await start(t, services, { mirror: MIRROR });
    await ask(whole.port, GET.replace('Host: h', `Host: h\r\n${upgrade}\r\nSec-WebSocket-Version: 13`));
    assert.equal(await bodyOf(whole, GET), 'main');
    await until(() => shadow.heads.length === copied + 1);
    assert.doesNotMatch(shadow.heads.at(-1) ?? '', /upgrade/i);
  });
});
