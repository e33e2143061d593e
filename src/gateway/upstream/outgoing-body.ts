// The body of a request on its way to the upstream, behind its head; or what a caller sends through a tunnel.

import type { Socket } from 'node:net';
import type { BodySink } from '../body.ts';
import { Http1Writer } from '../http1-writer.ts';
import type { Outlet } from '../outlet.ts';
import { toTrailerLines } from './request-headers.ts';

/** The call that the body belongs to. */
export interface OutgoingHost {
  readonly isOver: boolean;
  /** Octets are on their way. */
  onSending(): void;
  cancel(): void;
}

/** The connection that it goes out on. */
interface Way {
  readonly socket: Socket;
  readonly out: Outlet;
}

export class OutgoingBody implements BodySink {
  readonly #host: OutgoingHost;
  readonly #socket: Socket;
  readonly #writer: Http1Writer;
  readonly #isTunnel: boolean;
  #hasEnded = false;

  /** `head` goes out with the first octets; `framing` tells how the body ends: by its length, in chunks, or with our side of the connection. */
  constructor(host: OutgoingHost, { socket, out }: Way, head: string, framing: 'length' | 'chunks' | 'tunnel') {
    this.#host = host;
    this.#socket = socket;
    this.#writer = new Http1Writer(out, head, framing === 'chunks');
    this.#isTunnel = framing === 'tunnel';
  }

  /** All of it is with the socket. */
  get isSent(): boolean {
    return this.#hasEnded && this.#writer.isDry;
  }

  write(bytes: Buffer, from: number, end: number): boolean {
    if (this.#host.isOver) return true; // Nobody reads any more; the rest falls away.
    this.#host.onSending();
    return this.#writer.write(bytes, from, end);
  }

  end(trailers: readonly string[] = []): void {
    if (this.#host.isOver) return;
    this.#hasEnded = true;
    this.#writer.end(toTrailerLines(trailers));
    if (this.#isTunnel) this.#socket.end();
  }

  /** The request broke off on the caller's side: the upstream must not take it for whole. */
  fail(): void {
    this.#host.cancel();
  }

  flush(): void {
    this.#writer.flush();
  }
}
