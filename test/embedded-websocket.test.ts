// WebSockets through a gateway inside another program: where it listens, and behind the server of another.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { cleanUp, cleanups, createRecorder, embed, makeKey, serve } from './embedded.fixture.ts';
import { ask, openWire, type Wire } from './harness/data-plane.ts';
import { startRawUpstream, type RawUpstream } from './harness/upstream.ts';

afterEach(cleanUp);

const NONCE = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = createHash('sha1').update(`${NONCE}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const SWITCH = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`;

const wish = (...more: readonly string[]): string =>
  [
    'GET /ws HTTP/1.1',
    'Host: a.test',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Key: ${NONCE}`,
    'Sec-WebSocket-Version: 13',
    ...more,
    '\r\n',
  ].join('\r\n');

async function service(answer: (socket: Socket, head: string) => void): Promise<RawUpstream> {
  const raw = await startRawUpstream((socket, head) => {
    if (/upgrade: websocket/i.test(head)) socket.removeAllListeners('data').setEncoding('latin1');
    answer(socket, head);
  });
  cleanups.push(() => raw.close());
  return raw;
}

async function wireTo(port: number): Promise<Wire> {
  const wire = await openWire(port);
  cleanups.push(async () => wire.socket.destroy());
  return wire;
}

/** A gateway behind another program's server, whose own answer to everything is 204. */
async function behindServer(url: string) {
  const { text, entry } = makeKey('caller', { rateLimit: { requestsPerDay: 2 } });
  const recorder = createRecorder();
  const gateway = embed({ upstream: url, keys: [entry], onRecord: recorder.onRecord });
  const port = await serve((_request, response) => response.writeHead(204).end(), gateway.upgrade);
  return { port, key: `X-API-Key: ${text}`, recorder, gateway };
}

describe('a WebSocket', () => {
  test('is switched to where the gateway listens', async () => {
    const { url } = await service((socket) => void socket.write(`${SWITCH}hello`));
    const gateway = embed({ upstream: url, open: true });
    const wire = await wireTo((await gateway.listen({ port: 0, host: '127.0.0.1' })).port);
    wire.send(wish());
    assert.equal((await wire.readAnswer()).status, 101);
    assert.equal(await wire.readTo('hello'), 'hello');
  });

  test('gets what the service says to a plain request where the server tells nobody of upgrades', async () => {
    const { url } = await service(
      (socket) => void socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n'),
    );
    const port = await serve(embed({ upstream: url, open: true }).handler);
    assert.equal((await ask(port, wish())).status, 426);
  });
});

describe("a WebSocket behind another program's server", () => {
  test('goes both ways after the switch, and leaves one record when both sides have ended', async () => {
    const { url, heads } = await service((socket) => {
      socket.on('data', (text: string) => void socket.write(`echo:${text}`));
      socket.on('end', () => void socket.end('bye'));
      socket.write(`${SWITCH}hello`);
    });
    const { port, key, recorder } = await behindServer(url);
    const wire = await wireTo(port);
    wire.send(`${wish(key)}early`);
    const answer = await wire.readTo('\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 101 /);
    assert.match(answer, /\r\nx-request-id: req_/i);
    await wire.readTo('echo:early');
    wire.send('ping');
    await wire.readTo('echo:ping');
    wire.socket.end();
    assert.deepEqual(await wire.readRest(), { text: 'bye', end: 'clean' });
    assert.doesNotMatch(heads[0] ?? '', /x-api-key/i);
    await recorder.until(1);
    const { status, keyId, requestBytes } = recorder.records[0] ?? {};
    assert.deepEqual([status, keyId, requestBytes], [101, 'caller', 9]);
  });

  test('is for callers with a key and within its limits; whoever is refused is let go, and the service not asked', async () => {
    const { url, heads } = await service((socket) => void socket.write(SWITCH));
    const { port, key } = await behindServer(url);
    for (const [more, status] of [
      [[], 401],
      [['X-API-Key: tg_live_nothing'], 401],
      [[key], 101],
      [[key], 101],
      [[key], 429],
    ] as const) {
      const wire = await wireTo(port);
      wire.send(wish(...more));
      assert.match(await wire.readTo('\r\n\r\n'), new RegExp(`^HTTP/1\\.1 ${status} `));
      if (status === 101) wire.socket.destroy();
      else assert.equal((await wire.readRest()).end, 'clean');
    }
    assert.equal(heads.length, 2);
  });

  test('takes with it nothing that was sent behind a refused wish', async () => {
    const { url } = await service((socket) => void socket.write(SWITCH));
    const { port } = await behindServer(url);
    const wire = await wireTo(port);
    wire.send(`${wish()}GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n`);
    const { text } = await wire.readRest();
    assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 1, text);
    assert.match(text, /connection: close/i);
  });

  test('is not switched on an answer that does not agree to it: 502', async () => {
    const { url } = await service((socket) => void socket.write(`${SWITCH.replace(ACCEPT, 'bm90IHRoZSBvbmU=')}raw`));
    const { port, key } = await behindServer(url);
    const wire = await wireTo(port);
    wire.send(wish(key));
    const { text } = await wire.readRest();
    assert.match(text, /^HTTP\/1\.1 502 /);
    assert.ok(!text.includes('raw'));
  });

  test('waits with the service when the caller does not read', async () => {
    const total = 512 * 65_536;
    let written = 0;
    const { url } = await service((socket) => {
      socket.write(SWITCH);
      const pump = (): void => {
        while (written < total) {
          written += 65_536;
          if (!socket.write(Buffer.alloc(65_536, 'x'))) return void socket.once('drain', pump);
        }
        socket.end();
      };
      pump();
    });
    const { port, key } = await behindServer(url);
    const slow = await wireTo(port);
    slow.socket.pause();
    slow.send(wish(key));
    // As long as another one takes for all of it.
    const quick = embed({ upstream: (await flood(total)).url, open: true });
    assert.ok((await countRest(await serve(() => {}, quick.upgrade))) > total);
    assert.ok(written < total, 'a caller who does not read got all of it');
  });

  test('whose service breaks is broken, too', async () => {
    const { url } = await service((socket) => void socket.write(SWITCH, () => socket.resetAndDestroy()));
    const { port, key } = await behindServer(url);
    const wire = await wireTo(port);
    wire.send(wish(key));
    await wire.readTo('\r\n\r\n');
    assert.equal((await wire.readRest()).end, 'broken');
  });

  test('leaves the other requests of the server alone', async () => {
    const { url } = await service((socket) => void socket.write(SWITCH));
    const { port } = await behindServer(url);
    assert.equal((await fetch(`http://127.0.0.1:${port}/own`)).status, 204);
  });

  test('lets nothing that a program rewrote become another field', async () => {
    const { url, heads } = await service((socket) => void socket.write(SWITCH));
    const { gateway } = await behindServer(url);
    const port = await serve(
      () => {},
      (request, socket, head) => {
        request.rawHeaders.push('x-a', '1\r\nx-evil: 1');
        gateway.upgrade(request, socket, head);
      },
    );
    assert.equal((await ask(port, wish())).status, 400);
    assert.deepEqual(heads, []);
  });

  test('is waited for when the gateway closes', async () => {
    const { url } = await service((socket) => {
      socket.on('end', () => void socket.end());
      socket.write(SWITCH);
    });
    const { port, key, gateway } = await behindServer(url);
    const wire = await wireTo(port);
    wire.send(wish(key));
    await wire.readTo('\r\n\r\n');
    let isClosed = false;
    const closed = gateway.close().then(() => (isClosed = true));
    await new Promise(setImmediate);
    assert.equal(isClosed, false);
    wire.socket.end();
    await closed;
  });
});

/** A service that sends so much behind the switch, and ends. */
async function flood(bytes: number): Promise<RawUpstream> {
  return service((socket) => {
    socket.write(SWITCH);
    socket.end(Buffer.alloc(bytes, 'x'));
  });
}

/** The bytes of all that is answered to the wish. */
async function countRest(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  cleanups.push(async () => socket.destroy());
  socket.write(wish());
  let count = 0;
  for await (const chunk of socket) count += Buffer.byteLength(chunk);
  return count;
}
