// A request's body on an HTTP/2 stream, as a BodySource. What is not taken fills the stream's window, and the caller waits.

import type { ServerHttp2Stream } from 'node:http2';
import type { BodySink, RequestBody } from '../body.ts';
import { FAULTS, type WireFault } from '../wire/fault.ts';
import { BODY_TOO_LARGE } from './http1-body.ts';
import { readHttp2Trailers } from './http2-head.ts';

/** What the body needs of its answer. */
export interface Http2BodyHost {
  /** The body is wanted now: whoever waits for 100 may go on. */
  onBodyWanted(): void;
  /** What came may not be. */
  onBodyRefused(fault: WireFault): void;
}

export class Http2Body implements RequestBody {
  readonly #stream: ServerHttp2Stream;
  #maxBytes: number;
  readonly #host: Http2BodyHost;
  /** What Content-Length promised; -1 when it promised nothing. */
  readonly #promised: number;
  #sink: BodySink | undefined = undefined;
  #isOver = false;
  /** Undefined when what came behind the body may not be there. */
  #trailers: readonly string[] | undefined = [];
  received = 0;
  isComplete = false;

  constructor(stream: ServerHttp2Stream, promised: number, maxBytes: number, host: Http2BodyHost) {
    this.#stream = stream;
    this.#promised = promised;
    this.#maxBytes = maxBytes;
    this.#host = host;
    // They are told of before the end, and maybe before anybody reads.
    stream.on('trailers', (_fields, _flags, raw: readonly string[]) => (this.#trailers = readHttp2Trailers(raw)));
  }

  /** Whether it is the caller who is waited for. */
  get isAwaited(): boolean {
    return !this.#isOver && this.#sink !== undefined && !this.#stream.isPaused();
  }

  start(sink: BodySink): void {
    if (this.#isOver) {
      sink.fail(new Error('the body is over'));
      return;
    }
    this.#sink = sink;
    this.#host.onBodyWanted();
    this.#stream.on('end', () => this.#end());
    this.#stream.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  cap(maxBytes: number): void {
    this.#maxBytes = Math.min(this.#maxBytes, maxBytes);
  }

  resume(): void {
    this.#stream.resume();
  }

  /** The rest is not read: its window stays shut until the answer ends the stream. */
  cancel(): void {
    this.#isOver = true;
    this.#sink = undefined;
    this.#stream.pause();
  }

  /** The stream broke: whoever reads must not take what came for the whole. */
  break(cause: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.fail(cause);
  }

  #take(chunk: Buffer): void {
    if (this.#isOver) return;
    this.received += chunk.length;
    // What passes the limit, or the promise (RFC 9113 §8.1.1), is not handed on.
    if (this.received > this.#maxBytes) this.#host.onBodyRefused(BODY_TOO_LARGE);
    else if (this.#promised >= 0 && this.received > this.#promised) this.#refuse();
    else if (this.#sink?.write(chunk, 0, chunk.length) === false) this.#stream.pause();
  }

  #end(): void {
    if (this.#isOver) return;
    // A stream that is closed already was reset: Node ends what a reset without an error code has cut off.
    if (this.#stream.closed || (this.#promised >= 0 && this.received !== this.#promised)) {
      this.#refuse();
      return;
    }
    if (this.#trailers === undefined) {
      this.#host.onBodyRefused(FAULTS.trailer);
      return;
    }
    this.#isOver = true;
    this.isComplete = true;
    this.#sink?.end(this.#trailers);
  }

  #refuse(): void {
    this.break(new Error('the body is not what was announced'));
  }
}
