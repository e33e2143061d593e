// Exact limits for all threads of one process, in shared memory: no server, no message, no waiting.
//
// All or nothing: the counters of all checks are read first, and a request that any of them refuses counts nowhere. Then each is
// counted by a compare-and-swap that succeeds only below its limit, so no interleaving admits more than a limit. When a counter filled
// up between the two steps, what was counted before it is given back; for that moment (well under a microsecond) another thread may be
// refused by a reservation that comes to nothing.

import { randomFillSync } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { windowEndMs, type WindowName } from '../lib/window.ts';
import { Counter, CounterTable, createCounterMemory, FULL, LOST, toMinute } from './counter-table.ts';
import type { Check, Limiter, Standing, Verdict } from './limiter.ts';
import { SubjectHash } from './subject-hash.ts';
import { assertTake, toRefusal, toStanding } from './verdict.ts';

/** How often a call begins again because other threads were quicker, before it gives up. */
const MAX_ATTEMPTS = 100;

// Failing closed, because both ways out would break the promise: dropping a counter that still counts gives its client a fresh limit,
// and admitting without counting gives everybody none. The remedy is a larger table.
const TABLE_FULL: Verdict = { outcome: 'unavailable', reason: 'the table of counters is full' };
const CONTENDED: Verdict = { outcome: 'unavailable', reason: 'other threads were quicker each time' };

export interface SharedMemoryOptions {
  /** From `createSharedCounters`; the same in every thread. */
  readonly memory: SharedArrayBuffer;
  readonly clock: Clock;
}

/**
 * Makes room for `entries` counters that are live at the same time, at 32 to 64 bytes each. A subject has one counter for each of its
 * windows, and one that is past stays for up to a minute. Made once, on the main thread, and passed to the others.
 */
export function createSharedCounters(entries: number): SharedArrayBuffer {
  const [key0 = 0, key1 = 0] = randomFillSync(new Int32Array(2));
  return createCounterMemory(entries, [key0, key1]);
}

export function openSharedMemoryLimiter(options: SharedMemoryOptions): Limiter {
  return new SharedMemoryLimiter(options);
}

/** A window's part of an identity, at the moment. */
interface WindowMark {
  endMs: number;
  low: number;
  high: number;
}

class SharedMemoryLimiter implements Limiter {
  readonly #clock: Clock;
  readonly #table: CounterTable;
  readonly #hash: SubjectHash;
  /** Scratch for the checks of the call at hand, so that a call allocates nothing but its verdict. At most MAX_CHECKS. */
  readonly #counters: Counter[] = [];
  readonly #marks: Readonly<Record<WindowName, WindowMark>> = { minute: newMark(), hour: newMark(), day: newMark() };
  #markedMinute = Number.NaN;
  /** The subject whose hash `#hash` holds: the checks of one subject stand beside each other. */
  #subject: string | undefined;

  constructor({ memory, clock }: SharedMemoryOptions) {
    this.#clock = clock;
    this.#table = new CounterTable(memory, clock);
    this.#hash = new SubjectHash(...this.#table.key);
  }

  take(checks: readonly Check[], cost: number): Verdict {
    assertTake(checks, cost);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const verdict = this.#tryTake(checks, cost, this.#clock.nowMs());
      if (verdict !== LOST) return verdict;
    }
    return CONTENDED;
  }

  peek(checks: readonly Check[]): readonly Standing[] {
    assertTake(checks, 1);
    const nowMinute = this.#turnTo(this.#clock.nowMs());
    return checks.map((check) => {
      const counter = this.#counter(0);
      const { endMs } = this.#identify(counter, check);
      const counted = this.#table.lookUp(counter, nowMinute) && this.#table.read(counter);
      return toStanding(check, counted ? counter.used : 0, endMs);
    });
  }

  #tryTake(checks: readonly Check[], cost: number, nowMs: number): Verdict | typeof LOST {
    const nowMinute = this.#turnTo(nowMs);
    let refused = false;
    let i = 0;
    for (const check of checks) {
      const counter = this.#counter(i++);
      this.#identify(counter, check);
      const opened = this.#table.open(counter, nowMinute);
      if (opened === FULL) return TABLE_FULL;
      if (opened === LOST || !this.#table.read(counter)) return LOST;
      if (counter.used + cost > check.limit) refused = true;
    }
    if (refused) return toRefusal(this.#standings(checks), cost, nowMs);
    if (!this.#reserve(checks, cost)) return LOST;
    return { outcome: 'admitted', atMs: nowMs, standings: this.#standings(checks) };
  }

  /** Counts on every counter, or on none. */
  #reserve(checks: readonly Check[], cost: number): boolean {
    let done = 0;
    for (const check of checks) {
      if (!this.#table.reserve(this.#counter(done), cost, check.limit)) break;
      done++;
    }
    if (done === checks.length) return true;
    while (done > 0) this.#table.giveBack(this.#counter(--done), cost);
    return false;
  }

  #standings(checks: readonly Check[]): readonly Standing[] {
    const standings: Standing[] = [];
    for (const check of checks) {
      standings.push(toStanding(check, this.#counter(standings.length).used, this.#marks[check.window].endMs));
    }
    return standings;
  }

  #counter(index: number): Counter {
    const known = this.#counters[index];
    if (known !== undefined) return known;
    const counter = new Counter();
    this.#counters.push(counter);
    return counter;
  }

  /** The identity of a counter: the hash of its subject, with the mark of its window on it. */
  #identify(counter: Counter, check: Check): WindowMark {
    if (check.subject !== this.#subject) {
      this.#hash.update(check.subject);
      this.#subject = check.subject;
    }
    const mark = this.#marks[check.window];
    counter.identify(this.#hash.low ^ mark.low, this.#hash.high ^ mark.high, toMinute(mark.endMs));
    return mark;
  }

  /** Brings the marks up to date when the minute has changed, in either direction. Returns the minute. */
  #turnTo(nowMs: number): number {
    const nowMinute = toMinute(nowMs);
    if (nowMinute !== this.#markedMinute) {
      this.#mark('minute', nowMs);
      this.#mark('hour', nowMs);
      this.#mark('day', nowMs);
      this.#markedMinute = nowMinute;
      this.#subject = undefined;
    }
    return nowMinute;
  }

  #mark(window: WindowName, nowMs: number): void {
    const mark = this.#marks[window];
    mark.endMs = windowEndMs(window, nowMs);
    // No subject begins so: a mark is never the hash of one.
    this.#hash.update(`\0${window}:${mark.endMs}`);
    mark.low = this.#hash.low;
    mark.high = this.#hash.high;
  }
}

function newMark(): WindowMark {
  return { endMs: 0, low: 0, high: 0 };
}
