// What a caller makes a change depend on: `If-Match` and `If-None-Match` (RFC 9110 §13).

import { Problem } from '../lib/problem.ts';
import { isMatch, isNoneMatch, toEntityTag } from './entity-tag.ts';

export interface Precondition {
  /** Whether the caller asked for anything. */
  readonly isGiven: boolean;
  /** Whether check() was called. */
  readonly isChecked: boolean;
  /**
   * Throws `precondition_failed` unless it holds for the resource as GET shows it, or for its absence (undefined). To be called in the
   * transaction of the change, after the resource was locked and before it is changed: of two changes at once, the second sees the first.
   */
  check(current: object | undefined): void;
}

export function createPrecondition(ifMatch: string | undefined, ifNoneMatch: string | undefined): Precondition {
  let isChecked = false;
  return {
    isGiven: ifMatch !== undefined || ifNoneMatch !== undefined,
    get isChecked() {
      return isChecked;
    },
    check(current) {
      isChecked = true;
      const tag = current === undefined ? undefined : toEntityTag(current);
      if (ifMatch !== undefined && !isMatch(ifMatch, tag)) throw new Problem('precondition_failed');
      if (ifNoneMatch !== undefined && !isNoneMatch(ifNoneMatch, tag)) {
        throw new Problem('precondition_failed', { detail: 'There is one already, and If-None-Match excludes it.' });
      }
    },
  };
}
