// How many requests a gateway has under way, on real sockets.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { concurrency } from '../src/policies/concurrency.ts';
import { createGateway, openWire, startDataPlane, valuesOf, type Wire } from './harness/data-plane.ts';
import { startRawUpstream } from './harness/upstream.ts';

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

async function startHolding(t: TestContext, requests: number) {
  const held: Socket[] = [];
  const upstream = await startRawUpstream((socket) => void held.push(socket));
  t.after(() => upstream.close());
  const policies = [{ name: 'concurrency', config: { requests } }];
  const plane = await startDataPlane({
    gateways: [createGateway(upstream.url, { policies })],
    policies: [concurrency],
  });
  t.after(() => plane.close());
  const send = async (): Promise<Wire> => {
    const wire = await openWire(plane.port);
    t.after(() => wire.socket.destroy());
    wire.send(GET);
    return wire;
  };
  const reached = async (count: number): Promise<void> => {
    while (upstream.heads.length < count) await new Promise((resolve) => void setImmediate(resolve));
  };
  return { held, upstream, plane, send, reached };
}

test('no more than the limit reach the service; as many wait, and the next gets 503', async (t) => {
  const { held, upstream, send, reached } = await startHolding(t, 1);
  const first = await send();
  await reached(1);
  // One of the two finds room to wait.
  const others = [(await send()).readAnswer(), (await send()).readAnswer()];
  const refused = await Promise.race(others);
  assert.deepEqual([refused.status, valuesOf(refused.headers, 'retry-after')], [503, ['1']]);
  assert.equal(upstream.heads.length, 1);
  held[0]?.write(OK);
  assert.equal((await first.readAnswer()).status, 200);
  await reached(2);
  held[1]?.write(OK);
  const statuses = (await Promise.all(others)).map(({ status }) => status);
  assert.deepEqual(statuses.toSorted(), [200, 503]);
});

test('whoever goes away leaves their place, whether they were served or waited', async (t) => {
  const { held, plane, send, reached } = await startHolding(t, 1);
  for (let round = 1; round <= 5; round++) {
    const first = await send();
    await reached(round);
    const waiting = await send();
    waiting.socket.destroy();
    await plane.sink.wait(round * 2 - 1);
    first.socket.destroy();
    await plane.sink.wait(round * 2);
  }
  const last = await send();
  await reached(6);
  held[5]?.write(OK);
  assert.equal((await last.readAnswer()).status, 200);
});
