// Takes the body of an answer that nobody wants, as far as that is worth it so that the connection can be used again.

import type { BodySink, BodySource } from '../body.ts';

const MAX_READ_BYTES = 65_536;

export class Discard implements BodySink {
  readonly #source: BodySource;
  #readBytes = 0;

  constructor(source: BodySource) {
    this.#source = source;
  }

  write(_bytes: Buffer, from: number, end: number): boolean {
    this.#readBytes += end - from;
    if (this.#readBytes > MAX_READ_BYTES) this.#source.cancel();
    return true;
  }

  flush(): void {}

  end(): void {}

  fail(): void {}
}
