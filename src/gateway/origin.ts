// Where the requests of one connection come from, and what was found out about them once: callers say the same from request to request.

import { toForwardingLines } from './forwarded.ts';
import type { RecordContext } from './record.ts';

export class Origin {
  readonly scheme: 'http' | 'https';
  /** Who is at the other end of the connection. */
  readonly peerAddress: string;
  /** Of the last record. */
  recordContext: RecordContext | undefined = undefined;
  #host: string | undefined = undefined;
  #lines = '';
  #credential = '';
  #digest = '';

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

  /** The digest of a credential, as `make` makes it: once for as long as the connection goes on with the same one. */
  digestOf(credential: string, make: (credential: string) => string): string {
    if (credential !== this.#credential) {
      this.#digest = make(credential);
      this.#credential = credential;
    }
    return this.#digest;
  }
}
