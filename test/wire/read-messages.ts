// The one driver of the codec in these suites: scanner, reader and body decoder put together as a connection does it, without a socket.
// Everything that a caller of the codec could tell from outside stands in the outcome, so that two ways to feed can be compared whole.

import { ChunkedDecoder } from '../../src/gateway/wire/chunked.ts';
import type { WireFault } from '../../src/gateway/wire/fault.ts';
import type { Framing } from '../../src/gateway/wire/framing.ts';
import type { HeadLimits, HeadScanner } from '../../src/gateway/wire/head-scanner.ts';
import {
  createRequestScanner,
  readRequestHead,
  type RequestHead as ReadRequestHead,
} from '../../src/gateway/wire/request-head.ts';
import {
  createResponseScanner,
  readResponseHead,
  type ResponseHead as ReadResponseHead,
} from '../../src/gateway/wire/response-head.ts';

/** Small, so that a row about a limit is short enough to be split at every byte. */
export const LIMITS: HeadLimits = { headBytes: 1024, fields: 12, targetBytes: 200 };

/** A head with its fields as a flat list. */
type Listed<H> = Omit<H, 'fields'> & { readonly headers: readonly string[] };
/** Path and query are shown as the one target that they were. */
export type RequestHead = Omit<Listed<ReadRequestHead>, 'path' | 'query'> & { readonly target: string };
export type ResponseHead = Listed<ReadResponseHead>;
export type Head = RequestHead | ResponseHead;

function listed<H extends ReadRequestHead | ReadResponseHead>(head: H | WireFault): Listed<H> | WireFault {
  if ('reason' in head) return head;
  const { fields, ...rest } = head;
  return { ...rest, headers: fields.list() };
}

function withTarget(head: Listed<ReadRequestHead> | WireFault): RequestHead | WireFault {
  if ('reason' in head) return head;
  const { path, query, ...rest } = head;
  return { ...rest, target: path + query };
}

export interface Message<H extends Head> {
  readonly head: H;
  /** The start line's middle part as it came: a request's target before it is reduced to origin form. */
  readonly rawMiddle: string;
  /** As Latin-1; for a message that is not complete, what was handed over so far. */
  body: string;
  trailers: string[];
}

export type End =
  /** Everything was read, and another message may follow. */
  | { readonly is: 'idle' }
  /** The last message was the connection's last; what follows it is not looked at. */
  | { readonly is: 'over' }
  | { readonly is: 'waiting'; readonly forMore: 'head' | 'body' }
  | { readonly is: 'refused'; readonly fault: WireFault };

export interface Outcome<H extends Head> {
  /** Messages whose body is complete. */
  readonly messages: Message<H>[];
  /** A message whose head was accepted and whose body is not complete, or turned out malformed. */
  readonly partial: Message<H> | undefined;
  readonly end: End;
  /** How many octets were understood: to the end of the last head or the last octet of a body. Undefined where refused inside a chunk. */
  readonly consumed: number;
}

interface Side<H extends Head> {
  readonly scanner: HeadScanner;
  read(scanner: HeadScanner, text: string, index: number): H | WireFault;
  /** Whether nothing else is read after this message. */
  isLast(head: H): boolean;
}

export function readRequests(pieces: readonly Buffer[], limits: HeadLimits = LIMITS): Outcome<RequestHead> {
  return new MessageReader<RequestHead>({
    scanner: createRequestScanner(limits),
    read: (scanner, text) => withTarget(listed(readRequestHead(scanner, text))),
    isLast: (head) => !head.keepAlive || head.upgrade !== undefined,
  }).readAll(pieces);
}

/** `method` is that of all requests that were asked before. */
export function readResponses(
  pieces: readonly Buffer[],
  method: string,
  limits: HeadLimits = LIMITS,
): Outcome<ResponseHead> {
  return new MessageReader<ResponseHead>({
    scanner: createResponseScanner(limits),
    read: (scanner, text) => listed(readResponseHead(scanner, text, method)),
    isLast: (head) => head.status === 101 || (head.status >= 200 && !head.keepAlive),
  }).readAll(pieces);
}

