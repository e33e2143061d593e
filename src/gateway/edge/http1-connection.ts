// One client connection: octets in, exchanges out, one after the other in the order in which they came (RFC 9112 §9.3).

import type { Socket } from 'node:net';
import type { Origin } from '../origin.ts';
import { Outlet } from '../outlet.ts';
import { withoutOptions } from '../upstream/hop-headers.ts';
import { type RequestHead, RequestHeads } from '../wire/request-head.ts';
import type { WireFault } from '../wire/fault.ts';
import { UNTIL_CLOSE } from '../wire/framing.ts';
import { Http1Answer } from './http1-answer.ts';
import { BODY_TOO_LARGE, Http1Body } from './http1-body.ts';
import { isWebSocket, toExchange, toRefusedExchange } from './http1-exchange.ts';
import type { EdgeShared } from './shared.ts';
import type { Timed } from '../../lib/sweep.ts';
import { toWireReply } from './wire-refusal.ts';

/** What may wait for the answer before it, until the connection is not read any more. */
const MAX_WAITING_BYTES = 65_536;
/** A refused body up to this is read and dropped so that the connection lives on; a longer one ends it. */
const MAX_DISCARDED_BYTES = 65_536;
/** How long a connection that ends goes on reading, so that the last answer is not lost to a reset (RFC 9112 §9.6). */
const LINGER_MS = 2000;
/** Over how long a body's rate is measured. */
const RATE_WINDOW_MS = 10_000;

export class Http1Connection implements Timed {
  readonly socket: Socket;
  readonly out: Outlet;
  readonly shared: EdgeShared;
  /** Nothing that is written now arrives. */
  isDestroyed = false;
  readonly #origin: Origin;
  readonly #heads: RequestHeads;
  /** Received and not yet understood, between `#from` and `#end`. */
  #pending: Buffer | undefined = undefined;
  #from = 0;
  #end = 0;
  #answer: Http1Answer | undefined = undefined;
  #requests = 0;
  #isPumping = false;
  /** The socket is not read. */
  #isPaused = false;
  #isClosing = false;
  /** The caller has ended their side of a tunnel. */
  #hasEnded = false;
  /** When the connection is given up unless something happens, in monotonic milliseconds. */
  #deadline: number;
  #ratedBytes = 0;
  #ratedTick = 0;

