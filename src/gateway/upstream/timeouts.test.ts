import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { Sweep } from '../../lib/sweep.ts';
import type { Call, CallEvents } from './call.ts';
import type { Failure } from './failure.ts';
import { Http1Call } from './http1-call.ts';
import { createOpenSocket } from './open-socket.ts';
import { Http1UpstreamConnection } from './http1-connection.ts';

const openSocket = createOpenSocket('allow');

const TIMEOUTS = { connectMs: 100, handshakeMs: 200, firstByteMs: 300, betweenBytesMs: 400, totalMs: 1000 };

interface Bench {
  readonly call: Http1Call;
  readonly connection: Http1UpstreamConnection;
  readonly failures: Failure[];
  /** Why the body broke off, when it did. */
  readonly breaks: Error[];
  /** Of the first one that is accepted. */
  readonly accepted: Promise<Socket>;
  /** Time passes, and the sweep comes by. */
  pass(ms: number): void;
}

async function startBench(t: TestContext, scheme: 'http' | 'https'): Promise<Bench> {
  const { promise: accepted, resolve } = Promise.withResolvers<Socket>();
  const server = createServer(resolve).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  t.after(() => void accepted.then((socket) => socket.destroy()));
  const address = server.address();
  const origin = `${scheme}://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const target = {
    url: origin,
    origin,
    authority: 'upstream',
    basePath: '',
    socketPath: undefined,
    place: undefined,
    tls: undefined,
  };
  let tick = 0;
  const sweep = new Sweep(() => tick);
  t.after(() => sweep.stop());
  const connection = new Http1UpstreamConnection(target, sweep, {
    open: (take) => openSocket(target, take),
    onIdle: () => {},
    onGone: () => {},
  });
  t.after(() => connection.socket.destroy());
  const failures: Failure[] = [];
  const breaks: Error[] = [];
  const events: CallEvents = {
    onReached: () => {},
    onStuck: () => {},
    onInterim: () => {},
    onHead: (_status, _fields, body) =>
      body.start({ write: () => true, flush: () => {}, end: () => {}, fail: (cause) => breaks.push(cause) }),
    onFailure: (failure) => failures.push(failure),
    onEnd: () => {},
  };
  const nothing = {
    body: undefined,
    tunnel: undefined,
    websocketKey: undefined,
    isLengthKnown: false,
    isRepeatable: true,
  };
  const order: Call = { target, method: 'GET', path: '/', authority: 'h', lines: '', timeouts: TIMEOUTS, ...nothing };
  const call = new Http1Call(order, events, { take: () => connection, deadline: (inMs) => tick + inMs });
  call.begin(false);
  const pass = (ms: number): void => {
    tick += ms;
    call.onSweep(tick);
  };
  return { call, connection, failures, breaks, accepted, pass };
}

/** What was noted, and what the caller and the log are told. */
const told = ({ failures }: Bench): unknown[] =>
  failures.map(({ code, proxyError, cause }) => [code, proxyError, cause instanceof Error ? cause.message : '']);

const broken = ({ breaks }: Bench): string[] => breaks.map((cause) => cause.message);

describe('a call is given up', () => {
  test('when there is no connection in time', async (t) => {
    const bench = await startBench(t, 'http');
    bench.pass(99);
    assert.deepEqual(told(bench), []);
    bench.pass(1);
    assert.deepEqual(told(bench), [['upstream_timeout', 'connection_timeout', 'no connection within 100 ms']]);
    assert.ok(bench.connection.socket.destroyed);
  });

  test('when the TLS handshake does not end in time', async (t) => {
    const bench = await startBench(t, 'https');
    await Promise.all([bench.accepted, once(bench.connection.socket, 'connect')]);
    bench.pass(199);
    assert.deepEqual(told(bench), []);
    bench.pass(1);
    assert.deepEqual(told(bench), [
      ['upstream_timeout', 'connection_timeout', 'no end of the TLS handshake within 200 ms'],
    ]);
  });

  test('when the answer does not begin in time', async (t) => {
    const bench = await startBench(t, 'http');
    await Promise.all([bench.accepted, once(bench.connection.socket, 'connect')]);
    bench.pass(299);
    assert.deepEqual(told(bench), []);
    bench.pass(1);
    assert.deepEqual(told(bench), [['upstream_timeout', 'http_response_timeout', 'no answer within 300 ms']]);
  });

  test('when the answer does not go on in time: then its body breaks off', async (t) => {
    const bench = await startBench(t, 'http');
    const upstream = await bench.accepted;
    await answerPart(bench, upstream);
    bench.pass(399);
    assert.deepEqual(broken(bench), []);
    bench.pass(1);
    assert.deepEqual(broken(bench), ['no progress of the answer within 400 ms']);
  });

  test('when it lasts too long in all, however steadily it goes on', async (t) => {
    const bench = await startBench(t, 'http');
    const upstream = await bench.accepted;
    for (let part = 0; part < 3; part++) {
      await answerPart(bench, upstream, part > 0);
      bench.pass(300);
    }
    assert.deepEqual(broken(bench), []);
    await answerPart(bench, upstream, true);
    bench.pass(100);
    assert.deepEqual(broken(bench), ['no end of the answer within 1000 ms']);
  });
});

async function answerPart({ connection }: Bench, upstream: Socket, isMore = false): Promise<void> {
  const before = connection.socket.bytesRead;
  upstream.write(isMore ? 'x' : 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx');
  while (connection.socket.bytesRead === before) await new Promise(setImmediate);
}
