// How long each step of a call may take, in milliseconds.

import { UpstreamFault } from './failure.ts';

export interface Timeouts {
  /** To the connection of a target, its name looked up. */
  readonly connectMs: number;
  /** From there to the end of the TLS handshake. */
  readonly handshakeMs: number;
  /** From the last octet that was sent to the first of the answer. */
  readonly firstByteMs: number;
  /** Between two reads of the answer, while somebody takes it. */
  readonly betweenBytesMs: number;
  /** From the beginning to the end of the call; Infinity for none, so that streams may go on. */
  readonly totalMs: number;
}

/** What is left of them when some time has passed: that for the first byte is for connection and handshake as well. */
export function toRest(timeouts: Timeouts, elapsedMs: number): Timeouts {
  const firstByteMs = timeouts.firstByteMs - elapsedMs;
  return {
    connectMs: Math.min(timeouts.connectMs, firstByteMs),
    handshakeMs: Math.min(timeouts.handshakeMs, firstByteMs),
    firstByteMs,
    betweenBytesMs: timeouts.betweenBytesMs,
    totalMs: timeouts.totalMs - elapsedMs,
  };
}

export type Phase = Exclude<keyof Timeouts, 'totalMs'>;

const WORDS: Readonly<Record<keyof Timeouts, readonly [kind: string, what: string]>> = {
  connectMs: ['connection_timeout', 'no connection'],
  handshakeMs: ['connection_timeout', 'no end of the TLS handshake'],
  firstByteMs: ['http_response_timeout', 'no answer'],
  betweenBytesMs: ['http_response_timeout', 'no progress of the answer'],
  totalMs: ['http_response_timeout', 'no end of the answer'],
};

export function toTimeoutFault(step: keyof Timeouts, timeouts: Timeouts): UpstreamFault {
  const [kind, what] = WORDS[step];
  return new UpstreamFault('upstream_timeout', kind, `${what} within ${timeouts[step]} ms`);
}
