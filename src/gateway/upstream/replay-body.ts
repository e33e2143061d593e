// The body of a request that may have to be sent again: as it passes, its beginning is kept. A body longer than what may be kept passes
// all the same, but once only.

import type { BodySink, BodySource } from '../body.ts';

const MAX_KEPT_BYTES = 65_536;

export class ReplayBody implements BodySource, BodySink {
  readonly #source: BodySource;
  #kept: Buffer[] | undefined = [];
  #keptBytes = 0;
  #sink: BodySink | undefined = undefined;
  #hasStarted = false;
  #hasEnded = false;
  #isPaused = false;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** All that has passed is kept: it can be started again. */
  get isWhole(): boolean {
    return this.#kept !== undefined;
  }

  /** Whoever took it takes no more, and somebody else will: until then nothing is asked for. */
  suspend(): void {
    this.#sink = undefined;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    this.#isPaused = false;
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      this.#source.start(this);
      return;
    }
    for (const bytes of this.#kept ?? []) this.#pass(sink, bytes, 0, bytes.length);
    if (this.#hasEnded) sink.end();
    else if (!this.#isPaused) this.#source.resume();
  }

  resume(): void {
    this.#isPaused = false;
    this.#source.resume();
  }

  cancel(): void {
    this.#kept = undefined;
    this.#sink = undefined;
    this.#source.cancel();
  }

  write(bytes: Buffer, from: number, end: number): boolean {
    const sink = this.#sink;
    this.#keep(bytes, from, end, sink === undefined);
    return sink !== undefined && this.#pass(sink, bytes, from, end);
  }

  flush(): void {
    this.#sink?.flush();
  }

  end(): void {
    this.#hasEnded = true;
    this.#sink?.end();
  }

  fail(cause: Error): void {
    this.#kept = undefined;
    this.#sink?.fail(cause);
  }

  /** What comes while nobody takes it is kept in any case: it is one read at most. */
  #keep(bytes: Buffer, from: number, end: number, isNeeded: boolean): void {
    if (this.#kept === undefined) return;
    this.#keptBytes += end - from;
    if (this.#keptBytes > MAX_KEPT_BYTES && !isNeeded) this.#kept = undefined;
    else this.#kept.push(Buffer.from(bytes.subarray(from, end)));
  }

  #pass(sink: BodySink, bytes: Buffer, from: number, end: number): boolean {
    this.#isPaused = !sink.write(bytes, from, end);
    return !this.#isPaused;
  }
}
