// WebSockets: the key, the scopes and the limits first, then the switch, then bytes both ways until both sides have ended.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import {
  createEndpoint,
  createGateway,
  createKey,
  openWire,
  startDataPlane,
  valuesOf,
  type DataPlane,
  type Wire,
} from './harness/data-plane.ts';
import { startRawUpstream } from './harness/upstream.ts';

const KEY = createKey();
const NONCE = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = createHash('sha1').update(`${NONCE}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const SWITCH = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`;

interface Bench {
  readonly plane: DataPlane;
  readonly wire: Wire;
  readonly heads: readonly string[];
}

async function startBench(t: TestContext, answer: (socket: Socket, head: string) => void): Promise<Bench> {
  const upstream = await startRawUpstream(answer);
  t.after(() => upstream.close());
  const endpoints = [createEndpoint({ path: '/ws', policies: [{ name: 'api-key', config: {} }] })];
  const plane = await startDataPlane({ gateways: [createGateway(upstream.url, { endpoints })], keys: [KEY] });
  t.after(() => plane.close());
  const wire = await openWire(plane.port);
  t.after(() => wire.socket.destroy());
  return { plane, wire, heads: upstream.heads };
}

const ask = (key: string, ...more: readonly string[]): string =>
  [
    'GET /ws HTTP/1.1',
    'Host: gateway',
    `X-API-Key: ${key}`,
    'Connection: keep-alive, Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Key: ${NONCE}`,
    'Sec-WebSocket-Version: 13',
    ...more,
    '\r\n',
  ].join('\r\n');

describe('a WebSocket', () => {
  test('goes both ways after the switch, and leaves one record when both sides have ended', async (t) => {
    const { wire, heads, plane } = await startBench(t, (socket) => {
      socket.removeAllListeners('data').setEncoding('latin1');
      socket.on('data', (text: string) => void socket.write(`echo:${text}`));
      socket.write(`${SWITCH}hello`);
    });
    wire.send(ask(KEY.text));
    const answer = await wire.readTo('\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 101 /);
    assert.match(answer, /\r\nconnection: upgrade\r\n/i);
    assert.match(answer, /\r\nupgrade: websocket\r\n/i);
    assert.equal(await wire.readTo('hello'), 'hello');
    wire.send('ping');
    assert.equal(await wire.readTo('echo:ping'), 'echo:ping');
    wire.socket.end();
    assert.deepEqual(await wire.readRest(), { text: '', end: 'clean' });
    assert.match(heads[0] ?? '', /\r\nconnection: upgrade\r\n/i);
    assert.ok(!(heads[0] ?? '').includes(KEY.text));
    const [record] = await plane.sink.wait(1);
    assert.deepEqual([record?.status, record?.requestBytes, record?.responseBytes], [101, 4, 14]);
  });

  test('has no length, whatever the upstream says (RFC 9110 §8.6)', async (t) => {
    const { wire } = await startBench(
      t,
      (socket) => void socket.write(`${SWITCH.slice(0, -2)}Content-Length: 3\r\n\r\nhello`),
    );
    wire.send(ask(KEY.text));
    assert.doesNotMatch(await wire.readTo('\r\n\r\n'), /content-length/i);
    assert.equal(await wire.readTo('hello'), 'hello');
  });

  test('takes what the caller sends right behind the request', async (t) => {
    const { wire } = await startBench(t, (socket) => {
      socket.removeAllListeners('data').setEncoding('latin1');
      socket.on('data', (text: string) => void socket.end(`echo:${text}`));
      socket.write(SWITCH);
    });
    wire.send(`${ask(KEY.text)}early`);
    await wire.readTo('\r\n\r\n');
    assert.equal(await wire.readTo('echo:early'), 'echo:early');
  });

  test('lets one side go on when the other has ended', async (t) => {
    const { wire } = await startBench(t, (socket) => {
      const received: string[] = [];
      socket.removeAllListeners('data').setEncoding('latin1');
      socket.on('data', (text: string) => received.push(text));
      socket.on('end', () => void socket.end(`got ${received.join('')}`));
      socket.write(SWITCH);
    });
    wire.send(ask(KEY.text));
    await wire.readTo('\r\n\r\n');
    wire.socket.end('all there is');
    assert.equal((await wire.readRest()).text, 'got all there is');
  });

  test('is for callers with a key: without one 401, and the upstream is not asked', async (t) => {
    const { wire, heads } = await startBench(t, (socket) => void socket.write(SWITCH));
    wire.send(ask('tg_live_nothing'));
    assert.equal((await wire.readAnswer()).status, 401);
    assert.equal(heads.length, 0);
  });

  const wrong: readonly [name: string, answer: string][] = [
    ['a wrong accept key', SWITCH.replace(ACCEPT, 'bm90IHRoZSByaWdodCBvbmU=')],
    ['no accept key', SWITCH.replace(/Sec-WebSocket-Accept: [^\r]*\r\n/, '')],
    ['another protocol', SWITCH.replace('Upgrade: websocket', 'Upgrade: h2c')],
    ['no Connection: Upgrade', SWITCH.replace('Connection: Upgrade\r\n', '')],
  ];
  for (const [name, answer] of wrong) {
    test(`is not switched on ${name}: 502`, async (t) => {
      const { wire } = await startBench(t, (socket) => void socket.write(`${answer}raw`));
      wire.send(ask(KEY.text));
      const got = await wire.readAnswer();
      assert.equal(got.status, 502);
      assert.ok(!got.body.includes('raw'));
    });
  }

  test('that the upstream declines is answered like any request, and the connection goes on', async (t) => {
    const { wire } = await startBench(
      t,
      (socket) => void socket.write('HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\n\r\nno'),
    );
    for (let i = 0; i < 2; i++) {
      wire.send(ask(KEY.text));
      const answer = await wire.readAnswer();
      assert.deepEqual([answer.status, answer.body.toString()], [426, 'no']);
    }
  });

  test('is nothing for other protocols: the wish is not passed on', async (t) => {
    const { wire, heads } = await startBench(
      t,
      (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
    );
    wire.send(ask(KEY.text).replace('Upgrade: websocket', 'Upgrade: h2c'));
    assert.deepEqual(valuesOf((await wire.readAnswer()).headers, 'upgrade'), []);
    assert.doesNotMatch(heads[0] ?? '', /upgrade/i);
  });

  test('whose upstream breaks is broken, too', async (t) => {
    const { wire } = await startBench(t, (socket) => void socket.write(SWITCH, () => socket.resetAndDestroy()));
    wire.send(ask(KEY.text));
    await wire.readTo('\r\n\r\n');
    assert.equal((await wire.readRest()).end, 'broken');
  });

  test('whose caller breaks ends at the upstream, too', async (t) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { wire } = await startBench(t, (socket) => {
      socket.on('close', () => resolve());
      socket.write(SWITCH);
    });
    wire.send(ask(KEY.text));
    await wire.readTo('\r\n\r\n');
    wire.socket.resetAndDestroy();
    await promise;
  });
});
