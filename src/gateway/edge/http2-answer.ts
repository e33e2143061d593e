// The answer to one request on an HTTP/2 stream.

import { constants, type ServerHttp2Stream } from 'node:http2';
import type { BodySink } from '../body.ts';
import type { Exchange, Reply, Responder } from '../exchange.ts';
import { problemReply } from '../problem-reply.ts';
import { toCallerList } from '../upstream/hop-headers.ts';
import type { WireFault } from '../wire/fault.ts';
import { hasKind, TE } from '../wire/field-kind.ts';
import { Http2Body, type Http2BodyHost } from './http2-body.ts';
import type { Http2Head } from './http2-head.ts';
import type { EdgeShared } from './shared.ts';
import { toRefusalProblem } from './wire-refusal.ts';

/** RFC 9113 §8.2.2: fields that have no place in HTTP/2. */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Over how long a body's rate is measured. */
const RATE_WINDOW_MS = 10_000;

export class Http2Answer implements Responder, BodySink, Http2BodyHost {
  readonly #stream: ServerHttp2Stream;
  readonly #shared: EdgeShared;
  readonly #isHead: boolean;
  readonly #expectsContinue: boolean;
  readonly body: Http2Body | undefined;
  exchange: Exchange | undefined = undefined;
  #hasBegun = false;
  /** All of the answer is with the stream. */
  #isSent = false;
  /** We ourselves broke the stream off. */
  #isBroken = false;
  /** Something may still come behind the body. */
  #awaitsTrailers = false;
  #trailers: readonly string[] = [];
  #resumeSource: (() => void) | undefined = undefined;
  #ratedBytes = 0;
  #ratedTick: number;

