// The answer to one request on an HTTP/1.1 connection: framed so that the caller can read it in one way only, and written in one
// write where head and body are small.

import { STATUS_CODES } from 'node:http';
import { toFlatText } from '../../lib/flat-text.ts';
import type { BodySink, BodySource } from '../body.ts';
import type { Exchange, Reply, Responder } from '../exchange.ts';
import { problemReply } from '../problem-reply.ts';
import { Http1Writer } from '../http1-writer.ts';
import { NOT_FOR_CALLERS } from '../upstream/hop-headers.ts';
import { CONTENT_LENGTH, DATE, hasKind, TE } from '../wire/field-kind.ts';
import type { RequestHead } from '../wire/request-head.ts';
import type { Http1Body } from './http1-body.ts';
import type { Http1Connection } from './http1-connection.ts';
import { toRefusalProblem, type Refusal } from './wire-refusal.ts';

const STATUS_LINES: string[] = [];
for (let status = 100; status < 600; status++)
  STATUS_LINES[status] = toFlatText(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`);

export class Http1Answer implements Responder, BodySink {
  readonly #connection: Http1Connection;
  readonly #isHttp10: boolean;
  readonly #isHead: boolean;
  readonly #wantsKeepAlive: boolean;
  readonly expectsContinue: boolean;
  readonly body: Http1Body | undefined;
  /** What the caller sends after a 101. */
  readonly tunnel: Http1Body | undefined;
  exchange: Exchange | undefined = undefined;
  /** The caller was told to send the body that it holds back. */
  hasContinued = false;

  #writer: Http1Writer | undefined = undefined;
  #isChunked = false;
  /** Its end can be told without the connection's end. */
  #isDelimited = true;
  #source: BodySource | undefined = undefined;
  keepAlive = true;
  /** The head is on its way. */
  hasBegun = false;
  /** All of the answer is with the socket. */
  isSent = false;
  isTunnel = false;

  constructor(
    connection: Http1Connection,
    head: RequestHead,
    body: Http1Body | undefined,
    tunnel: Http1Body | undefined,
  ) {
    this.#connection = connection;
    this.#isHttp10 = head.isHttp10;
    this.#isHead = head.method === 'HEAD';
    this.#wantsKeepAlive = head.keepAlive;
    this.expectsContinue = head.expectsContinue;
    this.body = body;
    this.tunnel = tunnel;
  }

  send(reply: Reply): void {
    const { body, status } = reply;
    if (this.hasBegun || this.#connection.isDestroyed) {
      if (body !== undefined && 'cancel' in body) body.cancel();
      return;
    }
    this.hasBegun = true;
    this.isTunnel = status === 101;
    const isStream = body !== undefined && 'start' in body;
    const head = this.#toHead(reply, isStream ? -1 : (body?.byteLength ?? 0));
    this.#writer = new Http1Writer(this.#connection.out, head, this.#isChunked);
    if (isStream) {
      this.#source = body;
      body.start(this);
      return;
    }
    if (body !== undefined && !this.#isHead) {
      this.write(Buffer.from(body.buffer, body.byteOffset, body.byteLength), 0, body.byteLength);
    }
    this.end();
  }

  sendInterim(status: number, headers: readonly string[]): void {
    if (this.hasBegun || this.#isHttp10 || this.#connection.isDestroyed) return;
    let head = STATUS_LINES[status] ?? `HTTP/1.1 ${status} \r\n`;
    for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    this.#connection.out.writeText(`${head}\r\n`);
  }

  /** Where what the caller sends now belongs. */
  get inbound(): Http1Body | undefined {
    return this.isTunnel ? this.tunnel : this.body;
  }

  /** In place of an answer: the request itself turned out to be wrong. */
  refuse(refusal: Refusal): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    const reply = problemReply(exchange, toRefusalProblem(refusal));
    exchange.status = reply.status;
    this.send(reply);
  }

  write(bytes: Buffer, from: number, end: number): boolean {
    if (from === end) return true;
    if (this.exchange !== undefined) this.exchange.responseBytes += end - from;
    return this.#writer?.write(bytes, from, end) ?? true;
  }

  end(trailers: readonly string[] = []): void {
    if (this.isSent) return;
    this.isSent = true;
    this.#writer?.end(trailers.length > 0 ? this.#toTrailers(trailers) : '');
    const { out } = this.#connection;
    if (this.isTunnel) {
      out.end(); // Their half; ours goes on until the caller ends it, and the record waits for both.
      return;
    }
    if (out.isFlushed) this.#onWritten();
    else out.afterWrites(() => this.#onWritten());
  }

  /** The answer broke off: the connection is broken too, so that it cannot look complete. */
  fail(): void {
    if (this.exchange !== undefined && !this.isSent) this.exchange.errorCode = 'upstream_broken_off';
    this.isSent = true;
    if (this.#isDelimited) this.#connection.destroy();
    else this.#connection.reset();
  }

  onDrain(): void {
    this.#source?.resume();
  }

  /** The connection has closed: whatever is not answered never will be. */
  onGone(): void {
    const { exchange } = this;
    if (exchange !== undefined && !this.isSent) {
      exchange.clientGone = !this.isTunnel;
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
    exchange.requestBytes = (this.body ?? this.tunnel)?.received ?? 0;
    this.#connection.shared.runner.finish(exchange);
  }

  flush(): void {
    this.#writer?.flush();
  }

  /** RFC 9110 §6.5.1: trailers are for those who said that they take them. */
  #toTrailers(trailers: readonly string[]): string {
    const te = this.exchange === undefined ? undefined : this.exchange.fields.joined(TE);
    if (te === undefined || !/(?:^|,)[ \t]*trailers[ \t]*(?:$|,)/i.test(te)) return '';
    let text = '';
    for (let i = 0; i + 1 < trailers.length; i += 2) text += `${trailers[i]}: ${trailers[i + 1]}\r\n`;
    return text;
  }

  /** `length` is that of a local body, or -1 for one that streams: then its own Content-Length frames it, or chunks, or the connection's end. */
  #toHead({ status, fields, drops, headers, lines }: Reply, length: number): string {
    const streams = length < 0 && !this.#isHead && status !== 204 && status !== 304;
    const { shared } = this.#connection;
    const kinds = fields?.kinds ?? 0;
    // RFC 9110 §8.6: with 101 and 204 it must not be there, and could be taken for a body's.
    const hasLength = hasKind(kinds, CONTENT_LENGTH) && status !== 204 && !this.isTunnel;
    let head = STATUS_LINES[status] ?? `HTTP/1.1 ${status} \r\n`;
    if (fields !== undefined)
      head += fields.linesWithout(NOT_FOR_CALLERS | drops | (hasLength ? 0 : 1 << CONTENT_LENGTH));
    for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    head += lines;
    if (fields !== undefined) head += shared.viaLine;
    if (this.exchange !== undefined) head += this.exchange.idLines;
    if (!hasKind(kinds, DATE)) head += `date: ${shared.httpDate()}\r\n`;
    if (length >= 0 && status !== 204) head += `content-length: ${length}\r\n`;
    else if (streams && !hasLength && !this.isTunnel) {
      this.#isChunked = !this.#isHttp10;
      if (this.#isChunked) head += 'transfer-encoding: chunked\r\n';
    }
    this.#isDelimited = !streams || hasLength || this.#isChunked;
    this.keepAlive = this.#wantsKeepAlive && this.#isDelimited && this.#connection.canContinue(this);
    if (this.isTunnel) head += 'connection: upgrade\r\nupgrade: websocket\r\n';
    else if (!this.keepAlive) head += 'connection: close\r\n';
    else if (this.#isHttp10) head += 'connection: keep-alive\r\n';
    return `${head}\r\n`;
  }
}
