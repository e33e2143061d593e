// What callers may ask of the edge, and what they get beyond: every limit is a setting.

import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { EdgeLimits } from '../src/gateway/edge/limits.ts';
import {
  createEndpoint,
  createGateway,
  openWire,
  startDataPlane,
  valuesOf,
  type DataPlane,
  type Wire,
} from './harness/data-plane.ts';
import { startUpstream } from './harness/upstream.ts';

const REQUEST = 'GET /x HTTP/1.1\r\nHost: gateway\r\n\r\n';

interface Bench {
  readonly plane: DataPlane;
  /** How the upstream's requests ended: with all of the body, or broken off. */
  readonly ends: readonly ('whole' | 'broken')[];
  readonly open: () => Promise<Wire>;
}

async function startBench(
  t: TestContext,
  limits: Partial<EdgeLimits>,
  trustedProxies: readonly string[] = [],
): Promise<Bench> {
  const ends: ('whole' | 'broken')[] = [];
  const upstream = await startUpstream((request, response) => {
    request.on('end', () => ends.push('whole')).on('error', () => ends.push('broken'));
    request.resume().on('end', () => response.end('ok'));
  });
  t.after(() => upstream.close());
  const endpoints = (['GET', 'POST'] as const).map((method) => createEndpoint({ method }));
  const gateways = [createGateway(upstream.url, { endpoints })];
  const plane = await startDataPlane({ gateways, edge: { limits }, trustedProxies });
  t.after(() => plane.close());
  const open = async (): Promise<Wire> => {
    const wire = await openWire(plane.port);
    t.after(() => wire.socket.destroy());
    return wire;
  };
  return { plane, ends, open };
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

  test('of a trusted proxy counts in all, not by address: it brings many callers', async (t) => {
    const { open } = await startBench(t, { connectionsPerAddress: 1 }, ['127.0.0.0/8']);
    for (let i = 0; i < 3; i++) {
      const wire = await open();
      wire.send(REQUEST);
      assert.equal((await wire.readAnswer()).status, 200);
    }
  });
});