  constructor(stream: ServerHttp2Stream, isHead: boolean, head: Http2Head | undefined, shared: EdgeShared) {
    this.#stream = stream;
    this.#shared = shared;
    this.#ratedTick = shared.sweep.tick;
    this.#isHead = isHead;
    this.#expectsContinue = head?.expectsContinue ?? false;
    if (head !== undefined && !stream.endAfterHeaders) {
      const promised = head.framing.kind === 'length' ? head.framing.bytes : -1;
      this.body = new Http2Body(stream, promised, shared.limits.bodyBytes, this);
    } else this.body = undefined;
    stream.on('drain', () => this.#resumeSource?.());
    stream.on('wantTrailers', () => this.#sendTrailers());
    stream.on('finish', () => this.#settle());
    stream.on('aborted', () => this.#onGone());
    stream.on('error', () => {}); // Told by `close`, which always follows.
    stream.on('close', () => this.#onClose());
  }

  send(reply: Reply): void {
    const { body } = reply;
    if (this.#hasBegun || this.#stream.closed || this.#stream.destroyed) {
      if (body !== undefined && 'cancel' in body) body.cancel();
      return;
    }
    this.#hasBegun = true;
    const isEmpty = this.#isHead || reply.status === 204 || reply.status === 304;
    this.#awaitsTrailers = !isEmpty && body !== undefined && 'start' in body && this.#takesTrailers();
    const length = body !== undefined && 'start' in body ? -1 : (body?.byteLength ?? 0);
    if (!this.#respond(reply, length, isEmpty || length === 0)) {
      if (body !== undefined && 'cancel' in body) body.cancel();
      this.#break('upstream_invalid');
      return;
    }
    if (body !== undefined && 'start' in body) {
      this.#resumeSource = () => body.resume();
      body.start(this);
      return;
    }
    if (body !== undefined && !isEmpty)
      this.write(Buffer.from(body.buffer, body.byteOffset, body.byteLength), 0, body.byteLength);
    this.end();
  }

  sendInterim(status: number, headers: readonly string[]): void {
    if (this.#hasBegun || this.#stream.closed || this.#stream.destroyed) return;
    const fields: Record<string, string[]> = {};
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = (headers[i] ?? '').toLowerCase();
      if (!CONNECTION_SPECIFIC.has(name)) (fields[name] ??= []).push(headers[i + 1] ?? '');
    }
    try {
      this.#stream.additionalHeaders({ ...fields, ':status': status });
    } catch {
      // A field that HTTP/2 does not have: an interim answer may be left out (RFC 9110 §15.2).
    }
  }

  /** In place of an answer: the request itself turned out to be wrong. */
  refuse(fault: WireFault): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    const reply = problemReply(exchange, toRefusalProblem(fault, 'stream'));
    exchange.status = reply.status;
    this.send(reply);
  }

  write(bytes: Buffer, from: number, end: number): boolean {
    if (from === end || this.#isHead || this.#stream.writableEnded) return true;
    if (this.exchange !== undefined) this.exchange.responseBytes += end - from;
    return this.#stream.write(Buffer.from(bytes.subarray(from, end))); // It is only lent to us, and the stream keeps it.
  }

  /** Nothing is held back: frames are joined by the session. */
  flush(): void {}

  end(trailers: readonly string[] = []): void {
    if (this.#isSent || this.#isBroken) return;
    this.#isSent = true;
    this.#trailers = trailers;
    // After the answer nobody reads the rest of a request, and a part of it must not look whole.
    this.body?.break(new Error('answered before the request was complete'));
    this.#stream.end();
    if (this.#stream.writableFinished) this.#settle();
  }

  /** The answer broke off: the stream is reset, so that it cannot look complete. */
  fail(): void {
    this.#break('upstream_broken_off');
  }

  onBodyWanted(): void {
    if (!this.#expectsContinue || this.#hasBegun || this.#stream.closed || this.#stream.destroyed) return;
    this.#stream.additionalHeaders({ ':status': 100 });
  }

  onBodyRefused(fault: WireFault): void {
    this.exchange?.upstreamCall?.cancel();
    this.body?.break(new Error(fault.reason));
    if (this.#hasBegun) this.#break(toRefusalProblem(fault).code);
    else this.refuse(fault);
  }

  /** Gives up the stream of a caller who has sent too little, or taken too little, for too long. */
  onSweep(tick: number): void {
    const elapsedMs = tick - this.#ratedTick;
    if (elapsedMs < RATE_WINDOW_MS) return;
    const moved = (this.body?.received ?? 0) + (this.exchange?.responseBytes ?? 0) - this.#stream.writableLength;
    const isStuck = (moved - this.#ratedBytes) * 1000 < this.#shared.limits.minBytesPerSecond * elapsedMs;
    this.#ratedTick = tick;
    this.#ratedBytes = moved;
    const waitsForCaller = this.#stream.writableLength > 0 || this.body?.isAwaited === true;
    if (isStuck && waitsForCaller) this.#stream.destroy(new Error('the caller is too slow'));
  }

  /** False when the upstream's head cannot be said in HTTP/2: a status or a name that it does not have. */
  #respond({ status, fields, drops, headers: ours, lines }: Reply, length: number, endStream: boolean): boolean {
    const list = [':status', String(status)];
    let hasDate = false;
    const headers = fields === undefined ? ours : [...toCallerList(fields, drops), ...ours];
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = headers[i]?.toLowerCase() ?? '';
      if (CONNECTION_SPECIFIC.has(name)) continue;
      if (name === 'date') hasDate = true;
      list.push(name, headers[i + 1] ?? '');
    }
    const via = fields === undefined ? '' : this.#shared.viaLine;
    for (const line of (lines + via + (this.exchange?.idLines ?? '')).split('\r\n')) {
      const colon = line.indexOf(': ');
      if (colon > 0) list.push(line.slice(0, colon), line.slice(colon + 2));
    }
    if (!hasDate) list.push('date', this.#shared.httpDate());
    if (length >= 0 && status !== 204 && status !== 304) list.push('content-length', String(length));
    try {
      this.#stream.respond(list, { endStream, waitForTrailers: this.#awaitsTrailers });
      return true;
    } catch {
      return false;
    }
  }

  /** RFC 9110 §6.5.1: trailers are for those who said that they take them; here that is the one value that `te` can have. */
  #takesTrailers(): boolean {
    return this.exchange !== undefined && hasKind(this.exchange.fields.kinds, TE);
  }

  /** The body is out, and with what is said now the stream ends; with nothing to say, too. */
  #sendTrailers(): void {
    const fields: Record<string, string[]> = {};
    for (let i = 0; i + 1 < this.#trailers.length; i += 2) {
      const name = (this.#trailers[i] ?? '').toLowerCase();
      if (!CONNECTION_SPECIFIC.has(name)) (fields[name] ??= []).push(this.#trailers[i + 1] ?? '');
    }
    try {
      this.#stream.sendTrailers(fields);
    } catch {
      this.#stream.close(); // A name that HTTP/2 does not have; the body is whole without them.
    }
    // Not before they are out: a stream that is reset in this turn would lose them.
    setImmediate(() => {
      this.#awaitsTrailers = false;
      this.#settle();
    });
  }

  /** The answer is out. Should the caller still be sending, they may stop (RFC 9113 §8.1). */
  #settle(): void {
    if (!this.#isSent || this.#isBroken || this.#awaitsTrailers || this.#stream.closed) return;
    if (this.body !== undefined && !this.body.isComplete) {
      this.#stream.close(constants.NGHTTP2_NO_ERROR);
      this.#stream.resume(); // What has come already is dropped; unread, it would keep the stream open.
    }
  }

  #break(code: string): void {
    if (this.#isSent || this.#isBroken) return;
    this.#isBroken = true;
    if (this.exchange !== undefined) this.exchange.errorCode = code;
    this.body?.break(new Error('the answer broke off'));
    this.#stream.destroy(new Error(code)); // Not `close`: that would first end the body, as if it were whole.
  }

  /** The caller has reset the stream, or is gone altogether. */
  #onGone(): void {
    const { exchange } = this;
    if (exchange === undefined || this.#isBroken) return;
    exchange.clientGone = true;
    exchange.upstreamCall?.cancel();
    this.body?.break(new Error('the caller has gone'));
  }

  #onClose(): void {
    const { exchange } = this;
    // Node may close a stream before it tells that its writing is finished; what tells is whether it was reset.
    if (!this.#isSent || this.#stream.rstCode !== constants.NGHTTP2_NO_ERROR) this.#onGone();
    this.body?.break(new Error('the stream has closed'));
    if (exchange === undefined) return;
    exchange.requestBytes = this.body?.received ?? 0;
    this.#shared.runner.finish(exchange);
  }
}
