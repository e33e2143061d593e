// One HTTP/2 connection: Node's engine frames it, each of its streams becomes an exchange (RFC 9113).

import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { newId } from '../../lib/id.ts';
import { Exchange } from '../exchange.ts';
import type { Origin } from '../origin.ts';
import { Fields } from '../wire/fields.ts';
import { splitTarget } from '../wire/target.ts';
import { BODY_TOO_LARGE } from './http1-body.ts';
import { Http2Answer } from './http2-answer.ts';
import { readHttp2Head, type Http2Head } from './http2-head.ts';
import { Http2Refused, MAX_REFUSED } from './http2-refused.ts';
import type { EdgeLimits } from './limits.ts';
import type { EdgeConnection, EdgeShared } from './shared.ts';

const MAX_STREAMS = 100;
/** How long a connection that ends waits for the caller's part in it. */
const LINGER_MS = 2000;

export class Http2Connection implements EdgeConnection {
  readonly #socket: TLSSocket;
  readonly #shared: EdgeShared;
  readonly #origin: Origin;
  readonly #session: ServerHttp2Session;
  readonly #answers = new Set<Http2Answer>();
  readonly #refused: Http2Refused;
  #requests = 0;
  /** When the connection is given up unless a stream is open, in monotonic milliseconds. */
  #deadline: number;

  constructor(socket: TLSSocket, origin: Origin, shared: EdgeShared) {
    this.#socket = socket;
    this.#origin = origin;
    this.#shared = shared;
    this.#deadline = shared.sweep.deadline(shared.limits.headTimeoutMs);
    this.#session = performServerHandshake(socket, toSessionOptions(shared.limits));
    this.#session.on('stream', (stream, fields, _flags, raw) => this.#begin(stream, fields[':method'] === 'HEAD', raw));
    this.#refused = new Http2Refused({ session: this.#session, origin, runner: shared.runner, clock: shared.clock });
    this.#session.on('error', (cause) => this.#onError(cause));
    // Half a connection is none: without the caller's frames no stream can go on.
    socket.on('end', () => socket.destroy());
    // Before the session forgets what it has seen.
    socket.prependListener('close', () => this.#refused.look());
    this.#session.on('close', () => shared.forget(this, this.#origin.peerAddress));
  }

  /**
   * No further streams: GOAWAY tells which was the last one taken (RFC 9113 §6.8), so that a caller knows which of theirs may be sent
   * again elsewhere. Those taken are answered, then the connection closes.
   */
  drain(): void {
    if (this.#session.closed || this.#session.destroyed) return;
    this.#deadline = this.#shared.sweep.deadline(LINGER_MS);
    this.#session.close();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onSweep(tick: number): void {
    for (const answer of this.#answers.values()) answer.onSweep(tick);
    this.#refused.onSweep(tick);
    if (tick < this.#deadline) return;
    if (this.#answers.size > 0) return;
    if (this.#session.closed) this.destroy();
    else this.drain();
  }

  #begin(stream: ServerHttp2Stream, isHead: boolean, raw: readonly string[]): void {
    const { clock, limits, runner } = this.#shared;
    this.#requests++;
    if (stream.id !== undefined) this.#refused.onRequest(stream.id);
    const found = readHttp2Head(raw, limits);
    const head = 'reason' in found ? undefined : found;
    const answer = new Http2Answer(stream, isHead, head, this.#shared);
    this.#answers.add(answer);
    stream.on('close', () => this.#end(answer));
    const startedAtMs = clock.nowMs();
    const exchange = new Exchange({
      id: newId('req', startedAtMs),
      startedAtMs,
      startedTick: clock.monotonicMs(),
      ...toRequestLine(head),
      fields: Fields.of(head?.headers ?? []),
      host: head?.headers[1],
      protocol: '2.0',
      origin: this.#origin,
      body: answer.body,
      tunnel: undefined,
      responder: answer,
    });
    answer.exchange = exchange;
    if ('reason' in found) answer.refuse(found);
    else if (found.framing.kind === 'length' && found.framing.bytes > limits.bodyBytes)
      answer.onBodyRefused(BODY_TOO_LARGE);
    else runner.run(exchange);
    if (this.#requests >= limits.requestsPerConnection) this.drain();
  }

  /** What becomes of the connection is told by `close`, which always follows; a network that fails is nobody's fault. */
  #onError(cause: Error): void {
    if ('code' in cause && typeof cause.code === 'string' && cause.code.startsWith('ERR_HTTP2_'))
      this.#refused.onEnded();
  }

  #end(answer: Http2Answer): void {
    this.#answers.delete(answer);
    if (this.#answers.size > 0) return;
    const { limits, sweep } = this.#shared;
    this.#deadline = sweep.deadline(this.#session.closed ? LINGER_MS : limits.idleTimeoutMs);
  }
}

function toRequestLine(head: Http2Head | undefined): { method: string; path: string; query: string } {
  if (head === undefined) return { method: '', path: '', query: '' };
  const { method, target } = head;
  return { method, ...splitTarget(target) };
}

/** Twice what we answer: a little too much gets an answer and a record, much too much a reset. */
function toSessionOptions(limits: EdgeLimits): Parameters<typeof performServerHandshake>[1] {
  return {
    settings: {
      enableConnectProtocol: false,
      enablePush: false,
      maxConcurrentStreams: MAX_STREAMS,
      maxHeaderListSize: limits.headBytes * 2,
    },
    maxHeaderListPairs: limits.fields * 2,
    // Floods: frames that are no requests end the connection (CVE-2019-9512 to 9515, CVE-2023-44487).
    maxOutstandingPings: 10,
    maxSettings: 32,
    maxSessionInvalidFrames: MAX_REFUSED,
    maxSessionRejectedStreams: 100,
    streamResetBurst: 1000,
    streamResetRate: 33,
    maxSessionMemory: 10,
    // What an upstream says twice is passed on twice.
    strictSingleValueFields: false,
  };
}
