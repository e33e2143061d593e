import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Sweep } from '../../lib/sweep.ts';
import type { Target } from '../plan.ts';
import { createOpenSocket } from './open-socket.ts';
import { Http1UpstreamConnection, type ConnectionUser } from './http1-connection.ts';

const openSocket = createOpenSocket('allow');

const targetAt = (origin: string): Target => ({
  url: origin,
  origin,
  authority: 'upstream',
  basePath: '',
  socketPath: undefined,
  place: undefined,
  tls: undefined,
});

test('a user who can take nothing now is told of the end only after the bytes that came before it', async (t) => {
  const server = createServer((socket) => socket.end('the last bytes')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const address = server.address();
  const origin = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
  const sweep = new Sweep(() => 0);
  t.after(() => sweep.stop());

  const told: string[] = [];
  const user: ConnectionUser & { isPaused: boolean } = {
    leaveAfter: undefined,
    isPaused: true,
    onBytes(bytes: Buffer, from: number, end: number): number {
      if (user.isPaused) return from;
      told.push(bytes.toString('latin1', from, end));
      return end;
    },
    onBurstEnd: () => {},
    onStep: () => {},
    onDrain: () => {},
    onEnd(): boolean {
      told.push('end');
      return false;
    },
    onSweep: () => {},
    onClose: () => told.push('close'),
  };
  const target = targetAt(origin);
  const connection = new Http1UpstreamConnection(target, sweep, {
    open: (take) => openSocket(target, take),
    onIdle: () => {},
    onGone: () => {},
  });
  t.after(() => connection.socket.destroy());
  connection.use(user);

  await once(connection.socket, 'end');
  assert.deepEqual(told, []);
  const closed = once(connection.socket, 'close');
  user.isPaused = false;
  connection.offerAgain();
  await closed;
  assert.deepEqual(told, ['the last bytes', 'end', 'close']);
});

test('bytes that come before the request was written are no answer to it: the connection is given up unheard', async (t) => {
  const server = createServer((socket) =>
    socket.on('error', () => {}).write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const address = server.address();
  const origin = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
  const sweep = new Sweep(() => 0);
  t.after(() => sweep.stop());
  const target = targetAt(origin);
  let heard = 0;
  const connection = new Http1UpstreamConnection(target, sweep, {
    // The request is said in the same turn in which the bytes come, before they are read.
    open: (take) =>
      openSocket(target, (bytes, end) => {
        connection.out.writeText('GET / HTTP/1.1\r\n\r\n');
        take(bytes, end);
      }),
    onIdle: () => {},
    onGone: () => {},
  });
  connection.use({
    leaveAfter: undefined,
    isPaused: false,
    onBytes(_bytes, _from, end) {
      heard++;
      return end;
    },
    onBurstEnd: () => {},
    onStep: () => {},
    onDrain: () => {},
    onEnd: () => false,
    onSweep: () => {},
    onClose: () => {},
  });
  await once(connection.socket, 'close');
  assert.equal(heard, 0);
});
