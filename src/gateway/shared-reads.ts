// One buffer for the reads of all plain sockets of a thread. Without it, Node makes a block of 64 KB for every read and cuts it down
// afterwards, which costs as much as the system call itself; and an idle connection would hold memory for what it does not receive.
//
// The bytes are borrowed: they stand there until the callback returns, and whoever needs them longer copies them.

import { Socket, type OnReadOpts } from 'node:net';
import { systemClock } from '../lib/clock.ts';
import { handleOf, readCount } from './stream-handle.ts';

const BUFFER = Buffer.allocUnsafeSlow(65_536);

/** Takes what was read: the octets before `end`, which are overwritten after it returns. */
export type TakeBytes = (bytes: Buffer, end: number) => void;

/** The `onread` option of a socket (`net.connect`, `new net.Socket`). */
export function readShared(take: TakeBytes): OnReadOpts {
  return {
    buffer: BUFFER,
    callback(length) {
      take(BUFFER, length);
      return true;
    },
  };
}

/**
 * The accepted connection as a socket that reads into the shared buffer. A server does not hand `onread` on to the sockets that it makes
 * (docs/decisions/0007), so the handle goes over to a new one, and what the server made is let go.
 */
export function acceptShared(accepted: Socket, take: TakeBytes): Socket {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (typeof handle !== 'object' || handle === null) throw new Error('an accepted socket without a handle');
  Reflect.set(accepted, '_handle', null);
  accepted.destroy();
  const options = { allowHalfOpen: true, onread: readShared(take) };
  Reflect.set(options, 'handle', handle);
  const socket = new Socket(options);
  takeReads(socket, take);
  return socket;
}

/**
 * Hands what is read on without the socket's own part in it; ends and errors stay with the socket. Nothing is read any more of one that was
 * destroyed: its handle is closed at once.
 */
export function takeReads(socket: Socket, take: TakeBytes): void {
  const handle = handleOf(socket);
  if (handle === undefined) return;
  const { onread } = handle;
  handle.onread = (first) => {
    const count = readCount();
    if (count <= 0) {
      Reflect.apply(onread, handle, [first]);
      return;
    }
    systemClock.hold();
    try {
      take(BUFFER, count);
    } finally {
      systemClock.release();
    }
  };
}
