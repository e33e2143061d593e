// Asks a target how it is: a GET whose answer counts by its status alone.

import type { BodySource } from '../body.ts';
import type { Target } from '../plan.ts';
import type { Fields } from '../wire/fields.ts';
import type { Call, CallEvents, Transport } from './call.ts';
import { Discard } from './discard.ts';
import type { CheckRules } from './health.ts';
import type { Timeouts } from './timeouts.ts';

/** Tells once whether the answer was a 2xx or 3xx, in time. */
export type Check = (target: Target, rules: CheckRules, done: (hasPassed: boolean) => void) => void;

export function createCheck(transport: Pick<Transport, 'send'>): Check {
  return (target, rules, done) => {
    const call = new CheckCall(target, rules, done);
    transport.send(call, call);
  };
}

class CheckCall implements Call, CallEvents {
  readonly target: Target;
  readonly authority: string;
  readonly method = 'GET';
  readonly path: string;
  readonly lines = 'user-agent: tollgate-health-check\r\naccept: */*\r\n';
  readonly isLengthKnown = false;
  readonly isRepeatable = true;
  readonly body = undefined;
  readonly tunnel = undefined;
  readonly websocketKey = undefined;
  readonly timeouts: Timeouts;
  readonly #done: (hasPassed: boolean) => void;

  constructor(target: Target, { path, timeoutMs }: CheckRules, done: (hasPassed: boolean) => void) {
    this.target = target;
    this.authority = target.authority;
    this.path = path;
    this.timeouts = {
      connectMs: timeoutMs,
      handshakeMs: timeoutMs,
      firstByteMs: timeoutMs,
      betweenBytesMs: timeoutMs,
      totalMs: timeoutMs,
    };
    this.#done = done;
  }

  onReached(): void {}

  onStuck(): void {}

  onInterim(): void {}

  onHead(status: number, _fields: Fields, body: BodySource): void {
    body.start(new Discard(body));
    this.#done(status >= 200 && status < 400);
  }

  onFailure(): void {
    this.#done(false);
  }

  onEnd(): void {}
}
