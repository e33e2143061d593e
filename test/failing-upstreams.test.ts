// Upstreams that fail, on real sockets: what a caller gets, and what the upstream is spared.

import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import type { ServiceConfig } from '../src/gateway/snapshot.ts';
import {
  type Answer,
  ask,
  createEndpoint,
  createGateway,
  type DataPlane,
  readProblem,
  startDataPlane,
  valuesOf,
} from './harness/data-plane.ts';
import {
  findDeadUrl,
  type RawUpstream,
  type ReadingUpstream,
  startRawUpstream,
  startReadingUpstream,
} from './harness/upstream.ts';
import { localReply } from '../src/gateway/exchange.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const SIZED = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf';
const GET = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';

async function startUpstream(t: TestContext, answer: (socket: Socket, head: string) => void): Promise<RawUpstream> {
  const upstream = await startRawUpstream(answer);
  t.after(() => upstream.close());
  return upstream;
}

async function startReading(t: TestContext, answer: (socket: Socket) => void): Promise<ReadingUpstream> {
  const upstream = await startReadingUpstream(answer);
  t.after(() => upstream.close());
  return upstream;
}

async function startBefore(
  t: TestContext,
  urls: readonly string[],
  more: Partial<ServiceConfig> = {},
  timeoutMs = 20_000,
): Promise<DataPlane> {
  const service = { name: 'echo', targets: urls.map((url) => ({ url })), stripPrefix: false, ...more };
  const endpoints = ['GET', 'PUT', 'POST'].map((method) => createEndpoint({ method, timeoutMs }));
  const gateway = createGateway('', { services: [service], endpoints });
  const plane = await startDataPlane({ gateways: [gateway] });
  t.after(() => plane.close());
  return plane;
}

/** Asks, one after the other; an answer that breaks off has the status 0. */
async function askTimes(plane: DataPlane, count: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i++) {
    const answer: { readonly status: number } = await ask(plane.port, GET).catch(() => ({ status: 0 }));
    statuses.push(answer.status);
  }
  return statuses;
}

const codeOf = ({ status, body }: Answer): unknown => readProblem(localReply(status, [], body))['code'];

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => void setImmediate(resolve));
}

