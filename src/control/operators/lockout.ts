// When a password is locked after wrong ones. Pure.
//
// The first four failures in a row cost nothing. From the fifth on each locks the password, for a minute at first, then for twice as long as
// before, and never for more than an hour: some 30 guesses on the first day and 24 on each that follows, and nobody is shut out for good by
// whoever guesses. A day without an attempt begins anew.

const FREE_FAILURES = 4;
const FIRST_LOCK_MS = 60_000;
const MAX_LOCK_MS = 3_600_000;
const FORGET_AFTER_MS = 86_400_000;

export interface Failures {
  /** Wrong passwords in a row. */
  readonly count: number;
  /** Milliseconds since the epoch; undefined when the last failure locked nothing. */
  readonly lockedUntilMs: number | undefined;
}

export const NO_FAILURES: Failures = { count: 0, lockedUntilMs: undefined };

export function isLocked({ lockedUntilMs }: Failures, nowMs: number): boolean {
  return lockedUntilMs !== undefined && nowMs < lockedUntilMs;
}

export function afterFailure(before: Failures, nowMs: number): Failures {
  const isForgotten = before.lockedUntilMs !== undefined && nowMs - before.lockedUntilMs >= FORGET_AFTER_MS;
  const count = (isForgotten ? 0 : before.count) + 1;
  if (count <= FREE_FAILURES) return { count, lockedUntilMs: undefined };
  // 2^6 minutes are more than the hour; a larger exponent would only overflow in the end.
  const doublings = Math.min(count - FREE_FAILURES - 1, 6);
  return { count, lockedUntilMs: nowMs + Math.min(FIRST_LOCK_MS * 2 ** doublings, MAX_LOCK_MS) };
}
