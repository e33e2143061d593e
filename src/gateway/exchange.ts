// One request and its reply. Every Exchange has the same fields in the same order from birth, so that the engine keeps one hidden
// class for all of them (held by same-shape.test.ts).

import type { Verdict } from '../limits/limiter.ts';
import type { BodySource, RequestBody } from './body.ts';
import type { Origin } from './origin.ts';
import type { Plan } from './plan.ts';
import type { Principal } from './ports.ts';
import type { Fields } from './wire/fields.ts';

/** Headers as they stand on the wire: name, value, name, value, …; order, case and duplicates kept. */
export type HeaderList = string[];

export interface Reply {
  status: number;
  /** What the upstream said; undefined for a local answer. What is between it and us alone is not sent on. */
  readonly fields: Fields | undefined;
  /** The kinds of the upstream's fields that ours stand in the place of (a set, see wire/field-kind.ts). */
  drops: number;
  /** What we say beside that. */
  readonly headers: HeaderList;
  /** And what is ready as it goes out: lines that each end with CRLF. */
  lines: string;
  /** Bytes of a local answer, a stream from upstream, or nothing. */
  readonly body: Uint8Array | BodySource | undefined;
}

/** An answer of our own. */
export function localReply(status: number, headers: HeaderList, body: Uint8Array | undefined): Reply {
  return { status, fields: undefined, drops: 0, headers, lines: '', body };
}

export interface RequestHead {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Monotonic milliseconds. */
  readonly startedTick: number;
  readonly method: string;
  /** Path as it came, without the query. */
  readonly path: string;
  /** With its question mark, byte for byte; empty when there is none. */
  readonly query: string;
  readonly fields: Fields;
  /** The authority that the caller asked at. */
  readonly host: string | undefined;
  readonly protocol: Protocol;
  readonly origin: Origin;
  readonly body: RequestBody | undefined;
  /** What the caller sends once the protocol is switched; undefined unless they asked to go on as a WebSocket. */
  readonly tunnel: BodySource | undefined;
  readonly responder: Responder;
}

/** The version in which the request came, as `Via` names it. */
export type Protocol = '1.0' | '1.1' | '2.0';

/** The edge's side of one exchange. */
export interface Responder {
  /** Sends the answer, once. */
  send(reply: Reply): void;
  /** Sends an interim answer (status 1xx, RFC 9110 §15.2) before it, where the caller can take one. */
  sendInterim(status: number, headers: HeaderList): void;
}

/** What stands behind an exchange on the upstream's side, while it runs. */
export interface Cancellable {
  cancel(): void;
}

export class Exchange {
  readonly id: string;
  readonly startedAtMs: number;
  readonly startedTick: number;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly fields: Fields;
  readonly host: string | undefined;
  readonly protocol: Protocol;
  readonly origin: Origin;
  readonly body: RequestBody | undefined;
  readonly tunnel: BodySource | undefined;
  readonly responder: Responder;

  // What arrival.ts finds out before anything else happens.
  /** The peer is a proxy whose word is taken for who is behind it. */
  isPeerTrusted = false;
  /** Who is calling: the peer, or whoever trusted proxies say is behind them. */
  clientAddress: string;
  /** The id that callers and upstreams know (`X-Request-Id`): `id`, unless a trusted proxy gave the request one. */
  correlationId: string;
  /** Our step in the trace, as a line (trace-context.ts); empty until then. */
  traceLine = '';
  /** The trace began before us, so that the caller's `tracestate` belongs to it. */
  continuesTrace = false;

  plan: Plan | undefined = undefined;
  principal: Principal | undefined = undefined;
  verdict: Verdict | undefined = undefined;

  // What the record will tell.
  authFailed = false;
  rateLimited = false;
  errorCode: string | undefined = undefined;
  status = 0;
  requestBytes = 0;
  responseBytes = 0;
  target: string | undefined = undefined;
  /** NaN until the upstream answers: a fraction like what follows, since a whole number at first would be another hidden class. */
  upstreamMs = Number.NaN;
  upstreamCall: Cancellable | undefined = undefined;
  /** The caller went away before the answer was complete. */
  clientGone = false;
  recorded = false;
  #idLines = '';

  constructor(head: RequestHead) {
    this.id = head.id;
    this.startedAtMs = head.startedAtMs;
    this.startedTick = head.startedTick;
    this.method = head.method;
    this.path = head.path;
    this.query = head.query;
    this.fields = head.fields;
    this.host = head.host;
    this.protocol = head.protocol;
    this.origin = head.origin;
    this.clientAddress = head.origin.peerAddress;
    this.correlationId = head.id;
    this.body = head.body;
    this.tunnel = head.tunnel;
    this.responder = head.responder;
  }

  /** What upstream and caller are told of the exchange: the id to ask about it by, and the trace that it stands in; as lines. */
  get idLines(): string {
    if (this.#idLines === '') {
      this.#idLines = `x-request-id: ${this.correlationId}\r\n${this.traceLine}`;
    }
    return this.#idLines;
  }

  /** Flat: name, value, …; for whoever looks at more than the kinds that the wire tells apart. */
  get headers(): readonly string[] {
    return this.fields.list();
  }
}

/** The first value of a header, or undefined. `name` in lower case. */
export function headerValue(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const candidate = headers[i];
    if (candidate?.length === name.length && candidate.toLowerCase() === name) return headers[i + 1];
  }
  return undefined;
}
