// A check with its algorithm, and its numbers while a call looks at them. The same for every limiter.

import { WindowClock } from '../lib/window.ts';
import type { Algorithm, Taken, Tally, Terms } from './algorithm.ts';
import { concurrency } from './concurrency.ts';
import { fixedWindow } from './fixed-window.ts';
import { algorithmOf, capacityOf, costOf, type Limit } from '../lib/limit.ts';
import type { Check, Standing } from './limiter.ts';
import { slidingWindow } from './sliding-window.ts';
import { tokenBucket } from './token-bucket.ts';

const ALGORITHMS = { fixed: fixedWindow, sliding: slidingWindow, bucket: tokenBucket, concurrency } as const;

export class Meter implements Tally {
  readonly check: Check;
  readonly terms: Terms;
  readonly #algorithm: Algorithm;
  /** Whether a call counts one, whatever it costs. */
  readonly #countsCalls: boolean;
  count = 0;
  endMinute = 0;
  rest = 0;
  /** What may be counted still. */
  room = 0;
  /** It was counted on before the clock was set back. */
  isTakenBack = false;

  constructor(check: Check, terms: Terms) {
    this.check = check;
    this.terms = terms;
    this.#algorithm = ALGORITHMS[algorithmOf(check.limit)];
    this.#countsCalls = costOf(check.limit, 2) === 1;
  }

  /** Brings the numbers, as they were filled in, to the moment. */
  turn(nowMs: number): void {
    this.terms.clock.turnTo(nowMs);
    this.isTakenBack = this.#algorithm.turn(this, this.terms, nowMs);
    this.room = this.#algorithm.room(this, this.terms, nowMs);
  }

  /** The numbers of a counter that is not there: nothing was counted. */
  clear(nowMs: number): void {
    this.count = 0;
    this.endMinute = 0;
    this.rest = 0;
    this.turn(nowMs);
  }

  hasRoom(cost: number): boolean {
    return this.room >= this.#costOf(cost);
  }

  take(nowMs: number, cost: number): void {
    const own = this.#costOf(cost);
    this.#algorithm.count(this, this.terms, nowMs, own);
    this.room -= own;
  }

  giveBack(nowMs: number, taken: Taken): void {
    if (this.check.limit.algorithm !== 'concurrency') this.#algorithm.giveBack(this, this.terms, nowMs, taken);
  }

  toStanding(nowMs: number, cost: number): Standing {
    const own = this.#costOf(cost);
    const resetAtMs = this.#algorithm.resetAtMs(this, this.terms, nowMs, own);
    return { check: this.check, remaining: Math.max(0, this.room), resetAtMs };
  }

  /** As the limit says (lib/limit.ts), which every call would look up. */
  #costOf(cost: number): number {
    return this.#countsCalls ? 1 : cost;
  }
}

export class MeterMaker {
  /** All checks share one calendar for each window. */
  readonly #clocks = new Map<string, WindowClock>();

  make(check: Check): Meter {
    const { limit } = check;
    const refill = limit.algorithm === 'bucket' ? limit.limit : 0;
    return new Meter(check, { limit: capacityOf(limit), clock: this.#clockOf(limit), refill });
  }

  #clockOf(limit: Limit): WindowClock {
    const window = limit.algorithm === 'concurrency' ? 'minute' : limit.window;
    const timeZone = 'timeZone' in limit ? limit.timeZone : undefined;
    const name = `${window} ${timeZone ?? ''}`;
    const known = this.#clocks.get(name);
    if (known !== undefined) return known;
    const clock = new WindowClock(window, timeZone);
    this.#clocks.set(name, clock);
    return clock;
  }
}
