// Limits in Redis, and what becomes of them while it is away: as each set of checks says, calls are counted on this node alone, or are
// unavailable, for the caller to let through or refuse.
//
// Counted on this node alone means: from what Redis last said of a counter to any thread of the node, which is noted in shared memory
// (heard-answers.ts), and each node by itself. So while it lasts, a client may get its limit on each node, but nobody begins anew because
// Redis went away. When Redis is back, every thread adds to it what it has counted meanwhile, and asks it again when that is done.

import { costOf, limitName } from '../lib/limit.ts';
import { HeardAnswers } from './heard-answers.ts';
import { Journal } from './journal.ts';
import type { Admitted, Check, CheckSet, Limiter, OnFailure, Standing, Unavailable, Verdict } from './limiter.ts';
import type { RedisCheckSet } from './redis-checks.ts';
import type { RedisLimiter } from './redis.ts';
import type { SharedMemoryLimiter } from './shared-memory.ts';
import type { CounterSet } from './counter-set.ts';
import { counterName } from './verdict.ts';

/** Counters that are added to Redis at the same time. */
const MERGE_AT_ONCE = 100;
/** After an attempt that failed. */
const MERGE_AGAIN_MS = 100;
const NOT_ASKED: Unavailable = {
  outcome: 'unavailable',
  reason: 'Redis does not know yet what was counted without it',
};

export interface FailoverOptions {
  readonly redis: RedisLimiter;
  readonly local: SharedMemoryLimiter;
  /** Told of every decision that was made without Redis. */
  readonly onFallback?: () => void;
}

class FailoverCheckSet implements CheckSet {
  readonly checks: readonly Check[];
  readonly group: string;
  readonly remote: RedisCheckSet;
  readonly local: CounterSet;
  readonly onFailure: OnFailure;
  isHeard = false;

  constructor(group: string, remote: RedisCheckSet, local: CounterSet, onFailure: OnFailure) {
    this.checks = remote.checks;
    this.group = group;
    this.remote = remote;
    this.local = local;
    this.onFailure = onFailure;
  }
}

export class FailoverLimiter implements Limiter {
  readonly #redis: RedisLimiter;
  readonly #local: SharedMemoryLimiter;
  readonly #onFallback: () => void;
  readonly #journal = new Journal();
  readonly #heard: HeardAnswers<FailoverCheckSet>;
  /** What was decided without Redis, so that it is taken back there too. */
  readonly #decidedHere = new WeakSet<Admitted>();
  #isMerging = false;

  constructor({ redis, local, onFallback = () => {} }: FailoverOptions) {
    this.#redis = redis;
    this.#local = local;
    this.#onFallback = onFallback;
    this.#heard = new HeardAnswers((set) => local.raise(set.local, set.remote.meters));
  }

  prepare(group: string, checks: readonly Check[], onFailure: OnFailure = 'deny'): CheckSet {
    return new FailoverCheckSet(
      group,
      this.#redis.prepare(group, checks),
      this.#local.prepare(group, checks),
      onFailure,
    );
  }

  take(set: CheckSet, cost: number): Verdict | Promise<Verdict> {
    const own = toOwn(set);
    if (own.onFailure === 'local' && !this.#journal.isEmpty) {
      this.catchUp();
      return this.#decideHere(own, cost, NOT_ASKED);
    }
    const verdict = this.#redis.take(own.remote, cost);
    if (verdict instanceof Promise) return verdict.then((late) => this.#settle(own, cost, late));
    return this.#settle(own, cost, verdict);
  }

  async peek(set: CheckSet): Promise<readonly Standing[] | undefined> {
    const own = toOwn(set);
    const standings = await this.#redis.peek(own.remote);
    if (standings !== undefined || own.onFailure !== 'local') return standings;
    this.#heard.noteAll();
    return this.#local.peek(own.local);
  }

  refund(set: CheckSet, cost: number, admitted: Admitted): void {
    const own = toOwn(set);
    if (!this.#decidedHere.has(admitted)) {
      this.#redis.refund(own.remote, cost, admitted);
      return;
    }
    this.#local.refund(own.local, cost, admitted);
    this.#note(own, -cost);
  }

  #settle(set: FailoverCheckSet, cost: number, verdict: Verdict): Verdict {
    if (verdict.outcome === 'unavailable') return this.#decideHere(set, cost, verdict);
    if (set.onFailure === 'local') this.#heard.add(set);
    return verdict;
  }

  #decideHere(set: FailoverCheckSet, cost: number, unavailable: Unavailable): Verdict {
    this.#onFallback();
    if (set.onFailure !== 'local') return unavailable;
    this.#heard.noteAll();
    const verdict = this.#local.take(set.local, cost);
    if (verdict.outcome === 'admitted') {
      this.#decidedHere.add(verdict);
      this.#note(set, cost);
    }
    return verdict;
  }

  #note(set: FailoverCheckSet, cost: number): void {
    for (const { meter } of set.local.counters) {
      const { check } = meter;
      if (check.limit.algorithm === 'concurrency') continue;
      const toSet = (): RedisCheckSet => this.#redis.prepare(set.group, [check]);
      // A bucket has no windows.
      const endMinute = check.limit.algorithm === 'bucket' ? 0 : meter.endMinute;
      this.#journal.note(
        toJournalKey({ group: set.group, checks: [check] }),
        Math.sign(cost) * costOf(check.limit, Math.abs(cost)),
        endMinute,
        toSet,
      );
    }
  }

  /** Adds to Redis, if it is there, what was counted without it. Done with the next call anyhow. */
  catchUp(): void {
    if (this.#redis.isUp && !this.#isMerging && !this.#journal.isEmpty) void this.#merge();
  }

  async #merge(): Promise<void> {
    this.#isMerging = true;
    // What is counted here meanwhile is noted too: it ends when there is nothing left at one moment, or when Redis is away again.
    while (this.#redis.isUp && !this.#journal.isEmpty) {
      const entries = this.#journal.take(MERGE_AT_ONCE);
      const done = await Promise.all(
        entries.map(({ set, count, endMinute }) => this.#redis.merge(set, count, endMinute)),
      );
      for (const [i, { set, count, endMinute }] of entries.entries()) {
        if (done[i] !== true) this.#journal.note(toJournalKey(set), count, endMinute, () => set);
      }
      if (done.includes(false)) await new Promise((resolve) => setTimeout(resolve, MERGE_AGAIN_MS).unref());
    }
    this.#isMerging = false;
  }
}

function toOwn(set: CheckSet): FailoverCheckSet {
  if (set instanceof FailoverCheckSet) return set;
  throw new TypeError('these checks were prepared by another limiter');
}

/** Of a set of one check. */
function toJournalKey({ group, checks: [check] }: Pick<RedisCheckSet, 'group' | 'checks'>): string {
  return check === undefined ? group : `${group} ${counterName(check.subject, limitName(check.limit))}`;
}
