// What callers may ask of the edge, and what they get beyond: every limit is a setting.

import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createConnectionCounts } from '../src/gateway/edge/connection-counts.ts';
import type { EdgeLimits } from '../src/gateway/edge/limits.ts';
import {
  createEndpoint,
  createFakeClock,
  createGateway,
  openWire,
  startDataPlane,
  valuesOf,
  type DataPlane,
  type Wire,
} from './harness/data-plane.ts';
import { type Clock, systemClock } from '../src/lib/clock.ts';
import { startUpstream } from './harness/upstream.ts';

const REQUEST = 'GET /x HTTP/1.1\r\nHost: gateway\r\n\r\n';

interface Bench {
  readonly plane: DataPlane;
  /** How the upstream's requests ended: with all of the body, or broken off. */
  readonly ends: readonly ('whole' | 'broken')[];
  readonly open: () => Promise<Wire>;
  /** What has come to the upstream. */
  readonly arrived: () => { readonly requests: number; readonly bodyBytes: number };
}

interface Scene {
  readonly trustedProxies?: readonly string[];
  readonly clock?: Clock;
  readonly answer?: string | Buffer;
  /** Of connections, shared with another. */
  readonly counts?: SharedArrayBuffer;
}

async function startBench(
  t: TestContext,
  limits: Partial<EdgeLimits>,
  { trustedProxies = [], clock = systemClock, answer = 'ok', counts }: Scene = {},
): Promise<Bench> {
  const ends: ('whole' | 'broken')[] = [];
  let bodyBytes = 0;
  let requests = 0;
  const upstream = await startUpstream((request, response) => {
    request.on('end', () => ends.push('whole')).on('error', () => ends.push('broken'));
    requests++;
    request.on('data', (chunk: Buffer) => (bodyBytes += chunk.length)).on('end', () => response.end(answer));
  });
  t.after(() => upstream.close());
  const endpoints = (['GET', 'POST'] as const).map((method) => createEndpoint({ method }));
  const gateways = [createGateway(upstream.url, { endpoints })];
  const plane = await startDataPlane({ gateways, edge: { limits, clock, counts }, trustedProxies });
  t.after(() => plane.close());
  const open = async (): Promise<Wire> => {
    const wire = await openWire(plane.port);
    t.after(() => wire.socket.destroy());
    return wire;
  };
  return { plane, ends, open, arrived: () => ({ requests, bodyBytes }) };
}

describe('a request', () => {
  const table: readonly [name: string, limits: Partial<EdgeLimits>, request: string, status: number, code: string][] = [
    ['whose path is too long', { targetBytes: 300 }, `GET /${'x'.repeat(300)} HTTP/1.1\r\n`, 414, 'target_too_long'],
    ['with too many headers', { fields: 10 }, `GET / HTTP/1.1\r\n${'a: 1\r\n'.repeat(11)}\r\n`, 431, 'head_too_large'],
    ['whose head is too long', { headBytes: 1024 }, `GET / HTTP/1.1\r\na: ${'x'.repeat(1100)}`, 431, 'head_too_large'],
    ['whose head does not end', { headTimeoutMs: 1 }, 'GET / HTTP/1.1\r\nHost: gat', 408, 'request_timeout'],
  ];
  for (const [name, limits, request, status, code] of table) {
    test(`${name} gets ${status}, a record, and the end of the connection`, async (t) => {
      const { plane, open } = await startBench(t, limits);
      const wire = await open();
      wire.send(request);
      const answer = await wire.readAnswer();
      assert.equal(answer.status, status);
      assert.equal(JSON.parse(answer.body.toString()).code, code);
      assert.equal((await wire.readRest()).end, 'clean');
      const [record] = await plane.sink.wait(1);
      assert.deepEqual([record?.status, record?.errorCode], [status, code]);
    });
  }

  test('whose body promises to be too long gets 413 before the upstream is asked', async (t) => {
    const { plane, ends, open } = await startBench(t, { bodyBytes: 10 });
    const wire = await open();
    wire.send('POST /x HTTP/1.1\r\nHost: gateway\r\nContent-Length: 100000\r\n\r\n');
    const answer = await wire.readAnswer();
    assert.equal(answer.status, 413);
    assert.deepEqual(valuesOf(answer.headers, 'connection'), ['close']);
    assert.deepEqual(ends, []);
    assert.equal((await plane.sink.wait(1))[0]?.path, '/x');
  });

  test('whose body grows too long gets 413 while it streams, and the upstream never takes it for whole', async (t) => {
    const { ends, open } = await startBench(t, { bodyBytes: 10 });
    const wire = await open();
    wire.send('POST /x HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n');
    wire.send('8\r\n12345678\r\n0\r\n\r\n');
    assert.equal((await wire.readAnswer()).status, 413);
    assert.ok(!ends.includes('whole'));
  });

  test('that is the last one of a connection is told so', async (t) => {
    const { open } = await startBench(t, { requestsPerConnection: 2 });
    const wire = await open();
    wire.send(REQUEST + REQUEST);
    assert.deepEqual(valuesOf((await wire.readAnswer()).headers, 'connection'), []);
    assert.deepEqual(valuesOf((await wire.readAnswer()).headers, 'connection'), ['close']);
    assert.equal((await wire.readRest()).end, 'clean');
  });
});

