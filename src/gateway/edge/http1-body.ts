// A request's body on an HTTP/1.1 connection: bytes framed one way or the other, as a BodySource.

import type { BodySink, RequestBody } from '../body.ts';
import { ChunkedDecoder } from '../wire/chunked.ts';
import type { WireFault } from '../wire/fault.ts';
import type { Framing } from '../wire/framing.ts';

/** What the body needs of its connection. */
export interface BodyHost {
  /** More can be taken: hand over what has been received. */
  pump(): void;
  /** The body is wanted now: whoever waits for `100 Continue` may go on. */
  onBodyWanted(): void;
  /** What may be passed on of the trailers behind the body. */
  passTrailers(trailers: readonly string[]): readonly string[];
}

export const BODY_TOO_LARGE: WireFault = { status: 413, reason: 'body too large' };

export class Http1Body implements RequestBody {
  readonly #host: BodyHost;
  #maxBytes: number;
  readonly #decoder: ChunkedDecoder | undefined;
  #remaining: number;
  #sink: BodySink | undefined;
  #discards = false;
  #isPaused = false;
  /** Data bytes received, without the framing. */
  received = 0;
  isComplete = false;

  constructor(framing: Framing, maxBytes: number, host: BodyHost) {
    this.#host = host;
    this.#maxBytes = maxBytes;
    this.#decoder = framing.kind === 'chunked' ? new ChunkedDecoder() : undefined;
    this.#remaining = framing.kind === 'length' ? framing.bytes : framing.kind === 'close' ? Infinity : 0;
  }

  /** Whether received bytes can be handed over now. */
  get wantsMore(): boolean {
    return this.#discards || (this.#sink !== undefined && !this.#isPaused);
  }

  /** Whether what is still to come is known to be at most this. */
  isShorterThan(bytes: number): boolean {
    return this.isComplete || (this.#decoder === undefined && this.#remaining <= bytes);
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    this.#host.onBodyWanted();
    this.#host.pump();
  }

  cap(maxBytes: number): void {
    this.#maxBytes = Math.min(this.#maxBytes, maxBytes);
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#host.pump();
  }

  cancel(): void {
    this.#discards = true;
    this.#sink = undefined;
    this.#host.pump();
  }

  /** The caller has ended their side of a tunnel. */
  finish(): void {
    if (!this.isComplete) this.#complete();
  }

  /** The connection broke: whoever reads must not take what came for the whole. */
  break(cause: Error): void {
    const sink = this.#sink;
    this.#sink = undefined;
    this.#discards = true;
    if (!this.isComplete) sink?.fail(cause);
  }

  /** Takes the bytes between `from` and `end` that belong to the body; answers with the offset after them. */
  feed(bytes: Buffer, from: number, end: number): number | WireFault {
    if (this.#decoder === undefined) {
      const bodyEnd = Math.min(end, from + this.#remaining);
      this.#remaining -= bodyEnd - from;
      this.onData(bytes, from, bodyEnd);
      if (this.#remaining === 0) this.#complete();
      return bodyEnd;
    }
    const bodyEnd = this.#decoder.feed(bytes, from, end, this);
    if (typeof bodyEnd !== 'number') return bodyEnd;
    if (this.received > this.#maxBytes) return BODY_TOO_LARGE;
    if (this.#decoder.isDone) this.#complete();
    return bodyEnd;
  }

  /** The decoder hands over the data of chunks here. */
  onData(bytes: Buffer, from: number, end: number): void {
    this.received += end - from;
    // What passes the limit is not handed on: the refusal follows.
    if (this.received > this.#maxBytes || this.#sink === undefined) return;
    if (!this.#sink.write(bytes, from, end)) this.#isPaused = true;
  }

  #complete(): void {
    this.isComplete = true;
    const trailers = this.#sink === undefined ? [] : (this.#decoder?.trailers ?? []);
    this.#sink?.end(trailers.length === 0 ? trailers : this.#host.passTrailers(trailers));
  }
}
