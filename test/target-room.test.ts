// How many requests a target has under way, on real sockets: who waits, for how long, and who is sent away.

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { ServiceConfig } from '../src/gateway/snapshot.ts';
import { localReply } from '../src/gateway/exchange.ts';
import {
  createEndpoint,
  createGateway,
  openWire,
  readProblem,
  startDataPlane,
  valuesOf,
  type Answer,
  type Wire,
} from './harness/data-plane.ts';
import { type RawUpstream, startRawUpstream } from './harness/upstream.ts';

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

interface Holding {
  readonly upstream: RawUpstream;
  /** Requests that wait for an answer. */
  readonly held: Socket[];
}

async function startHolding(t: TestContext): Promise<Holding> {
  const held: Socket[] = [];
  const upstream = await startRawUpstream((socket) => void held.push(socket));
  t.after(() => upstream.close());
  return { upstream, held };
}

async function startBefore(t: TestContext, targets: ServiceConfig['targets'], more: Partial<ServiceConfig> = {}) {
  const gatewayOf = (differences: Partial<ServiceConfig>, timeoutMs = 20_000) =>
    createGateway('', {
      services: [{ name: 'echo', targets, stripPrefix: false, ...more, ...differences }],
      endpoints: [createEndpoint({ timeoutMs })],
    });
  const plane = await startDataPlane({ gateways: [gatewayOf({})] });
  t.after(() => plane.close());
  const send = async (): Promise<Wire> => {
    const wire = await openWire(plane.port);
    t.after(() => wire.socket.destroy());
    wire.send(GET);
    return wire;
  };
  const deploy = (differences: Partial<ServiceConfig>, timeoutMs?: number): void =>
    plane.swap({ gateways: [gatewayOf(differences, timeoutMs)] });
  return { plane, send, deploy };
}

const roomFor = ({ upstream }: Holding, maxConcurrentRequests = 1) => ({ url: upstream.url, maxConcurrentRequests });

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => void setImmediate(resolve));
}

const codeOf = ({ status, body }: Answer): unknown => readProblem(localReply(status, [], body))['code'];

test('no more than its room reach a target; as many wait, and the next gets 503', async (t) => {
  const one = await startHolding(t);
  const { send } = await startBefore(t, [roomFor(one)]);
  const first = await send();
  await until(() => one.held.length === 1);
  const others = [(await send()).readAnswer(), (await send()).readAnswer()];
  const refused = await Promise.race(others);
  assert.deepEqual([refused.status, codeOf(refused)], [503, 'upstream_busy']);
  assert.deepEqual(valuesOf(refused.headers, 'retry-after'), ['1']);
  assert.equal(one.held.length, 1);
  one.held[0]?.write(OK);
  assert.equal((await first.readAnswer()).status, 200);
  await until(() => one.held.length === 2);
  one.held[1]?.write(OK);
  assert.deepEqual((await Promise.all(others)).map(({ status }) => status).toSorted(), [200, 503]);
});

for (const loadBalancingStrategy of ['round_robin', 'weighted', 'least_connections', 'ip_hash'] as const) {
  test(`another target with room comes before waiting: ${loadBalancingStrategy}`, async (t) => {
    const [one, two] = [await startHolding(t), await startHolding(t)];
    const { send } = await startBefore(t, [roomFor(one, 2), roomFor(two, 3)], { loadBalancingStrategy });
    for (let count = 1; count <= 5; count++) {
      await send();
      await until(() => one.held.length + two.held.length === count);
    }
    assert.deepEqual([one.held.length, two.held.length], [2, 3]);
    const waiting = await send();
    two.held[0]?.write(OK);
    await until(() => two.held.length === 4);
    two.held[3]?.write(OK);
    assert.equal((await waiting.readAnswer()).status, 200);
    assert.equal(one.held.length, 2);
  });
}

test('whoever goes away while they wait is taken out, and leaves their place to others', async (t) => {
  const one = await startHolding(t);
  const { plane, send } = await startBefore(t, [roomFor(one)]);
  const first = await send();
  await until(() => one.held.length === 1);
  for (let round = 1; round <= 5; round++) {
    const waiting = await send();
    waiting.socket.destroy();
    await plane.sink.wait(round);
  }
  const last = await send();
  await new Promise((resolve) => void setImmediate(resolve));
  one.held[0]?.write(OK);
  await first.readAnswer();
  await until(() => one.held.length === 2);
  one.held[1]?.write(OK);
  assert.equal((await last.readAnswer()).status, 200);
  assert.equal(one.held.length, 2, 'those who left were not sent');
});

test('a request waits no longer than it may for its answer', async (t) => {
  const one = await startHolding(t);
  const { send, deploy } = await startBefore(t, [roomFor(one)]);
  await send();
  await until(() => one.held.length === 1);
  deploy({}, 50);
  const answer = await (await send()).readAnswer();
  assert.deepEqual([answer.status, codeOf(answer), one.held.length], [503, 'upstream_busy', 1]);
});

for (const [what, fail] of [
  ['resets', (socket: Socket) => void socket.resetAndDestroy()],
  ['breaks off', (socket: Socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')],
  ['answers 500', (socket: Socket) => void socket.write('HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n')],
] as const) {
  test(`a call that ${what} makes room as well`, async (t) => {
    const one = await startHolding(t);
    const { send } = await startBefore(t, [roomFor(one)]);
    for (let round = 0; round < 5; round++) {
      const first = await send();
      await until(() => one.held.length === 1);
      const waiting = await send();
      await new Promise((resolve) => void setImmediate(resolve));
      one.held.splice(0).forEach(fail);
      await until(() => one.held.length === 1);
      // A connection that is not used again: on one that is, a request is sent anew when it breaks.
      one.held.splice(0)[0]?.end(OK.replace('content', 'connection: close\r\ncontent'));
      assert.equal((await waiting.readAnswer()).status, 200);
      first.socket.destroy();
    }
  });
}

test('those who wait are served through a deploy, and the room stays what it is', async (t) => {
  const one = await startHolding(t);
  const { send, deploy } = await startBefore(t, [roomFor(one)]);
  const first = await send();
  await until(() => one.held.length === 1);
  const waiting = await send();
  await new Promise((resolve) => void setImmediate(resolve));
  deploy({ retry: { attempts: 1, statuses: [] } });
  const late = await send();
  await new Promise((resolve) => void setImmediate(resolve));
  assert.equal(one.held.length, 1);
  for (const [i, wire] of [first, waiting, late].entries()) {
    await until(() => one.held.length === i + 1);
    one.held[i]?.write(OK);
    assert.equal((await wire.readAnswer()).status, 200);
  }
});

test('whoever waits for a target whose breaker opens is told at once', async (t) => {
  const one = await startHolding(t);
  const circuitBreaker = { failureThreshold: 1, resetMs: 60_000, trials: 1 };
  const { send } = await startBefore(t, [roomFor(one)], { circuitBreaker });
  await send();
  await until(() => one.held.length === 1);
  const waiting = await send();
  await new Promise((resolve) => void setImmediate(resolve));
  one.held[0]?.resetAndDestroy();
  const answer = await waiting.readAnswer();
  assert.deepEqual([answer.status, codeOf(answer)], [503, 'circuit_open']);
});
