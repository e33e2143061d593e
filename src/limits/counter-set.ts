// A call's checks as shared memory counts them: each with its place in the table.

import type { Tally } from './algorithm.ts';
import { endMinuteOf, toClass, toWindowWord } from './counter-class.ts';
import { COUNT, type CounterLayout, REST, WINDOW } from './counter-memory.ts';
import { Place } from './counter-table.ts';
import { limitName } from '../lib/limit.ts';
import type { Check, CheckSet, Standing } from './limiter.ts';
import { type Meter, MeterMaker } from './meter.ts';
import type { Words } from './shared-words.ts';
import type { SubjectHash } from './subject-hash.ts';
import type { Transaction } from './transaction.ts';
import { counterName } from './verdict.ts';

/** Of many callers. Which subjects these are is for all threads to see alike. */
const SHARED_SUBJECT = /^(?:tenant|endpoint):/;

export class Counter {
  readonly meter: Meter;
  readonly place: Place;
  readonly isShared: boolean;
  /** In the transaction of the moment; -1 when the counter is not there. */
  entry = -1;

  constructor(meter: Meter, place: Place) {
    this.meter = meter;
    this.place = place;
    this.isShared = SHARED_SUBJECT.test(meter.check.subject);
  }

  /** What is marked to look at it: its slot, or where it would be looked for. */
  get markedSlot(): number {
    return this.place.isKnown ? this.place.slot : this.place.homeSlot;
  }

  /** In the change of the moment. */
  get isThere(): boolean {
    return this.entry >= 0;
  }

  /** Concurrency of which nobody makes use: it need not be made. */
  get isNobody(): boolean {
    return this.meter.check.limit.algorithm === 'concurrency' && this.meter.count === 0;
  }

  /** Fills the meter in from the slot, which is marked. */
  read(words: Words, nowMs: number): void {
    const { meter } = this;
    const { slot } = this.place;
    meter.count = words.load(slot + COUNT) >>> 0;
    meter.endMinute = endMinuteOf(words.load(slot + WINDOW));
    meter.rest = words.load(slot + REST) >>> 0;
    meter.turn(nowMs);
  }

  /** Counts at least what the tally says, if that is of this window or a later one. */
  raise(tally: Tally): void {
    const { meter } = this;
    // Who is inside is known only to the limiter that let them in.
    if (meter.check.limit.algorithm === 'concurrency' || tally.endMinute < meter.endMinute) return;
    const isLater = tally.endMinute > meter.endMinute;
    meter.count = isLater ? tally.count : Math.max(meter.count, tally.count);
    meter.rest = isLater ? tally.rest : Math.max(meter.rest, tally.rest);
    meter.endMinute = tally.endMinute;
  }

  /** Enters what the meter says as what is to become of the slot. */
  write(transaction: Transaction): void {
    const { count, endMinute, rest } = this.meter;
    transaction.change(this.entry, count, toWindowWord(endMinute, this.place.class), rest);
  }
}

export class CounterSet implements CheckSet {
  readonly checks: readonly Check[];
  /** In the order of the checks. */
  readonly counters: readonly Counter[];
  /**
   * In the order in which they are marked: that of their slots, so that two calls never wait for each other crosswise, but those that
   * others wait for come last, and are let go first.
   */
  readonly toMark: Counter[];

  constructor(checks: readonly Check[], counters: readonly Counter[]) {
    this.checks = checks;
    this.counters = counters;
    this.toMark = [...counters];
  }

  sort(): void {
    this.toMark.sort((a, b) => Number(a.isShared) - Number(b.isShared) || a.markedSlot - b.markedSlot);
  }

  /** Whether one of the counters is in this slot. */
  isIn(slot: number): boolean {
    for (const { place } of this.counters) if (place.slot === slot) return true;
    return false;
  }

  /** Whether one of them was counted on before the clock was set back. */
  get isTakenBack(): boolean {
    for (const { meter } of this.counters) if (meter.isTakenBack) return true;
    return false;
  }

  haveRoom(cost: number): boolean {
    for (const { meter } of this.counters) if (!meter.hasRoom(cost)) return false;
    return true;
  }

  toStandings(nowMs: number, cost: number): Standing[] {
    const standings: Standing[] = [];
    for (const { meter } of this.counters) standings.push(meter.toStanding(nowMs, cost));
    return standings;
  }
}

export class CounterSetMaker {
  readonly #layout: CounterLayout;
  readonly #hash: SubjectHash;
  readonly #meters = new MeterMaker();

  constructor(layout: CounterLayout, hash: SubjectHash) {
    this.#layout = layout;
    this.#hash = hash;
  }

  make(checks: readonly Check[]): CounterSet {
    return new CounterSet(
      checks,
      checks.map((check) => {
        this.#hash.update(counterName(check.subject, limitName(check.limit)));
        return new Counter(this.#meters.make(check), new Place(this.#layout, this.#hash, toClass(check.limit)));
      }),
    );
  }
}
