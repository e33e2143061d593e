// A socket on its way to a target.

import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Target } from '../plan.ts';
import { readShared, takeReads, type TakeBytes } from '../shared-reads.ts';

/** Told on `connect`, or, over TLS, on `secureConnect`. What it reads goes to `take`. */
export function openSocket(target: Target, take: TakeBytes): Socket {
  const onread = readShared(take);
  if (target.socketPath !== undefined)
    return readDirectly(connect({ path: target.socketPath, allowHalfOpen: true, onread }), take);
  const { hostname, port, protocol } = new URL(target.origin);
  const host = hostname.replaceAll(/^\[|\]$/g, '');
  if (protocol !== 'https:')
    return readDirectly(connect({ host, port: Number(port || 80), noDelay: true, allowHalfOpen: true, onread }), take);
  // RFC 6066 §3: an address is no server name; the certificate is held against the host in any case.
  const name = isIP(host) === 0 ? { servername: host } : {};
  const way = { host, port: Number(port || 443), ...name, allowHalfOpen: true };
  const socket = connectTls({ ...way, ALPNProtocols: ['http/1.1'] });
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => take(chunk, chunk.length));
  return socket;
}

/** Once it is connected: several addresses are tried with a handle each. */
function readDirectly(socket: Socket, take: TakeBytes): Socket {
  return socket.once('connect', () => takeReads(socket, take));
}
