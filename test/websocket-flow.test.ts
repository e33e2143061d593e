// WebSockets that wait: bytes go no faster than they are taken, in either direction, and silence is no fault.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createFakeClock, type DataPlaneOptions, type Wire } from './harness/data-plane.ts';
import { head, open, startBefore, startRaw, yieldTurns } from './data-plane.fixture.ts';

const NONCE = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = createHash('sha1').update(`${NONCE}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const SWITCH = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`;

const TOTAL_BYTES = 256 * 1024 * 1024;
// What the kernel holds between four sockets, generously; far from what a gateway without backpressure would hold.
const MAX_UNDERWAY_BYTES = 32 * 1024 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 'x');

/** A WebSocket that stands, and the upstream's end of it, which nobody reads yet. */
async function openTunnel(
  t: TestContext,
  edge: DataPlaneOptions['edge'] = {},
): Promise<{ readonly wire: Wire; readonly upstream: Socket }> {
  const switched = Promise.withResolvers<Socket>();
  const { url } = await startRaw(t, (socket) => {
    socket.removeAllListeners('data').pause();
    socket.write(SWITCH);
    switched.resolve(socket);
  });
  const plane = await startBefore(t, url, { edge });
  const wire = await open(t, plane);
  const fields = ['Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Key: ${NONCE}`];
  wire.send(head('GET /open/', ...fields, 'Sec-WebSocket-Version: 13'));
  await wire.readTo('\r\n\r\n');
  return { wire, upstream: await switched.promise };
}

/** Writes all of it into one end while the other takes it slowly; the most that was under way meanwhile. */
async function mostUnderway(from: Socket, to: Socket): Promise<number> {
  let sent = 0;
  let most = 0;
  let received = 0;
  const pump = (): void => {
    while (sent < TOTAL_BYTES) {
      sent += CHUNK.length;
      if (!from.write(CHUNK)) return void from.once('drain', pump);
    }
  };
  pump();
  to.removeAllListeners('data').setEncoding('latin1');
  for await (const text of to) {
    received += String(text).length;
    await yieldTurns(10);
    most = Math.max(most, sent - received);
    if (received >= TOTAL_BYTES) break;
  }
  return most;
}

describe('a WebSocket', () => {
  test('brings the caller no more than they take', async (t) => {
    const { wire, upstream } = await openTunnel(t);
    const most = await mostUnderway(upstream, wire.socket);
    assert.ok(most < MAX_UNDERWAY_BYTES, `${most} bytes were under way`);
  });

  test('brings the upstream no more than it takes', async (t) => {
    const { wire, upstream } = await openTunnel(t);
    const most = await mostUnderway(wire.socket, upstream);
    assert.ok(most < MAX_UNDERWAY_BYTES, `${most} bytes were under way`);
  });

  test('may be silent for as long as it likes', async (t) => {
    const clock = createFakeClock();
    const { wire, upstream } = await openTunnel(t, { clock, limits: { minBytesPerSecond: 100 } });
    for (let hour = 0; hour < 3; hour++) {
      clock.advance(3_600_000);
      await setTimeout(250);
    }
    upstream.write('still here');
    assert.equal(await wire.readTo('here'), 'still here');
  });
});
