// The port to whatever counts requests: shared memory in one process, Redis over many nodes.

import type { WindowName } from '../lib/window.ts';

/** One fixed window, aligned to the UTC calendar: at most `limit` requests in each. A whole number, at most 2^31. */
export interface WindowLimit {
  readonly window: WindowName;
  readonly limit: number;
}

/** One limit that applies to a request. A call brings 1 to 64 of them; no two may have both subject and window in common. */
export interface Check {
  /** Whose counter: `key:key_…`, `endpoint:ep_…`. The window is added by the limiter. */
  readonly subject: string;
  readonly window: WindowName;
  readonly limit: number;
}

/** Where one check stands after the decision. */
export interface Standing {
  readonly check: Check;
  /** Requests left in the window; less than the cost for a check that refused. */
  readonly remaining: number;
  /** When the window ends, in milliseconds since the epoch by the limiter's clock. */
  readonly resetAtMs: number;
}

/**
 * `atMs` is the moment of the decision by the limiter's clock, which may be another machine's: only the difference to
 * `resetAtMs` tells how long to wait. Standings come in the order of the checks.
 */
export type Verdict =
  | { readonly outcome: 'admitted'; readonly atMs: number; readonly standings: readonly Standing[] }
  | {
      readonly outcome: 'refused';
      readonly atMs: number;
      readonly standings: readonly Standing[];
      readonly refusedBy: Standing;
    }
  /** The counters cannot be reached or are full: the caller must fail closed. */
  | { readonly outcome: 'unavailable'; readonly reason: string };

export interface Limiter {
  /**
   * Counts `cost` (a whole number from 1) against every check, or against none: a refused request counts nowhere.
   * Of several refusing checks, the one that resets last is named, so that its reset is a true time to come back.
   */
  take(checks: readonly Check[], cost: number): Verdict | Promise<Verdict>;
  /** Where the checks stand, in their order, counting nothing; undefined when the counters cannot be reached. */
  peek(checks: readonly Check[]): readonly Standing[] | undefined | Promise<readonly Standing[] | undefined>;
}
