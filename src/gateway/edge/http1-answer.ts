// The answer to one request on an HTTP/1.1 connection: framed so that the caller can read it in one way only, and written in one
// write where head and body are small.

import { STATUS_CODES } from 'node:http';
import type { BodySink } from '../body.ts';
import type { Exchange, Reply, Responder } from '../exchange.ts';
import { problemReply } from '../problem-reply.ts';
import { isSameToken } from '../wire/octets.ts';
import type { RequestHead } from '../wire/request-head.ts';
import type { Http1Body } from './http1-body.ts';
import type { Http1Connection } from './http1-connection.ts';
import { toRefusalProblem, type Refusal } from './wire-refusal.ts';

/** Up to this, body bytes are joined to the head as text; beyond, a second buffer in one vectored write is cheaper. */
const MAX_JOINED_BYTES = 8192;

const STATUS_LINES: string[] = [];
for (let status = 100; status < 600; status++)
  STATUS_LINES[status] = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;

export class Http1Answer implements Responder, BodySink {
  readonly #connection: Http1Connection;
  readonly #isHttp10: boolean;
  readonly #isHead: boolean;
  readonly #wantsKeepAlive: boolean;
  readonly expectsContinue: boolean;
  readonly body: Http1Body | undefined;
  exchange: Exchange | undefined = undefined;

  /** Head and small first bytes of the body, until they are written together. */
  #held = '';
  #isHolding = false;
  #isChunked = false;
  #resumeSource: (() => void) | undefined = undefined;
  keepAlive = true;
  /** The head is on its way. */
  hasBegun = false;
  /** All of the answer is with the socket. */
  isSent = false;
  isTunnel = false;

  constructor(connection: Http1Connection, head: RequestHead, body: Http1Body | undefined) {
    this.#connection = connection;
    this.#isHttp10 = head.isHttp10;
    this.#isHead = head.method === 'HEAD';
    this.#wantsKeepAlive = head.keepAlive;
    this.expectsContinue = head.expectsContinue;
    this.body = body;
  }

  send(reply: Reply): void {
    const { body, status } = reply;
    if (this.hasBegun || this.#connection.socket.destroyed) {
      if (body !== undefined && 'cancel' in body) body.cancel();
      return;
    }
    this.hasBegun = true;
    if (body !== undefined && 'start' in body) {
      const hasBody = !this.#isHead && status !== 204 && status !== 304;
      this.#held = this.#toHead(reply, -1, hasBody);
      this.#isHolding = true;
      this.#resumeSource = () => body.resume();
      body.start(this);
      this.#isHolding = false;
      this.#release();
      return;
    }
    const text =
      body === undefined ? '' : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1');
    this.#held = this.#toHead(reply, text.length, false);
    if (!this.#isHead) {
      this.#held += text;
      this.#count(text.length);
    }
    this.end();
  }

  /** In place of an answer: the request itself turned out to be wrong. */
  refuse(refusal: Refusal): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    const reply = problemReply(exchange, toRefusalProblem(refusal));
    reply.headers.push('x-request-id', exchange.id);
    exchange.status = reply.status;
    this.send(reply);
  }

  write(chunk: Uint8Array): boolean {
    if (chunk.length === 0) return true;
    this.#count(chunk.length);
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#held !== '' && this.#held.length + bytes.length <= MAX_JOINED_BYTES) {
      this.#held += this.#isChunked
        ? `${bytes.length.toString(16)}\r\n${bytes.toString('latin1')}\r\n`
        : bytes.toString('latin1');
      return true;
    }
    const { socket } = this.#connection;
    const head = this.#held;
    this.#held = '';
    if (head === '' && !this.#isChunked) return socket.write(bytes);
    socket.cork();
    socket.write(this.#isChunked ? `${head}${bytes.length.toString(16)}\r\n` : head, 'latin1');
    const canTakeMore = socket.write(bytes);
    if (this.#isChunked) socket.write('\r\n', 'latin1');
    socket.uncork();
    return canTakeMore;
  }

  end(): void {
    if (this.isSent) return;
    if (this.#isChunked) this.#held += '0\r\n\r\n';
    this.isSent = true;
    this.#isHolding = false;
    this.#release();
    const { socket } = this.#connection;
    if (socket.writableLength === 0) this.#onWritten();
    else socket.write('', () => this.#onWritten());
  }

  /** The answer broke off: the connection is broken too, so that it cannot look complete. */
  fail(): void {
    if (this.exchange !== undefined && !this.isSent) this.exchange.errorCode = 'upstream_broken_off';
    this.isSent = true;
    this.#connection.socket.destroy();
  }

  onDrain(): void {
    this.#resumeSource?.();
  }

  /** The caller's half of a tunnel has ended. */
  endTunnel(): void {
    this.body?.break(new Error('tunnel ended'));
  }

  /** The connection has closed: whatever is not answered never will be. */
  onGone(): void {
    const { exchange } = this;
    if (exchange !== undefined && !this.isSent) {
      exchange.clientGone = true;
      exchange.upstreamCall?.cancel();
    }
    this.#finish();
  }

  /** The system has taken all of the answer. */
  #onWritten(): void {
    this.#finish();
    this.#connection.onAnswered(this);
  }

  #finish(): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    exchange.requestBytes = this.body?.received ?? 0;
    this.#connection.shared.runner.finish(exchange);
  }

  #release(): void {
    if (this.#isHolding || this.#held === '') return;
    const held = this.#held;
    this.#held = '';
    this.#connection.socket.write(held, 'latin1');
  }

  #count(bytes: number): void {
    if (this.exchange !== undefined) this.exchange.responseBytes += bytes;
  }

  /** `length` of a local body, or -1 for one that streams: then its own Content-Length frames it, or chunks, or the connection's end. */
  #toHead({ status, headers }: Reply, length: number, streams: boolean): string {
    let head = STATUS_LINES[status] ?? `HTTP/1.1 ${status} \r\n`;
    let hasLength = false;
    let hasDate = false;
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = headers[i] ?? '';
      if (name.length === 14 && isSameToken(name, 'content-length')) hasLength = true;
      else if (name.length === 4 && isSameToken(name, 'date')) hasDate = true;
      head += `${name}: ${headers[i + 1]}\r\n`;
    }
    if (!hasDate) head += `date: ${this.#connection.shared.httpDate()}\r\n`;
    if (length >= 0) head += `content-length: ${length}\r\n`;
    else if (streams && !hasLength) {
      this.#isChunked = !this.#isHttp10;
      if (this.#isChunked) head += 'transfer-encoding: chunked\r\n';
    }
    const isDelimited = !streams || hasLength || this.#isChunked;
    this.keepAlive = this.#wantsKeepAlive && isDelimited && this.#connection.canContinue(this);
    if (!this.keepAlive) head += 'connection: close\r\n';
    else if (this.#isHttp10) head += 'connection: keep-alive\r\n';
    return `${head}\r\n`;
  }
}
