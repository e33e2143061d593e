// Exact limits for all threads of one process, in shared memory: no server, no message, no lock.
//
// A call marks the counters of all its checks, looks at them, and changes all of them at once or none (transaction.ts). So whatever
// refuses a call was really counted, and a refused call has kept nobody else from anything.

import type { Clock } from '../lib/clock.ts';
import type { Tally } from './algorithm.ts';
import { endMinuteOf, overAtMinute, toWindowWord } from './counter-class.ts';
import { COUNT, type CounterLayout, ID, readLayout, REST, WINDOW } from './counter-memory.ts';
import { type Counter, CounterSet, CounterSetMaker } from './counter-set.ts';
import { CounterTable, OWNER_BITS, Place } from './counter-table.ts';
import { type Hold, Holds } from './holds.ts';
import type { Admitted, Check, CheckSet, Limiter, Standing, Verdict } from './limiter.ts';
import type { SavedCounter } from './saved-counters.ts';
import { countEviction, type SharedCounters } from './shared-counters.ts';
import { SetChange } from './set-change.ts';
import { SharedWords, type Words } from './shared-words.ts';
import { SubjectHash } from './subject-hash.ts';
import { Transaction } from './transaction.ts';
import { assertChecks, assertCost, toRefusal } from './verdict.ts';

/** How often a call begins again because other threads were quicker, before it gives up. */
const MAX_ATTEMPTS = 100;
const MINUTE_MS = 60_000;
/** How often a thread looks at another's change before it aborts it: two microseconds or so, when a change takes half of one. */
const PATIENCE = 100;

const TABLE_FULL: Verdict = { outcome: 'unavailable', reason: 'the table of counters is full' };
const CONTENDED: Verdict = { outcome: 'unavailable', reason: 'other threads were quicker each time' };

export interface SharedMemoryOptions {
  /** From `createSharedCounters`; the same in every thread. */
  readonly memory: SharedCounters;
  /** From 0; no two living threads may have the same. */
  readonly seat: number;
  readonly clock: Clock;
  /** In place of the memory itself, for tests. */
  readonly words?: Words;
  /** How often to look at another thread's change before it is aborted; for tests. */
  readonly patience?: number;
}

export class SharedMemoryLimiter implements Limiter {
  readonly #clock: Clock;
  readonly #layout: CounterLayout;
  readonly #words: Words;
  readonly #transaction: Transaction;
  readonly #table: CounterTable;
  readonly #change: SetChange;
  readonly #maker: CounterSetMaker;
  readonly #holds: Holds;
  readonly #onEvicted: () => void;

