import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

const KNOWN = ['name', 'scopes', 'rateLimit', 'requestsPerMinute', 'expiresAt'];

const CASES: readonly [typed: string, meant: string | undefined][] = [
  ['nmae', 'name'],
  ['Name', 'name'],
  ['scope', 'scopes'],
  ['ratelimit', 'rateLimit'],
  ['rate_limit', 'rateLimit'],
  ['requestPerMinutes', 'requestsPerMinute'],
  ['expires_at', 'expiresAt'],
  ['colour', undefined],
  ['x', undefined],
  ['', undefined],
];

test('suggests the name that is a typing error away, and none that is farther', () => {
  for (const [typed, meant] of CASES) assert.equal(nearest(typed, KNOWN), meant, typed);
});
