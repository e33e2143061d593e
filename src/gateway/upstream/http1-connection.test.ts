import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Sweep } from '../../lib/sweep.ts';
import { createOpenSocket } from './open-socket.ts';
import { Http1UpstreamConnection, type ConnectionUser } from './http1-connection.ts';

const openSocket = createOpenSocket('allow');

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
  const target = { url: origin, origin, authority: 'upstream', basePath: '', socketPath: undefined, tls: undefined };
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
