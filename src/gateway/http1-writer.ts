// Writes one HTTP/1.1 message to a socket, requests and answers alike: the head in one write with the first bytes of the body where both
// are small, and in chunks where no length was promised (RFC 9112 §7.1).

import type { Outlet } from './outlet.ts';

/** Up to this, body bytes are joined to the head as text; beyond, a second buffer in one vectored write is cheaper. */
const MAX_JOINED_BYTES = 8192;

export class Http1Writer {
  readonly #out: Outlet;
  readonly #isChunked: boolean;
  /** The head, and what was joined to it, until it is written. */
  #held: string;

  /** `head` with its empty line; it goes out with the first bytes of the body, or on `flush`. */
  constructor(out: Outlet, head: string, isChunked: boolean) {
    this.#out = out;
    this.#held = head;
    this.#isChunked = isChunked;
  }

  /** Whether everything has been handed to the socket. */
  get isDry(): boolean {
    return this.#held === '';
  }

  /** False when the socket can take no more now. */
  write(lent: Buffer, from: number, end: number): boolean {
    const held = this.#held;
    if (held !== '' && held.length + end - from <= MAX_JOINED_BYTES) {
      const text = lent.toString('latin1', from, end);
      this.#held = this.#isChunked ? `${held}${(end - from).toString(16)}\r\n${text}\r\n` : held + text;
      return true;
    }
    this.#held = '';
    const bytes = Buffer.from(lent.subarray(from, end)); // It is only lent to us, and the socket may keep it.
    if (this.#isChunked) return this.#out.writeJoined(`${held}${bytes.length.toString(16)}\r\n`, bytes, '\r\n');
    return held === '' ? this.#out.writeBytes(bytes) : this.#out.writeJoined(held, bytes, '');
  }

  /** `trailers` as lines that each end with CRLF; they fall away where there are no chunks. */
  end(trailers = ''): void {
    if (this.#isChunked) this.#held += `0\r\n${trailers}\r\n`;
    this.flush();
  }

  flush(): void {
    if (this.#held === '') return;
    const held = this.#held;
    this.#held = '';
    this.#out.writeText(held);
  }
}
