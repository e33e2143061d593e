// What goes out on a connection. Text goes to the system at once where nothing waits before it; everything else by the socket, in order.

import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { handleOf, keepsRest, newWriteRequest, type StreamHandle, type WriteRequest } from './stream-handle.ts';

export class Outlet {
  readonly #socket: Socket;
  readonly #onDrain: () => void;
  #handle: StreamHandle | undefined = undefined;
  #isPlain = true;
  /** Of the next write; the system keeps it only with what it could not take. */
  #request: WriteRequest | undefined = undefined;
  /** Writes of which the system has still to take a rest. */
  #kept = 0;

  /** `onDrain` is called when more can be taken after a `false`. */
  constructor(socket: Socket, onDrain: () => void) {
    this.#socket = socket;
    this.#onDrain = onDrain;
    socket.on('drain', onDrain);
  }

  /** The system has taken everything. */
  get isFlushed(): boolean {
    return this.#kept === 0 && this.#socket.writableLength === 0;
  }

  /** Latin-1. False when no more can be taken now. */
  writeText(text: string): boolean {
    const socket = this.#socket;
    const handle = this.#handle ?? this.#find();
    if (handle === undefined || socket.writableLength > 0 || socket.destroyed) return socket.write(text, 'latin1');
    this.#request ??= newWriteRequest(() => this.#onRestTaken());
    const fault = handle.writeLatin1String(this.#request, text);
    if (fault !== 0) {
      socket.destroy(toError(fault));
      return false;
    }
    if (!keepsRest()) return true;
    this.#request = undefined;
    this.#kept++;
    return false;
  }

  /** The bytes stay with the socket until they are taken. False when no more can be taken now. */
  writeBytes(bytes: Buffer): boolean {
    return this.#socket.write(bytes);
  }

  /** Both in one write. */
  writeJoined(before: string, bytes: Buffer, after: string): boolean {
    const socket = this.#socket;
    socket.cork();
    socket.write(before, 'latin1');
    const canTakeMore = socket.write(bytes);
    if (after !== '') socket.write(after, 'latin1');
    socket.uncork();
    return canTakeMore;
  }

  /** Calls back when the system has taken what was written until now, or never will. */
  afterWrites(callback: () => void): void {
    this.#socket.write('', callback);
  }

  #find(): StreamHandle | undefined {
    if (!this.#isPlain || this.#socket.connecting) return undefined;
    this.#handle = handleOf(this.#socket);
    this.#isPlain = this.#handle !== undefined;
    return this.#handle;
  }

  /** Or lost, with the connection; its end is told by the socket. */
  #onRestTaken(): void {
    this.#kept--;
    if (this.#kept === 0 && !this.#socket.destroyed) this.#onDrain();
  }
}

function toError(fault: number): Error {
  const code = getSystemErrorName(fault);
  return Object.assign(new Error(`write ${code}`), { code, errno: fault, syscall: 'write' });
}
