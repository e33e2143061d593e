// Targets share the requests, on real sockets.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import type { ServiceConfig } from '../src/gateway/snapshot.ts';
import { ask, createGateway, type DataPlane, openWire, startDataPlane } from './harness/data-plane.ts';
import { type RawUpstream, startRawUpstream } from './harness/upstream.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

async function startUpstreams(
  t: TestContext,
  count: number,
  answer?: (socket: Socket) => void,
): Promise<RawUpstream[]> {
  const upstreams = await Promise.all(
    Array.from({ length: count }, () => startRawUpstream(answer ?? ((socket) => void socket.write(OK)))),
  );
  t.after(() => Promise.all(upstreams.map((upstream) => upstream.close())));
  return upstreams;
}

const serviceOf = (targets: ServiceConfig['targets'], more: Partial<ServiceConfig> = {}): ServiceConfig => ({
  name: 'echo',
  targets,
  stripPrefix: false,
  ...more,
});

async function startBefore(t: TestContext, service: ServiceConfig): Promise<DataPlane> {
  const plane = await startDataPlane({ gateways: [createGateway('', { services: [service] })] });
  t.after(() => plane.close());
  return plane;
}

async function askTimes(plane: DataPlane, count: number): Promise<void> {
  for (let i = 0; i < count; i++) assert.equal((await ask(plane.port, GET)).status, 200);
}

const counts = (upstreams: readonly RawUpstream[]): number[] => upstreams.map(({ heads }) => heads.length);

describe('targets', () => {
  test('take turns', async (t) => {
    const upstreams = await startUpstreams(t, 3);
    const plane = await startBefore(t, serviceOf(upstreams.map(({ url }) => ({ url }))));
    await askTimes(plane, 9);
    assert.deepEqual(counts(upstreams), [3, 3, 3]);
  });

  test('get their weight of the requests', async (t) => {
    const upstreams = await startUpstreams(t, 3);
    const targets = upstreams.map(({ url }, i) => ({ url, weight: [5, 0, 1][i] ?? 1 }));
    const plane = await startBefore(t, serviceOf(targets, { loadBalancingStrategy: 'weighted' }));
    await askTimes(plane, 12);
    assert.deepEqual(counts(upstreams), [10, 0, 2]);
  });

  test('keep their callers: one address is always at the same one', async (t) => {
    const upstreams = await startUpstreams(t, 5);
    const targets = upstreams.map(({ url }) => ({ url }));
    const plane = await startBefore(t, serviceOf(targets, { loadBalancingStrategy: 'ip_hash' }));
    await askTimes(plane, 10);
    assert.equal(Math.max(...counts(upstreams)), 10);
  });

  test('that are busy get nothing while another one is not', async (t) => {
    const held: Socket[] = [];
    const [slow, fast] = await Promise.all([
      startRawUpstream((socket) => void held.push(socket)),
      startRawUpstream((socket) => void socket.write(OK)),
    ]);
    t.after(() => Promise.all([slow.close(), fast.close()]));
    const targets = [{ url: slow.url }, { url: fast.url }];
    const plane = await startBefore(t, serviceOf(targets, { loadBalancingStrategy: 'least_connections' }));
    const wire = await openWire(plane.port);
    t.after(() => wire.socket.destroy());
    wire.send(GET);
    while (held.length === 0) await new Promise((resolve) => void setImmediate(resolve));
    await askTimes(plane, 5);
    assert.deepEqual(counts([slow, fast]), [1, 5]);
    held[0]?.write(OK);
    assert.equal((await wire.readAnswer()).status, 200);
  });
});

test('a target whose weight becomes 0 finishes what it has and gets nothing new', async (t) => {
  const held: Socket[] = [];
  const [leaving, staying] = await Promise.all([
    startRawUpstream((socket) => void held.push(socket)),
    startRawUpstream((socket) => void socket.write(OK)),
  ]);
  t.after(() => Promise.all([leaving.close(), staying.close()]));
  const plane = await startBefore(t, serviceOf([{ url: leaving.url }]));
  const wire = await openWire(plane.port);
  t.after(() => wire.socket.destroy());
  wire.send(GET);
  while (held.length === 0) await new Promise((resolve) => void setImmediate(resolve));
  const drained = serviceOf([{ url: leaving.url, weight: 0 }, { url: staying.url }]);
  plane.swap({ gateways: [createGateway('', { services: [drained] })] });
  await askTimes(plane, 5);
  held[0]?.write(OK);
  assert.deepEqual([(await wire.readAnswer()).status, ...counts([leaving, staying])], [200, 1, 5]);
});
