// Where the requests of one connection come from, and what was found out about them once: callers say the same from request to request.

import { toForwardingLines } from './forwarded.ts';
import type { Presented } from './ports.ts';
import type { SharedPart } from './record.ts';
import type { PassedLines } from './upstream/request-headers.ts';
import type { Fields } from './wire/fields.ts';

/** What a connection was made to. */
export interface Reached {
  /** The port that we listen on. */
  readonly port: number;
  /** The names that we proved to be over TLS; undefined where nothing was proved. */
  readonly names: { covers(host: string): boolean } | undefined;
}

/** `last` is what the connection presented before: to be returned for the same text. */
export type ReadPresented = (fields: Fields, last: Presented | undefined) => Presented | undefined;

export class Origin {
  readonly scheme: 'http' | 'https';
  /** Who is at the other end of the connection. */
  readonly peerAddress: string;
  readonly port: number;
  readonly #names: Reached['names'];
  lastRecord: SharedPart | undefined = undefined;
  lastPassed: PassedLines | undefined = undefined;
  #host: string | undefined = undefined;
  #lines = '';
  /** The last host that was found to belong here. */
  #covered: string | undefined = undefined;
  #presentedIn: Fields | undefined = undefined;
  #presented: Presented | undefined = undefined;

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

  /** What the caller presents in these fields, as `read` reads it: once for as long as the connection goes on with the same ones. */
  presentedIn(fields: Fields, read: ReadPresented): Presented | undefined {
    if (fields !== this.#presentedIn) {
      this.#presented = read(fields, this.#presented);
      this.#presentedIn = fields;
    }
    return this.#presented;
  }
}