describe('a connection', () => {
  test('that has nothing to say is closed', async (t) => {
    const { open } = await startBench(t, { headTimeoutMs: 1 });
    assert.equal((await (await open()).readRest()).text, '');
  });

  test('that waits too long for its next request is closed', async (t) => {
    const { open } = await startBench(t, { idleTimeoutMs: 1 });
    const wire = await open();
    wire.send(REQUEST);
    await wire.readAnswer();
    assert.equal((await wire.readRest()).text, '');
  });

  for (const limit of ['connections', 'connectionsPerAddress'] as const) {
    test(`beyond ${limit} is closed at once, and the next one after another has gone is served`, async (t) => {
      const { open } = await startBench(t, { [limit]: 1 });
      const first = await open();
      first.send(REQUEST);
      await first.readAnswer();
      assert.equal((await (await open()).readRest()).text, '');
      first.send(REQUEST.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
      await first.readAnswer();
      await first.readRest();
      first.socket.end();
      for (;;) {
        const next = await open();
        next.send(REQUEST);
        const answer = await next.readAnswer().catch(() => undefined);
        if (answer?.status === 200) break;
      }
    });
  }

  test('beyond the limit is closed by whichever thread takes it', async (t) => {
    const counts = createConnectionCounts(10);
    const [one, two] = await Promise.all([1, 2].map(() => startBench(t, { connections: 2 }, { counts })));
    assert.ok(one !== undefined && two !== undefined);
    for (const { open } of [one, two]) {
      const wire = await open();
      wire.send(REQUEST);
      assert.equal((await wire.readAnswer()).status, 200);
    }
    for (const { open } of [one, two]) assert.equal((await (await open()).readRest()).text, '');
  });

  test('of a trusted proxy counts in all, not by address: it brings many callers', async (t) => {
    const { open } = await startBench(t, { connectionsPerAddress: 1 }, { trustedProxies: ['127.0.0.0/8'] });
    for (let i = 0; i < 3; i++) {
      const wire = await open();
      wire.send(REQUEST);
      assert.equal((await wire.readAnswer()).status, 200);
    }
  });
});

describe('the pace', () => {
  const LIMITS = { minBytesPerSecond: 100, bodyBytes: 100_000_000 };
  const POST = 'POST /x HTTP/1.1\r\nHost: gateway\r\nContent-Length: 3000\r\n\r\n';
  const WINDOW_MS = 11_000;

  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise(setImmediate);
  }

  /** The clock is the test's, the sweep that looks at it comes ten times a second. */
  const untilSwept = (): Promise<void> => setTimeout(350);

  test('of a body that comes too slowly ends its connection, and the request counts as left by its caller', async (t) => {
    const clock = createFakeClock();
    const { plane, open, ends, arrived } = await startBench(t, LIMITS, { clock });
    const wire = await open();
    wire.send(`${POST}${'x'.repeat(50)}`);
    await until(() => arrived().bodyBytes === 50);
    clock.advance(WINDOW_MS);
    await wire.readRest();
    assert.equal((await plane.sink.wait(1))[0]?.status, 499);
    assert.ok(!ends.includes('whole'));
  });

  test('that is held keeps the connection, however long the body takes', async (t) => {
    const clock = createFakeClock();
    const { open, arrived } = await startBench(t, LIMITS, { clock });
    const wire = await open();
    wire.send(`${POST}${'x'.repeat(1500)}`);
    await until(() => arrived().bodyBytes === 1500);
    clock.advance(WINDOW_MS);
    await untilSwept();
    wire.send('x'.repeat(1499));
    await until(() => arrived().bodyBytes === 2999);
    clock.advance(WINDOW_MS);
    await untilSwept();
    wire.send('x');
    assert.equal((await wire.readAnswer()).status, 200);
  });

  test('of a caller who does not take the answer ends the connection', async (t) => {
    const clock = createFakeClock();
    const answer = Buffer.alloc(50_000_000);
    const { plane, open, arrived } = await startBench(t, LIMITS, { clock, answer });
    const wire = await open();
    wire.socket.pause();
    wire.send(REQUEST);
    await until(() => arrived().requests === 1);
    // The first window counts what the system's buffers took, the second counts nothing.
    for (let window = 0; window < 3; window++) {
      await untilSwept();
      clock.advance(WINDOW_MS);
    }
    assert.equal((await plane.sink.wait(1))[0]?.status, 499);
  });
});