  constructor({ memory, seat, clock, words = new SharedWords(memory), patience = PATIENCE }: SharedMemoryOptions) {
    const layout = readLayout(words);
    if (!Number.isInteger(seat) || seat < 0 || seat >= layout.seats)
      throw new RangeError(`there is no seat ${seat} at these counters, only 0 to ${layout.seats - 1}`);
    this.#clock = clock;
    this.#layout = layout;
    this.#words = words;
    this.#transaction = new Transaction(words, seat, patience);
    this.#table = new CounterTable({ words, layout, transaction: this.#transaction });
    this.#onEvicted = () => countEviction(memory);
    const [table, transaction, onEvicted] = [this.#table, this.#transaction, this.#onEvicted];
    this.#change = new SetChange({ words, clock, table, transaction, onEvicted });
    this.#maker = new CounterSetMaker(layout, new SubjectHash(...layout.key));
    this.#holds = new Holds(words, seat);
    for (const hold of this.#holds.takeLeft()) this.#leave(hold);
  }

  prepare(_group: string, checks: readonly Check[]): CounterSet {
    assertChecks(checks);
    return this.#maker.make(checks);
  }

  take(set: CheckSet, cost: number): Verdict {
    assertCost(cost);
    const own = toOwn(set);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const nowMs = this.#clock.nowMs();
      if (!this.#change.begin(own, nowMs)) continue;
      if (!own.haveRoom(cost)) {
        if (!this.#change.endUncounted(own)) continue;
        return toRefusal(own.toStandings(nowMs, cost), cost, nowMs);
      }
      for (const { meter } of own.counters) meter.take(nowMs, cost);
      const end = this.#change.end(own, nowMs);
      if (end === 'full') return TABLE_FULL;
      if (end === 'again') continue;
      const standings = own.toStandings(nowMs, cost);
      return { outcome: 'admitted', atMs: nowMs, standings, release: this.#hold(own.counters) };
    }
    return CONTENDED;
  }

  peek(set: CheckSet): readonly Standing[] | undefined {
    const own = toOwn(set);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const nowMs = this.#clock.nowMs();
      if (!this.#change.begin(own, nowMs) || !this.#transaction.abandon()) continue;
      return own.toStandings(nowMs, 1);
    }
    return undefined;
  }

  refund(set: CheckSet, cost: number, { atMs }: Admitted): void {
    const own = toOwn(set);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const nowMs = this.#clock.nowMs();
      if (!this.#change.begin(own, nowMs)) continue;
      for (const { meter } of own.counters) meter.giveBack(nowMs, { cost, atMs });
      if (this.#change.endWithoutNew(own)) return;
    }
  }

  /** Counts at least what another limiter knew of these checks, given in their order. */
  raise(set: CheckSet, known: readonly Tally[]): void {
    const own = toOwn(set);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const nowMs = this.#clock.nowMs();
      if (!this.#change.begin(own, nowMs)) continue;
      for (const [i, counter] of own.counters.entries()) {
        const tally = known[i];
        if (tally !== undefined) counter.raise(tally);
      }
      if (this.#change.end(own, nowMs) !== 'again') return;
    }
  }

  /** Takes up counters that were kept under the same secret. What has been counted meanwhile stays. */
  restore(counters: readonly SavedCounter[]): void {
    const nowMinute = Math.floor(this.#clock.nowMs() / MINUTE_MS);
    for (const saved of counters) {
      if (overAtMinute(toWindowWord(saved.endMinute, saved.class)) <= nowMinute) continue;
      const place = toPlace(this.#layout, saved);
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) if (this.#takeUp(place, saved, nowMinute)) break;
    }
  }

  /** False when another thread was quicker. */
  #takeUp(place: Place, saved: SavedCounter, nowMinute: number): boolean {
    const words = this.#words;
    const table = this.#table;
    const transaction = this.#transaction;
    const window = toWindowWord(saved.endMinute, saved.class);
    if (place.isKnown || table.find(place)) {
      const { slot } = place;
      const entry = transaction.mark(slot);
      const isThere = entry >= 0 && table.isThere(place);
      const isEmpty = words.load(slot + COUNT) === 0 && words.load(slot + REST) === 0;
      if (isThere && (isEmpty || endMinuteOf(words.load(slot + WINDOW)) < saved.endMinute))
        transaction.change(entry, saved.count, window, saved.rest);
      if (!isThere) place.forget();
      return transaction.commit() && isThere;
    }
    const given = table.mayBeThere(place) ? 'again' : table.give(place, nowMinute, () => false);
    if (typeof given === 'string') return transaction.abandon() && given === 'full';
    transaction.change(given.entry, saved.count, window, saved.rest);
    if (!transaction.commit()) {
      place.forget();
      return false;
    }
    if (given.evicts) this.#onEvicted();
    return true;
  }

  /** Notes the places that an admitted call holds. Undefined when it holds none. */
  #hold(counters: readonly Counter[]): (() => void) | undefined {
    let held: Hold[] | undefined;
    for (const { meter, place } of counters) {
      if (meter.check.limit.algorithm !== 'concurrency') continue;
      held ??= [];
      held.push(this.#holds.note(place.slot, place.owner));
    }
    if (held === undefined) return undefined;
    const places = held;
    return () => {
      for (const hold of places.splice(0)) {
        this.#holds.strike(hold);
        this.#leave(hold);
      }
    };
  }

  /** Gives one place of concurrency back. */
  #leave({ slot, owner }: Hold): void {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const entry = this.#transaction.mark(slot);
      const isTheirs = this.#words.load(slot + ID + 1) === owner;
      const count = this.#words.load(slot + COUNT) >>> 0;
      if (entry < 0 || !isTheirs || count === 0) {
        this.#transaction.abandon();
        if (entry >= 0) return;
        continue;
      }
      this.#transaction.change(entry, count - 1, this.#words.load(slot + WINDOW), this.#words.load(slot + REST));
      if (this.#transaction.commit()) return;
    }
  }
}

function toPlace(layout: CounterLayout, { id, class: ofClass }: SavedCounter): Place {
  return new Place(layout, { low: (id % 2 ** 32) | 0, high: Math.floor(id / 2 ** 32) << OWNER_BITS }, ofClass);
}

function toOwn(set: CheckSet): CounterSet {
  if (set instanceof CounterSet) return set;
  throw new TypeError('these checks were prepared by another limiter');
}
