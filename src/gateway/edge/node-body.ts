// A request's body as node:http gives it. What is not taken stays with the connection, and the caller waits.

import type { IncomingMessage } from 'node:http';
import type { BodySink, RequestBody } from '../body.ts';

export class NodeBody implements RequestBody {
  readonly #request: IncomingMessage;
  #maxBytes: number;
  readonly #onTooLarge: () => void;
  #sink: BodySink | undefined = undefined;
  #isOver = false;
  received = 0;

  constructor(request: IncomingMessage, maxBytes: number, onTooLarge: () => void) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    this.#onTooLarge = onTooLarge;
  }

  start(sink: BodySink): void {
    if (this.#isOver) {
      sink.fail(new Error('the body is over'));
      return;
    }
    this.#sink = sink;
    this.#request.on('end', () => this.#end());
    this.#request.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  cap(maxBytes: number): void {
    this.#maxBytes = Math.min(this.#maxBytes, maxBytes);
  }

  resume(): void {
    this.#request.resume();
  }

  /** The rest is dropped as it comes: node:http needs it read before the connection's next request. */
  cancel(): void {
    this.#isOver = true;
    this.#sink = undefined;
    this.#request.resume();
  }

  /** The caller has gone, or is refused: whoever reads must not take what came for the whole. */
  break(cause: Error): void {
    if (this.#isOver) return;
    const sink = this.#sink;
    this.cancel();
    sink?.fail(cause);
  }

  #take(chunk: Buffer): void {
    if (this.#isOver) return;
    this.received += chunk.length;
    if (this.received > this.#maxBytes) this.#onTooLarge();
    else if (this.#sink?.write(chunk, 0, chunk.length) === false) this.#request.pause();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink?.end();
  }
}
