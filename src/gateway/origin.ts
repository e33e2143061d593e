// Where the requests of one connection come from, and what was found out about them once: callers say the same from request to request.

import { toForwardingLines } from './forwarded.ts';
import type { SharedPart } from './record.ts';

/** What a connection was made to. */
export interface Reached {
  /** The port that we listen on. */
  readonly port: number;
  /** The names that we proved to be over TLS; undefined where nothing was proved. */
  readonly names: { covers(host: string): boolean } | undefined;
}

export class Origin {
  readonly scheme: 'http' | 'https';
  /** Who is at the other end of the connection. */
  readonly peerAddress: string;
  readonly port: number;
  readonly #names: Reached['names'];
  lastRecord: SharedPart | undefined = undefined;
  #host: string | undefined = undefined;
  #lines = '';
  /** The last host that was found to belong here. */
  #covered: string | undefined = undefined;
  #credential = '';
  #digest = '';

  constructor(scheme: 'http' | 'https', peerAddress: string, { port, names }: Reached) {
    this.scheme = scheme;
    this.peerAddress = peerAddress;
    this.port = port;
    this.#names = names;
  }

  /** Whether a request that names this host belongs on the connection; `host` with its port, as it came. */
  isFor(host: string | undefined): boolean {
    if (this.#names === undefined || host === undefined || host === this.#covered) return true;
    const colon = host.lastIndexOf(':');
    const name = colon > host.lastIndexOf(']') ? host.slice(0, colon) : host;
    if (!this.#names.covers(name)) return false;
    this.#covered = host;
    return true;
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