class MessageReader<H extends Head> {
  readonly #side: Side<H>;
  readonly #messages: Message<H>[] = [];
  #partial: Message<H> | undefined = undefined;
  #remaining = 0;
  #decoder: ChunkedDecoder | undefined = undefined;
  #pending: Buffer = Buffer.alloc(0);
  #from = 0;
  #consumed = 0;
  #end: End = { is: 'idle' };

  constructor(side: Side<H>) {
    this.#side = side;
  }

  readAll(pieces: readonly Buffer[]): Outcome<H> {
    for (const piece of pieces) {
      if (this.#isOver) break;
      this.#pending =
        this.#from === this.#pending.length ? piece : Buffer.concat([this.#pending.subarray(this.#from), piece]);
      this.#from = 0;
      while (!this.#isOver && this.#from < this.#pending.length && this.#advance());
    }
    return { messages: this.#messages, partial: this.#partial, end: this.#end, consumed: this.#consumed };
  }

  get #isOver(): boolean {
    return this.#end.is === 'refused' || this.#end.is === 'over';
  }

  /** One step; false when more octets are needed. Every step that is not the last one consumes something. */
  #advance(): boolean {
    const before = this.#consumed;
    const goesOn = this.#partial === undefined ? this.#readHead() : this.#readBody(this.#partial);
    if (goesOn && this.#consumed <= before) throw new Error('a step that consumed nothing');
    return goesOn;
  }

  #readHead(): boolean {
    const { scanner } = this.#side;
    const found = scanner.scan(this.#pending, this.#from, this.#pending.length);
    if (found === undefined) {
      // Nothing but the empty line that may stand before a request is no message yet, but no rest either.
      this.#end = { is: 'waiting', forMore: 'head' };
      return false;
    }
    if (found !== true) return this.#refuse(found);
    const end = this.#from + scanner.scanned;
    const text = this.#pending.toString('latin1', this.#from, end);
    const rawMiddle = text.slice(scanner.firstEnd + 1, scanner.middleEnd);
    const head = this.#side.read(scanner, text, this.#messages.length);
    scanner.reset();
    if ('reason' in head) return this.#refuse(head);
    this.#consume(end);
    const message = { head, rawMiddle, body: '', trailers: [] };
    this.#partial = message;
    this.#begin(head.framing, message);
    return true;
  }

  #begin(framing: Framing, message: Message<H>): void {
    this.#end = { is: 'waiting', forMore: 'body' };
    this.#remaining = framing.kind === 'length' ? framing.bytes : Number.POSITIVE_INFINITY;
    this.#decoder = framing.kind === 'chunked' ? new ChunkedDecoder() : undefined;
    if (framing.kind === 'none') this.#complete(message);
  }

  #readBody(message: Message<H>): boolean {
    const bytes = this.#pending;
    if (this.#decoder === undefined) {
      const end = Math.min(bytes.length, this.#from + this.#remaining);
      this.#remaining -= end - this.#from;
      message.body += bytes.toString('latin1', this.#from, end);
      this.#consume(end);
      if (this.#remaining === 0) this.#complete(message);
      return true;
    }
    const end = this.#decoder.feed(bytes, this.#from, bytes.length, {
      onData(data, dataFrom, dataEnd) {
        message.body += data.toString('latin1', dataFrom, dataEnd);
      },
    });
    if (typeof end !== 'number') return this.#refuse(end);
    this.#consume(end);
    if (this.#decoder.isDone) {
      message.trailers = this.#decoder.trailers;
      this.#complete(message);
    }
    return true;
  }

  #complete(message: Message<H>): void {
    this.#messages.push(message);
    this.#partial = undefined;
    this.#end = this.#side.isLast(message.head) ? { is: 'over' } : { is: 'idle' };
  }

  #consume(end: number): void {
    this.#consumed += end - this.#from;
    this.#from = end;
  }

  #refuse(fault: WireFault): false {
    // How far a body was read before its fault depends on how it was cut; nobody may ask, for nothing more is read.
    if (this.#partial !== undefined) this.#consumed = -1;
    this.#end = { is: 'refused', fault };
    return false;
  }
}
