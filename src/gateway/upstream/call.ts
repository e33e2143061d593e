// What a call to an upstream service is, whoever carries it.

import type { BodySource } from '../body.ts';
import type { Cancellable, HeaderList } from '../exchange.ts';
import type { Target } from '../plan.ts';
import type { Failure } from './failure.ts';

export interface Call {
  readonly target: Target;
  readonly method: string;
  /** Path and query as they go on the wire. */
  readonly path: string;
  readonly headers: HeaderList;
  readonly body: BodySource | undefined;
  /** What the caller sends after a 101; undefined when the protocol must not be switched. */
  readonly tunnel: BodySource | undefined;
  /** To the first byte of the answer, and between two reads of its body. */
  readonly timeoutMs: number;
}

/** Exactly one of `onHead` and `onFailure` is called, once. What breaks after the head breaks the body. */
export interface CallEvents {
  /** Any number of interim answers (1xx) may come before. */
  onInterim(status: number, headers: HeaderList): void;
  onHead(status: number, headers: HeaderList, body: BodySource): void;
  onFailure(failure: Failure): void;
}

export interface Transport {
  send(call: Call, events: CallEvents): Cancellable;
  /** Closes the connections to all targets but these; calls in flight finish. */
  retain(targets: readonly Target[]): void;
  close(): Promise<void>;
}
