// The body of a request on its way, and a copy of it for whoever wants one: made when it came whole, and is not longer than may be kept.
// The way itself goes on as if nobody looked.

import type { BodySink, BodySource } from '../body.ts';

export interface CopyTaker {
  readonly maxBytes: number;
  /** The body begins. False: no copy is wanted. */
  onStart(): boolean;
  /** Told once after an `onStart` that said true; undefined: it did not come whole, or is too long. */
  onCopy(body: Buffer | undefined): void;
}

export class CopiedBody implements BodySource, BodySink {
  readonly #source: BodySource;
  readonly #taker: CopyTaker;
  #sink: BodySink | undefined = undefined;
  /** Undefined: no copy is being made. */
  #kept: Buffer[] | undefined = undefined;
  #keptBytes = 0;

  constructor(source: BodySource, taker: CopyTaker) {
    this.#source = source;
    this.#taker = taker;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    if (this.#taker.onStart()) this.#kept = [];
    this.#source.start(this);
  }

  resume(): void {
    this.#source.resume();
  }

  cancel(): void {
    this.#drop();
    this.#source.cancel();
  }

  write(bytes: Buffer, from: number, end: number): boolean {
    if (this.#kept !== undefined) {
      this.#keptBytes += end - from;
      if (this.#keptBytes > this.#taker.maxBytes) this.#drop();
      else this.#kept.push(Buffer.from(bytes.subarray(from, end)));
    }
    return this.#sink?.write(bytes, from, end) ?? true;
  }

  flush(): void {
    this.#sink?.flush();
  }

  end(trailers?: readonly string[]): void {
    this.#sink?.end(trailers);
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept !== undefined) this.#taker.onCopy(Buffer.concat(kept));
  }

  fail(cause: Error): void {
    this.#drop();
    this.#sink?.fail(cause);
  }

  #drop(): void {
    if (this.#kept === undefined) return;
    this.#kept = undefined;
    this.#taker.onCopy(undefined);
  }
}
