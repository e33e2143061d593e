import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isIdempotent, pauseMs, retryAfterMs, RetryBudget } from './retry.ts';

test('only methods that may be carried out twice are idempotent', () => {
  const methods = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH', 'get', 'PROPFIND'];
  assert.deepEqual(methods.filter(isIdempotent), ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
});

describe('the budget', () => {
  /** Of so many requests that all want a retry, how many get one. */
  const grant = (budget: RetryBudget, requests: number): number =>
    Array.from({ length: requests }, () => {
      budget.onRequest();
      return budget.take();
    }).filter(Boolean).length;

  test('gives a fifth of the requests a retry, and ten in quiet times', () => {
    const budget = new RetryBudget();
    assert.equal(grant(budget, 10), 10);
    grant(budget, 1000);
    assert.equal(grant(budget, 10_000), 2000);
  });

  test('saves no more than ten', () => {
    const budget = new RetryBudget();
    for (let i = 0; i < 1_000_000; i++) budget.onRequest();
    assert.equal(Array.from({ length: 100 }, () => budget.take()).filter(Boolean).length, 10);
  });
});

test('pauses grow twice as long with each retry, up to five seconds, and differ between callers', () => {
  assert.deepEqual(
    [1, 2, 3, 7, 8, 60].map((retry) => pauseMs(retry, 1)),
    [50, 100, 200, 3200, 5000, 5000],
  );
  assert.deepEqual([pauseMs(1, 0), pauseMs(1, 0.5)], [25, 37.5]);
});

describe('Retry-After', () => {
  const now = Date.UTC(2026, 10, 22, 12);
  const table: readonly [value: string | undefined, ms: number][] = [
    [undefined, 0],
    ['0', 0],
    ['7', 7000],
    ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
    ['Sun, 22 Nov 2026 11:00:00 GMT', 0],
    ['soon', 0],
    ['-1', 0],
    ['1e9', 0],
    ['99999999999999', 0],
  ];
  for (const [value, ms] of table) {
    test(`asks for ${ms} ms with ${value}`, () => assert.equal(retryAfterMs(value, now), ms));
  }
});
