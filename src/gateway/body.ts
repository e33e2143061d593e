// Bodies on their way through: whoever reads pulls, whoever cannot take more says so. No stream objects, no promises.

/** Takes a body, chunk by chunk. Exactly one of `end` and `fail` is called, once, last. */
export interface BodySink {
  /**
   * Takes the octets between `from` and `end`. Returns false when no more can be taken now; the source then waits for its `resume`. The
   * octets are lent: whoever needs them after returning copies them.
   */
  write(bytes: Buffer, from: number, end: number): boolean;
  /** All that is at hand has been written: a head that was held back to be joined with it goes out now. The answer's source calls it after every burst. */
  flush(): void;
  /** `trailers`: flat, name, value, …; they may fall away where the way on has no place for them. */
  end(trailers?: readonly string[]): void;
  /** The body broke off: what was written so far must not look complete. */
  fail(cause: Error): void;
}

/** Gives a body, once. */
export interface BodySource {
  /** Begins to write into the sink. */
  start(sink: BodySink): void;
  /** The sink, having refused more, can take more again. */
  resume(): void;
  /** Nobody wants the rest; whatever stands behind is released. May be called at any time, more than once. */
  cancel(): void;
}

/** The body of a request, as the edge takes it in. */
export interface RequestBody extends BodySource {
  /** Takes no more than this, where the edge itself would take more: beyond it the request is refused with 413, or broken off. */
  cap(maxBytes: number): void;
}
