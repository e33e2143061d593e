// What stands under Node's plain sockets, used where the stream above it costs more than the work: two reads and two writes a request, each
// with its bookkeeping and a tick of its own (docs/decisions/0009). Where this Node has no such thing, there is no handle, and the
// sockets serve as they are.

import type { Socket } from 'node:net';

export interface StreamHandle {
  /** Called for everything that is read, and for the end. */
  onread: (this: StreamHandle, ...rest: unknown[]) => unknown;
  /** 0, or the system's error number, negative; undefined when the socket has been destroyed. What the system does not take at once is kept, and `request.oncomplete` called. */
  writeLatin1String(request: WriteRequest, text: string): number | undefined;
}

export interface WriteRequest {
  oncomplete: (status: number) => void;
}

interface Binding {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

const binding = load();

/** Of a plain socket that is connected. */
export function handleOf(socket: Socket): StreamHandle | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  return binding !== undefined && !('encrypted' in socket) && isHandle(handle) ? handle : undefined;
}

/** Inside `onread`: how many octets were read; zero or less at the end and for errors. */
export function readCount(): number {
  return binding?.streamBaseState[binding.kReadBytesOrError] ?? 0;
}

/** Right after a write: whether a rest of it is kept, and the request with it. */
export function keepsRest(): boolean {
  return binding?.streamBaseState[binding.kLastWriteWasAsync] === 1;
}

export function newWriteRequest(oncomplete: () => void): WriteRequest {
  if (binding === undefined) throw new Error('a write request without handles');
  const request = new binding.WriteWrap();
  request.oncomplete = oncomplete;
  return request;
}

function load(): Binding | undefined {
  const get: unknown = Reflect.get(process, 'binding');
  if (typeof get !== 'function') return undefined;
  const found: unknown = Reflect.apply(get, process, ['stream_wrap']);
  return isBinding(found) ? found : undefined;
}

function isBinding(found: unknown): found is Binding {
  return (
    typeof found === 'object' &&
    found !== null &&
    'WriteWrap' in found &&
    typeof found.WriteWrap === 'function' &&
    'streamBaseState' in found &&
    found.streamBaseState instanceof Int32Array &&
    'kReadBytesOrError' in found &&
    typeof found.kReadBytesOrError === 'number' &&
    'kLastWriteWasAsync' in found &&
    typeof found.kLastWriteWasAsync === 'number'
  );
}

function isHandle(found: unknown): found is StreamHandle {
  return (
    typeof found === 'object' &&
    found !== null &&
    'onread' in found &&
    typeof found.onread === 'function' &&
    'writeLatin1String' in found &&
    typeof found.writeLatin1String === 'function'
  );
}