describe('a circuit breaker', () => {
  const circuitBreaker = { failureThreshold: 3, resetMs: 300, trials: 1 };
  const failing: readonly (readonly [what: string, status: number, fail: (socket: Socket) => void])[] = [
    ['answers 500', 500, (socket) => void socket.write('HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n')],
    ['closes without an answer', 502, (socket) => void socket.end()],
    ['resets the connection', 502, (socket) => void socket.resetAndDestroy()],
    ['resets in the middle of a body', 0, (socket) => void socket.write(SIZED, () => socket.resetAndDestroy())],
    ['tells a length and sends less', 0, (socket) => void socket.end(SIZED)],
    ['speaks no HTTP', 502, (socket) => void socket.write('SSH-2.0-OpenSSH_9.6\r\n')],
    ['hangs before the head', 504, () => undefined],
    ['hangs within the head', 504, (socket) => void socket.write('HTTP/1.1 200 OK\r\nX-A')],
    ['hangs after the head', 0, (socket) => void socket.write(SIZED)],
  ];
  for (const [what, status, fail] of failing) {
    test(`opens for an upstream that ${what}, and closes when it is well again`, async (t) => {
      let isIll = true;
      const upstream = await startUpstream(t, (socket) => (isIll ? fail(socket) : void socket.write(OK)));
      const plane = await startBefore(t, [upstream.url], { circuitBreaker }, 100);
      assert.deepEqual(await askTimes(plane, 3), [status, status, status]);
      const refused = await ask(plane.port, GET);
      assert.deepEqual([refused.status, codeOf(refused)], [503, 'circuit_open']);
      assert.deepEqual(valuesOf(refused.headers, 'retry-after'), ['1']);
      assert.equal(upstream.heads.length, 3, 'no call is made');
      assert.equal(plane.sink.records.at(-1)?.errorCode ?? 'circuit_open', 'circuit_open');
      isIll = false;
      let [answered] = await askTimes(plane, 1);
      while (answered === 503) {
        await new Promise((resolve) => void setTimeout(resolve, 20));
        [answered] = await askTimes(plane, 1);
      }
      assert.deepEqual([answered, upstream.heads.length], [200, 4]);
      assert.deepEqual(await askTimes(plane, 3), [200, 200, 200]);
      assert.deepEqual(plane.defects, []);
    });
  }

  test('opens for an upstream that refuses connections', async (t) => {
    const plane = await startBefore(t, [await findDeadUrl()], { circuitBreaker });
    assert.deepEqual(await askTimes(plane, 4), [502, 502, 502, 503]);
  });

  test('opens when too many of the last calls failed, whatever stands between', async (t) => {
    let asked = 0;
    const upstream = await startUpstream(t, (socket) => {
      const status = asked++ % 2 === 0 ? '500 No' : '200 OK';
      socket.write(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
    });
    const failureRate = { percent: 50, minimumCalls: 7, windowMs: 60_000 };
    const plane = await startBefore(t, [upstream.url], { circuitBreaker: { failureRate, resetMs: 60_000, trials: 1 } });
    const statuses = await askTimes(plane, 10);
    assert.deepEqual(statuses, [500, 200, 500, 200, 500, 200, 500, 503, 503, 503]);
    assert.equal(upstream.heads.length, 7);
  });

  test('does not open for answers that callers have to mend', async (t) => {
    const upstream = await startUpstream(
      t,
      (socket) => void socket.write('HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n'),
    );
    const plane = await startBefore(t, [upstream.url], { circuitBreaker });
    assert.deepEqual(new Set(await askTimes(plane, 10)), new Set([404]));
  });

  test('does not open for callers who go away', async (t) => {
    const upstream = await startUpstream(t, () => undefined);
    const plane = await startBefore(t, [upstream.url], { circuitBreaker });
    for (let i = 1; i <= 5; i++) {
      const socket = connect(plane.port, '127.0.0.1', () => socket.write(GET));
      await until(() => upstream.heads.length === i);
      socket.destroy();
      await plane.sink.wait(i);
    }
    assert.deepEqual(
      plane.sink.records.map(({ status }) => status),
      [499, 499, 499, 499, 499],
    );
  });
});

describe('a dead target', () => {
  test('costs one request, and then none', async (t) => {
    const good = await startUpstream(t, (socket) => void socket.write(OK));
    const plane = await startBefore(t, [await findDeadUrl(), good.url]);
    const statuses = await askTimes(plane, 30);
    assert.deepEqual(
      statuses.filter((status) => status !== 200),
      [502],
    );
  });

  test('gets requests again once it listens, without one having been risked', async (t) => {
    const good = await startUpstream(t, (socket) => void socket.write(OK));
    const url = await findDeadUrl();
    const plane = await startBefore(t, [url, good.url]);
    await askTimes(plane, 5);
    const served: Socket[] = [];
    const risen = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => {
        served.push(socket);
        socket.write(OK);
      });
    }).listen(Number(new URL(url).port), '127.0.0.1');
    t.after(() => risen.close());
    const statuses: number[] = [];
    while (served.length === 0) statuses.push(...(await askTimes(plane, 1)));
    assert.deepEqual(new Set(statuses), new Set([200]));
  });

  test('is not left alone where it is the only one', async (t) => {
    const plane = await startBefore(t, [await findDeadUrl()]);
    assert.deepEqual(await askTimes(plane, 3), [502, 502, 502]);
  });
});

