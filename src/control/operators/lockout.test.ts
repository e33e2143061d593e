import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterFailure, isLocked, NO_FAILURES, type Failures } from './lockout.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** So many failures, each as soon as it is possible; answers with the minutes of lock after each. */
function fail(times: number): { readonly failures: Failures; readonly minutes: number[]; readonly nowMs: number } {
  let failures = NO_FAILURES;
  let nowMs = 1_000;
  const minutes: number[] = [];
  for (let i = 0; i < times; i++) {
    failures = afterFailure(failures, nowMs);
    minutes.push(((failures.lockedUntilMs ?? nowMs) - nowMs) / MINUTE_MS);
    nowMs = failures.lockedUntilMs ?? nowMs;
  }
  return { failures, minutes, nowMs };
}

test('forgives four failures, then locks for twice as long each time, and never for more than an hour', () => {
  assert.deepEqual(fail(14).minutes, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
  assert.equal(fail(10_000).minutes.at(-1), 60);
});

test('lets less than forty guesses through on a day, however eager they are', () => {
  let guesses = 0;
  let failures = NO_FAILURES;
  for (let nowMs = 0; nowMs < DAY_MS; nowMs += 1_000) {
    if (isLocked(failures, nowMs)) continue;
    guesses += 1;
    failures = afterFailure(failures, nowMs);
  }
  assert.ok(guesses < 40, String(guesses));
});

test('is locked up to the moment at which the lock ends, and no longer', () => {
  const { failures } = fail(5);
  const untilMs = failures.lockedUntilMs ?? 0;
  assert.ok(isLocked(failures, untilMs - 1));
  assert.ok(!isLocked(failures, untilMs));
  assert.ok(!isLocked(NO_FAILURES, 0));
});

test('begins anew when a day has passed since the lock', () => {
  const { failures, nowMs } = fail(9);
  assert.equal(afterFailure(failures, nowMs + DAY_MS - 1).count, 10);
  assert.deepEqual(afterFailure(failures, nowMs + DAY_MS), { count: 1, lockedUntilMs: undefined });
});
