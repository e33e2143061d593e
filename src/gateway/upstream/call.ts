// What a call to an upstream service is, whoever carries it.

import type { BodySource } from '../body.ts';
import type { Cancellable } from '../exchange.ts';
import type { Target } from '../plan.ts';
import type { Fields } from '../wire/fields.ts';
import type { Failure } from './failure.ts';
import type { Timeouts } from './timeouts.ts';

export interface Call {
  readonly target: Target;
  readonly method: string;
  /** What the target reads in `Host`. */
  readonly authority: string;
  /** Path and query as they go on the wire. */
  readonly path: string;
  /** All header fields but Host, as lines that each end with CRLF. */
  readonly lines: string;
  /** They tell the body's length; a body without goes in chunks. */
  readonly isLengthKnown: boolean;
  readonly body: BodySource | undefined;
  /** It may be sent again where nobody knows whether it was carried out, and can be. */
  readonly isRepeatable: boolean;
  /** What the caller sends after a 101; undefined when the protocol must not be switched. */
  readonly tunnel: BodySource | undefined;
  /** What the upstream has to prove that it understood when it switches (RFC 6455 §4.1). */
  readonly websocketKey: string | undefined;
  readonly timeouts: Timeouts;
}

/** How a call ended that did not fail before its answer. */
export type CallEnd = 'complete' | 'broken' | 'cancelled';

/**
 * At most one of `onHead` and `onFailure` is called, once. What breaks after the head breaks the body. The last to be called, once, is
 * `onFailure` or `onEnd`.
 */
export interface CallEvents {
  /** There is a connection that was not there before. */
  onReached(): void;
  /** There is none yet, and it takes long. */
  onStuck(): void;
  /** Any number of interim answers (1xx) may come before. */
  onInterim(status: number, fields: Fields): void;
  onHead(status: number, fields: Fields, body: BodySource): void;
  onFailure(failure: Failure): void;
  /** Nothing of the call is under way any more. */
  onEnd(end: CallEnd): void;
}

export interface Transport {
  send(call: Call, events: CallEvents): Cancellable;
  /** Closes the connections to all targets but these; calls in flight finish. */
  retain(targets: readonly Target[]): void;
  close(): Promise<void>;
}
