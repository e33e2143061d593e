// Callers over HTTP/2 who are too slow lose their stream, or the connection where nothing else is on it; and nobody else does.

import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createFakeClock, type FakeClock } from './harness/data-plane.ts';
import { FRAME, type Http2Wire } from './harness/http2-wire.ts';
import { CERTIFICATE, type Http2Plane, openWire, startBefore, startGood, toFields } from './http2.fixture.ts';

const WINDOW_MS = 11_000;
const NO_FLAGS = 0;

interface Bench {
  readonly plane: Http2Plane;
  readonly wire: Http2Wire;
  readonly clock: FakeClock;
  readonly received: () => number;
  /** The paths of the requests that came whole. */
  readonly whole: readonly (string | undefined)[];
}

/** `/long` has a long answer. */
async function startBench(t: TestContext): Promise<Bench> {
  let received = 0;
  const whole: (string | undefined)[] = [];
  const upstream = await startGood(t, (request, response) => {
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => (received += chunk.length));
    request.on('end', () => {
      whole.push(request.url);
      response.end(request.url === '/long' ? Buffer.alloc(1_000_000) : 'ok');
    });
  });
  const clock = createFakeClock();
  const limits = { minBytesPerSecond: 100, headTimeoutMs: 5000, idleTimeoutMs: 1_000_000 };
  const tls = { port: 0, certificates: [CERTIFICATE] };
  const plane = await startBefore(t, upstream.url, { edge: { clock, limits, tls } });
  return { plane, wire: await openWire(t, plane), clock, received: () => received, whole };
}

/** The clock is the test's, the sweep that looks at it comes ten times a second. */
const untilSwept = (): Promise<void> => setTimeout(350);

/** The first window begins with the sweep that finds something to wait for, the second counts what there was room for, the third nothing. */
async function passWindows(clock: FakeClock): Promise<void> {
  for (let window = 0; window < 4; window++) {
    await untilSwept();
    clock.advance(WINDOW_MS);
  }
}

describe('a caller over HTTP/2', () => {
  test('whose body comes too slowly loses the stream, and the upstream does not take it for whole', async (t) => {
    const { plane, wire, clock, received, whole } = await startBench(t);
    wire.sendHeaders(1, toFields('POST', '/slow', ['content-length', '3000']), NO_FLAGS);
    wire.sendFrame(FRAME.data, NO_FLAGS, 1, Buffer.alloc(50));
    while (received() < 50) await setTimeout(1);
    await passWindows(clock);
    assert.equal(await wire.readOutcome(1), 'reset');
    assert.equal((await plane.sink.wait(1))[0]?.status, 499);
    wire.sendHeaders(3, toFields('GET', '/'));
    assert.equal(await wire.readOutcome(3), 200);
    assert.deepEqual(whole, ['/']);
  });

  test('who does not take the answer loses the stream', async (t) => {
    const { plane, wire, clock } = await startBench(t);
    wire.sendHeaders(1, toFields('GET', '/long'));
    assert.equal(await wire.readOutcome(1), 200);
    await passWindows(clock);
    const { type } = (await wire.readUntil((frame) => frame.stream === 1 && frame.type !== FRAME.data)) ?? {};
    assert.equal(type, FRAME.reset);
    assert.equal((await plane.sink.wait(1))[0]?.status, 499);
  });

  test('whose head does not end loses the connection', async (t) => {
    const { wire, clock } = await startBench(t);
    wire.sendFrame(FRAME.headers, NO_FLAGS, 1, Buffer.of(0x82));
    await untilSwept();
    clock.advance(WINDOW_MS);
    assert.equal(await wire.readOutcome(-1), 'goaway');
    await untilSwept();
    clock.advance(WINDOW_MS);
    assert.equal(await wire.readUntil(() => false), undefined);
  });
});
