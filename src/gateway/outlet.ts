// What goes out on a connection. Text goes to the system by the handle where nothing waits before it, at the end of the turn of the event
// loop; everything else by the socket, in order.
//
// A turn deals with all connections that the system had something for. Were each answered as it is dealt with, the peer would have handled
// one message and gone to sleep again before the next, and waking somebody costs more than writing. So the turn's texts go out one right
// after the other; and what is said twice to one peer within a turn goes in one write.

import type { Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { handleOf, keepsRest, newWriteRequest, type StreamHandle, type WriteRequest } from './stream-handle.ts';

/** Those that have something to say at the end of the turn. */
let speakers: Outlet[] = [];

function endTurn(): void {
  const all = speakers;
  speakers = [];
  for (const outlet of all) outlet.flush();
}

/** More than that is written without waiting for the end of the turn. */
const MAX_HELD = 65_536;

export class Outlet {
  readonly #socket: Socket;
  readonly #onDrain: () => void;
  #handle: StreamHandle | undefined = undefined;
  #isPlain = true;
  /** To be written at the end of the turn. */
  #held = '';
  /** Of the next write; the system keeps it only with what it could not take. */
  #request: WriteRequest | undefined = undefined;
  /** Writes of which the system has still to take a rest. */
  #kept = 0;
  /** Something went by the socket, and may wait there; else its state is not looked at, which would have to be fetched from memory. */
  #mayWaitInSocket = false;

  /** `onDrain` is called when more can be taken after a `false`. */
  constructor(socket: Socket, onDrain: () => void) {
    this.#socket = socket;
    this.#onDrain = onDrain;
    socket.on('drain', onDrain);
  }

  /** Something is to be written at the end of the turn. */
  get isHolding(): boolean {
    return this.#held !== '';
  }

  /** The system has taken everything, but for what is written at the end of the turn. */
  get isFlushed(): boolean {
    return this.#kept === 0 && !this.#isSocketBusy();
  }

  /** Latin-1. False when no more can be taken now. */
  writeText(text: string): boolean {
    const handle = this.#handle ?? this.#find();
    if (handle === undefined || this.#kept > 0 || this.#isSocketBusy()) {
      this.flush();
      return this.#bySocket().write(text, 'latin1');
    }
    if (this.#held === '') {
      if (speakers.length === 0) setImmediate(endTurn);
      speakers.push(this);
    }
    this.#held += text;
    return this.#held.length <= MAX_HELD || this.flush();
  }

  /** The bytes stay with the socket until they are taken. False when no more can be taken now. */
  writeBytes(bytes: Buffer): boolean {
    this.flush();
    return this.#bySocket().write(bytes);
  }

  /** Both in one write. */
  writeJoined(before: string, bytes: Buffer, after: string): boolean {
    this.flush();
    const socket = this.#bySocket();
    socket.cork();
    socket.write(before, 'latin1');
    const canTakeMore = socket.write(bytes);
    if (after !== '') socket.write(after, 'latin1');
    socket.uncork();
    return canTakeMore;
  }

  /** Calls back when the system has taken what was written until now, or never will. */
  afterWrites(callback: () => void): void {
    this.flush();
    this.#bySocket().write('', callback);
  }

  /** Nothing more will come. */
  end(): void {
    this.flush();
    this.#socket.end();
  }

  /** Writes what waits for the end of the turn. False when no more can be taken now. */
  flush(): boolean {
    const text = this.#held;
    const handle = this.#handle;
    if (text === '' || handle === undefined) return true;
    this.#held = '';
    this.#request ??= newWriteRequest(() => this.#onRestTaken());
    const fault = handle.writeLatin1String(this.#request, text);
    if (fault !== 0) {
      if (fault !== undefined && !this.#socket.destroyed) this.#socket.destroy(toError(fault));
      return false;
    }
    if (!keepsRest()) return true;
    this.#request = undefined;
    this.#kept++;
    return false;
  }

  #isSocketBusy(): boolean {
    if (!this.#mayWaitInSocket) return false;
    this.#mayWaitInSocket = this.#socket.writableLength > 0;
    return this.#mayWaitInSocket;
  }

  #bySocket(): Socket {
    this.#mayWaitInSocket = true;
    return this.#socket;
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
