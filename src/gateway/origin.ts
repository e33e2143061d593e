// Where the requests of one connection come from, and what upstreams are told of that: the same text for every request that names the
// same host, so it is made once.

import { toForwardingLines } from './forwarded.ts';

export class Origin {
  readonly scheme: 'http' | 'https';
  /** Who is at the other end of the connection. */
  readonly peerAddress: string;
  #host: string | undefined = undefined;
  #lines = '';

  constructor(scheme: 'http' | 'https', peerAddress: string) {
    this.scheme = scheme;
    this.peerAddress = peerAddress;
  }

  /** `X-Forwarded-*` and `Forwarded` as lines, for a peer whose own claims are not believed. */
  forwardingLines(host: string | undefined): string {
    if (this.#lines === '' || host !== this.#host) {
      this.#host = host;
      this.#lines = toForwardingLines(this, host);
    }
    return this.#lines;
  }
}