  constructor(socket: Socket, origin: Origin, shared: EdgeShared) {
    this.socket = socket;
    this.out = new Outlet(socket, () => this.#answer?.onDrain());
    this.shared = shared;
    this.#origin = origin;
    this.#heads = new RequestHeads(shared.limits);
    this.#deadline = shared.sweep.deadline(shared.limits.headTimeoutMs);
    socket.on('end', () => this.#onEnd());
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.#onClose());
  }

  /** No further requests: an idle connection closes now, a busy one after its answer. */
  drain(): void {
    if (this.#answer !== undefined) return;
    this.out.flush();
    this.destroy();
  }

  destroy(): void {
    this.isDestroyed = true;
    this.socket.destroy();
  }

  /** Ends the connection so that nobody can take the end for that of an answer: with RST; over TLS, the missing close_notify tells. */
  reset(): void {
    this.isDestroyed = true;
    if (this.#origin.scheme === 'http') this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  onSweep(tick: number): void {
    if (this.#answer !== undefined && !this.#isClosing) {
      this.#checkRate(this.#answer, tick);
      return;
    }
    if (tick < this.#deadline) return;
    if (this.#pending === undefined || this.#isClosing) this.destroy();
    else this.#refuse({ status: 408, reason: 'head not complete in time' });
  }

  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#pending !== undefined && this.#advance(this.#pending));
    this.#isPumping = false;
    if (this.#hasEnded && this.#pending === undefined) this.#answer?.tunnel?.finish();
    this.#steer();
  }

  onBodyWanted(): void {
    const answer = this.#answer;
    if (answer?.expectsContinue !== true || answer.hasBegun) return;
    if (answer.body === undefined || answer.body.received > 0 || this.#pending !== undefined) return;
    answer.hasContinued = true;
    this.out.writeText('HTTP/1.1 100 Continue\r\n\r\n');
  }

  passTrailers(trailers: readonly string[]): readonly string[] {
    const { exchange } = this.#answer ?? {};
    return exchange === undefined ? [] : withoutOptions(trailers, exchange.fields);
  }

  /** The answer has been handed to the socket whole; what follows depends on both sides. */
  onAnswered(answer: Http1Answer): void {
    if (answer !== this.#answer) return;
    if (!answer.keepAlive) {
      this.#close();
      return;
    }
    if (answer.body !== undefined && !answer.body.isComplete) {
      answer.body.cancel(); // Short, or the answer would have said `close`.
      return;
    }
    this.#next();
    this.pump();
  }

  /** Whether the connection can go on after an answer that is sent now. */
  canContinue(answer: Http1Answer): boolean {
    if (this.shared.draining || this.#isClosing || this.#requests >= this.shared.limits.requestsPerConnection)
      return false;
    const { body } = answer;
    if (body === undefined) return true;
    // Whoever was not told to go on may send the body or leave it out (RFC 9110 §10.1.1): nobody could tell where the next request begins.
    if (answer.expectsContinue && !answer.hasContinued && body.received === 0) return body.isComplete;
    return body.isShorterThan(MAX_DISCARDED_BYTES);
  }

  /** Takes the octets before `end`, which are lent until it returns. */
  receive(bytes: Buffer, end: number): void {
    if (this.#isClosing) return;
    if (this.#pending === undefined) {
      this.#pending = bytes;
      this.#from = 0;
      this.#end = end;
    } else this.#keep(Buffer.concat([this.#pending.subarray(this.#from, this.#end), bytes.subarray(0, end)]));
    this.pump();
    if (this.#pending === bytes) this.#keep(Buffer.from(bytes.subarray(this.#from, this.#end)));
  }

  #keep(own: Buffer): void {
    this.#pending = own;
    this.#from = 0;
    this.#end = own.length;
  }

  /** One step through what has been received; false when nothing more can be done with it now. */
  #advance(pending: Buffer): boolean {
    const answer = this.#answer;
    if (answer === undefined) return this.#readHead(pending);
    const body = answer.inbound;
    if (body === undefined || body.isComplete || !body.wantsMore) return false;
    const end = body.feed(pending, this.#from, this.#end);
    if (typeof end !== 'number') {
      this.#breakBody(answer, end);
      return false;
    }
    this.#consume(end);
    if (body.isComplete && answer.isSent) {
      if (answer.keepAlive) this.#next();
      else this.#close();
    }
    return true;
  }

  #readHead(pending: Buffer): boolean {
    if (this.#isClosing) return false;
    if (!this.#heads.isWithin) this.#deadline = this.shared.sweep.deadline(this.shared.limits.headTimeoutMs);
    const head = this.#heads.read(pending, this.#from, this.#end);
    if (head === undefined) return false;
    if ('reason' in head) {
      this.#refuse(head);
      return false;
    }
    this.#consume(this.#from + this.#heads.length);
    this.#begin(head);
    return true;
  }

  #begin(head: RequestHead): void {
    const { clock, limits, runner, sweep } = this.shared;
    this.#requests++;
    const { framing } = head;
    const body = framing.kind === 'none' ? undefined : new Http1Body(framing, limits.bodyBytes, this);
    const tunnel = isWebSocket(head) ? new Http1Body(UNTIL_CLOSE, Infinity, this) : undefined;
    const answer = new Http1Answer(this, head, body, tunnel);
    this.#answer = answer;
    const exchange = toExchange(head, { origin: this.#origin, body, tunnel, responder: answer }, clock);
    answer.exchange = exchange;
    this.#ratedTick = sweep.tick;
    this.#ratedBytes = 0;
    if (framing.kind === 'length' && framing.bytes > limits.bodyBytes) answer.refuse(BODY_TOO_LARGE);
    else runner.run(exchange);
  }

  #consume(end: number): void {
    if (end === this.#end) this.#pending = undefined;
    this.#from = end;
  }

  #next(): void {
    this.#answer = undefined;
    this.#deadline = this.shared.sweep.deadline(this.shared.limits.idleTimeoutMs);
    if (this.shared.draining) this.#close();
  }

  /** Reads on only what can be used soon. */
  #steer(): void {
    if (this.#isClosing) return;
    const waiting = this.#pending === undefined ? 0 : this.#end - this.#from;
    const body = this.#answer?.inbound;
    const mustWait =
      this.#answer !== undefined &&
      (waiting > MAX_WAITING_BYTES || (body !== undefined && !body.isComplete && !body.wantsMore));
    if (mustWait === this.#isPaused) return;
    this.#isPaused = mustWait;
    if (mustWait) this.socket.pause();
    else this.socket.resume();
  }

  /** Answers what is not HTTP as we speak it, leaves its record, and closes: nothing after it can be trusted. */
  #refuse(fault: WireFault | { readonly status: 408; readonly reason: string }): void {
    const { clock, runner } = this.shared;
    const exchange = toRefusedExchange(this.#origin, clock);
    this.out.writeText(toWireReply(exchange, fault));
    runner.finish(exchange);
    this.#close();
  }

  /** A body that turns out malformed or too large: refused when the answer has not begun, else both sides are broken. */
  #breakBody(answer: Http1Answer, fault: WireFault): void {
    const cause = new Error(fault.reason);
    answer.exchange?.upstreamCall?.cancel();
    answer.body?.break(cause);
    if (answer.hasBegun) this.destroy();
    else answer.refuse(fault);
    this.#close();
  }

  #checkRate(answer: Http1Answer, tick: number): void {
    if (tick - this.#ratedTick < RATE_WINDOW_MS) return;
    const moved = (answer.body?.received ?? 0) + this.socket.bytesWritten - this.socket.writableLength;
    const isStuck = (moved - this.#ratedBytes) * 1000 < this.shared.limits.minBytesPerSecond * (tick - this.#ratedTick);
    this.#ratedTick = tick;
    this.#ratedBytes = moved;
    // Only the caller's own slowness counts: a body that we read and that does not come, an answer that is not taken.
    const waitsForCaller =
      !this.out.isFlushed || (answer.body !== undefined && !answer.body.isComplete && answer.body.wantsMore);
    if (isStuck && waitsForCaller && !answer.isTunnel) this.destroy();
  }

  /** The caller says that nothing more will come. With an exchange under way that is a caller who has gone, as far as HTTP goes. */
  #onEnd(): void {
    const answer = this.#answer;
    if (answer?.isTunnel === true) {
      this.#hasEnded = true;
      this.pump(); // What came before the end goes first.
    } else if (answer !== undefined && !this.#isClosing) this.destroy();
    else this.out.end();
  }

  #onClose(): void {
    this.isDestroyed = true;
    this.shared.forget(this, this.#origin.peerAddress);
    const answer = this.#answer;
    this.#answer = undefined;
    this.#pending = undefined;
    this.#isClosing = true;
    if (answer === undefined) return;
    answer.onGone();
    answer.inbound?.break(new Error('the caller has gone'));
  }

  /** Ends our side, and waits a little for the caller to end theirs. */
  #close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#pending = undefined;
    this.#deadline = this.shared.sweep.deadline(LINGER_MS);
    this.out.end();
    this.socket.resume();
  }
}
