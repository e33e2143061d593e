// The port to whatever counts requests: shared memory in one process, Redis over many nodes.

import type { Limit } from '../lib/limit.ts';

/** What becomes of a call while the counters of all nodes are away: counted on this node alone, let through, or refused. */
export type OnFailure = 'local' | 'allow' | 'deny';

/** One limit that applies to a request, and whose it is. */
export interface Check {
  /** `key:key_…`, `endpoint:ep_…`. No two checks of a call may have both subject and name of the limit in common. */
  readonly subject: string;
  readonly limit: Limit;
}

/** The checks of a call, made ready by `prepare`: to be kept and used again, for every call that they apply to. */
export interface CheckSet {
  readonly checks: readonly Check[];
}

/** Where one check stands after the decision. */
export interface Standing {
  readonly check: Check;
  /** Requests left; less than the cost for a check that refused. */
  readonly remaining: number;
  /**
   * When the window ends; for a check with less left than the cost, when there will be room, if nobody else calls meanwhile. In
   * milliseconds since the epoch by the limiter's clock.
   */
  readonly resetAtMs: number;
}

/**
 * `atMs` is the moment of the decision by the limiter's clock, which may be another machine's: only the difference to `resetAtMs` tells
 * how long to wait. Standings come in the order of the checks.
 */
export type Verdict = Admitted | Refused | Unavailable;

export interface Admitted {
  readonly outcome: 'admitted';
  readonly atMs: number;
  readonly standings: readonly Standing[];
  /** To be called when the request is over, where a limit of concurrency applied; a second call does nothing. */
  readonly release: (() => void) | undefined;
}

export interface Refused {
  readonly outcome: 'refused';
  readonly atMs: number;
  readonly standings: readonly Standing[];
  /** Of the checks that refused, the one that resets last: its reset is a true time to come back. */
  readonly refusedBy: Standing;
}

/** The counters cannot be reached, or are full. */
export interface Unavailable {
  readonly outcome: 'unavailable';
  readonly reason: string;
}

export interface Limiter {
  /**
   * Makes checks ready. 1 to 64 of them. Redis keeps the counters of one group together, since they are changed in one step: calls of
   * different groups share no counter.
   */
  prepare(group: string, checks: readonly Check[], onFailure?: OnFailure): CheckSet;
  /**
   * Counts `cost` (a whole number from 1 to 2^31) against every check, or against none: a refused request counts nowhere. One step:
   * what another call sees is never half of it.
   */
  take(set: CheckSet, cost: number): Verdict | Promise<Verdict>;
  /** Where the checks stand, in their order, counting nothing; undefined when the counters cannot be reached. */
  peek(set: CheckSet): readonly Standing[] | undefined | Promise<readonly Standing[] | undefined>;
  /** Takes back what an admitted call has counted, where it counts still. Concurrency is released instead. */
  refund(set: CheckSet, cost: number, admitted: Admitted): void;
}