describe('a request whose target fails', () => {
  const retry = { attempts: 1, statuses: [502, 503, 504] };
  const failing: readonly (readonly [what: string, fail: (socket: Socket) => void])[] = [
    ['closes without an answer', (socket) => void socket.end()],
    ['resets the connection', (socket) => void socket.resetAndDestroy()],
    ['speaks no HTTP', (socket) => void socket.write('SSH-2.0-OpenSSH_9.6\r\n')],
    ['answers 503', (socket) => void socket.write('HTTP/1.1 503 No\r\nretry-after: 60\r\ncontent-length: 2\r\n\r\nno')],
  ];

  for (const [what, fail] of failing) {
    test(`is answered by another one when it ${what}`, async (t) => {
      const bad = await startUpstream(t, fail);
      const good = await startUpstream(t, (socket) => void socket.write(OK));
      const plane = await startBefore(t, [bad.url, good.url], { retry });
      assert.deepEqual(await askTimes(plane, 4), [200, 200, 200, 200]);
      assert.deepEqual([bad.heads.length, good.heads.length], [2, 4]);
      for (const record of plane.sink.records)
        assert.deepEqual([record.status, record.errorCode, record.target], [200, undefined, good.url]);
    });
  }

  const bodies: readonly (readonly [what: string, request: string, length: number, isAnswered: boolean])[] = [
    ['PUT with a body', 'PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n', 1000, true],
    ['PUT with more than is kept', 'PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n', 300_000, false],
    ['POST with a body', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n', 1000, false],
    [
      'POST with Idempotency-Key',
      'POST / HTTP/1.1\r\nHost: h\r\nIdempotency-Key: k\r\nContent-Length: 60000\r\n\r\n',
      60_000,
      true,
    ],
  ];
  for (const [what, head, length, isAnswered] of bodies) {
    test(`is ${isAnswered ? 'sent again whole' : 'not sent again'}: ${what}`, async (t) => {
      const bad = await startReading(t, (socket) => socket.resetAndDestroy());
      const good = await startReading(t, (socket) => socket.write(OK));
      const plane = await startBefore(t, [bad.url, good.url], { retry });
      const body = Array.from({ length: length / 10 }, (_, i) => String(i).padStart(9, '.') + '|').join('');
      const { status } = await ask(plane.port, head + body);
      assert.equal(status, isAnswered ? 200 : 502);
      assert.deepEqual(bad.bodies, [body]);
      assert.deepEqual(good.bodies, isAnswered ? [body] : []);
      assert.deepEqual(plane.defects, []);
    });
  }

  test('is sent to another one, whatever it is, when no connection could be made', async (t) => {
    const good = await startReading(t, (socket) => socket.write(OK));
    const plane = await startBefore(t, [await findDeadUrl(), good.url], { retry });
    const body = 'x'.repeat(300_000);
    const head = `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${body.length}\r\n\r\n`;
    assert.equal((await ask(plane.port, head + body)).status, 200);
    assert.ok(good.bodies[0] === body);
  });

  test('gets the answer that its only target gives a moment later', async (t) => {
    let asked = 0;
    const upstream = await startUpstream(
      t,
      (socket) => void (asked++ === 0 ? socket.resetAndDestroy() : socket.write(OK)),
    );
    const plane = await startBefore(t, [upstream.url], { retry });
    assert.deepEqual(await askTimes(plane, 1), [200]);
  });

  test('whose answer has begun is never sent again', async (t) => {
    const upstream = await startUpstream(t, (socket) => void socket.write(SIZED, () => socket.resetAndDestroy()));
    const plane = await startBefore(t, [upstream.url], { retry });
    assert.deepEqual([...(await askTimes(plane, 1)), upstream.heads.length], [0, 1]);
  });

  test('of a dead target is none that a caller notices', async (t) => {
    const good = await startUpstream(t, (socket) => void socket.write(OK));
    const plane = await startBefore(t, [await findDeadUrl(), good.url, await findDeadUrl()], {
      retry: { ...retry, attempts: 2 },
    });
    assert.deepEqual(new Set(await askTimes(plane, 20)), new Set([200]));
    assert.equal(plane.failures.length, 2, 'one for each of them');
  });
});

describe('a target that is checked', () => {
  const check = { path: '/up?deep=1', intervalMs: 50, timeoutMs: 1000, healthyThreshold: 1, unhealthyThreshold: 1 };
  const failing: readonly (readonly [what: string, fail: (socket: Socket) => void])[] = [
    ['answers 500', (socket) => void socket.write('HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n')],
    ['closes without an answer', (socket) => void socket.end()],
    ['speaks no HTTP', (socket) => void socket.write('SSH-2.0-OpenSSH_9.6\r\n')],
    ['hangs', () => undefined],
  ];
  for (const [what, fail] of failing) {
    test(`gets no requests while its check ${what}, and none has to fail first`, async (t) => {
      let isIll = true;
      const ill = await startUpstream(t, (socket, head) => {
        if (head.startsWith('GET /up?deep=1 ') && isIll) fail(socket);
        else socket.write(OK);
      });
      const good = await startUpstream(t, (socket) => void socket.write(OK));
      const plane = await startBefore(t, [ill.url, good.url], { healthCheck: { check: { ...check, timeoutMs: 100 } } });
      const requests = (): number => ill.heads.filter((head) => head.startsWith('GET / ')).length;
      let before = -1;
      while (requests() !== before) {
        before = requests();
        await askTimes(plane, 10);
      }
      isIll = false;
      while (requests() === before) assert.deepEqual(await askTimes(plane, 1), [200]);
      assert.deepEqual(plane.failures, []);
      const sent = ill.heads.find((head) => head.startsWith('GET /up'));
      assert.match(sent ?? '', /\r\nuser-agent: tollgate-health-check/);
    });
  }

  test('is asked on one connection, however much it answers', async (t) => {
    const connections = new Set<Socket>();
    const upstream = await startUpstream(t, (socket) => {
      connections.add(socket);
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n${'x'.repeat(5000)}`);
    });
    await startBefore(t, [upstream.url], { healthCheck: { check } });
    await until(() => upstream.heads.length > 3);
    assert.equal(connections.size, 1);
  });
});
