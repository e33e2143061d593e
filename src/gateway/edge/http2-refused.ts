// Requests that Node's HTTP/2 engine refuses before we see them leave their record, too. It resets their streams without a word to us;
// what tells is that the numbers of streams go on without a gap (RFC 9113 §5.1.1), and the last one that was looked at.

import type { ServerHttp2Session } from 'node:http2';
import type { Clock } from '../../lib/clock.ts';
import type { Origin } from '../origin.ts';
import type { Runner } from '../run.ts';
import { toRefusedExchange } from './http1-exchange.ts';

/** After so many the engine ends the connection; a caller who leaves out numbers gets no more records than one who was refused. */
export const MAX_REFUSED = 100;
const LOOK_MS = 1000;

export interface RefusedParts {
  readonly session: ServerHttp2Session;
  readonly origin: Origin;
  readonly runner: Runner;
  readonly clock: Clock;
}

export class Http2Refused {
  readonly #parts: RefusedParts;
  /** The number of the last stream that is accounted for; callers' numbers are odd. */
  #lastId = -1;
  #count = 0;
  #lookedTick = 0;

  constructor(parts: RefusedParts) {
    this.#parts = parts;
  }

  /** A stream with this number is a request: those before it were none. */
  onRequest(id: number): void {
    this.#account(id - 2);
    this.#lastId = id;
  }

  onSweep(tick: number): void {
    if (tick - this.#lookedTick < LOOK_MS) return;
    this.#lookedTick = tick;
    this.look();
  }

  /** Accounts for what the engine has looked at since the last request. */
  look(): void {
    this.#account(this.#parts.session.state.lastProcStreamID ?? 0);
  }

  /** The engine has ended the connection: whatever it did not like is a request that was refused. */
  onEnded(): void {
    this.#leaveRecord();
  }

  #account(id: number): void {
    for (; this.#lastId + 2 <= id && this.#count <= MAX_REFUSED; this.#lastId += 2) this.#leaveRecord();
  }

  #leaveRecord(): void {
    if (this.#count++ > MAX_REFUSED) return;
    const { origin, runner, clock } = this.#parts;
    const exchange = toRefusedExchange(origin, clock, '2.0');
    exchange.status = 400;
    exchange.errorCode = 'malformed_request';
    runner.finish(exchange);
  }
}
