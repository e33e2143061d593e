import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { METRICS } from './catalogue.ts';

const PAGE = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
/** The base units of what is measured here; counts of things have none. */
const UNITS = /_(?:seconds|bytes|ratio|info)(?:_total)?$/;

test('counters are named with _total, and nothing else is; what has a unit ends with a base unit', () => {
  for (const [name, { type }] of Object.entries(METRICS)) {
    assert.match(name, /^(?:tollgate|process)_[a-z_]+$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    if (/second|byte|ratio|duration|delay|memory|cpu/.test(name)) assert.match(name, UNITS);
    assert.doesNotMatch(name, /_(?:ms|milliseconds|kb|mb|percent)(?:_|$)/);
  }
});

test('docs/metrics.md tells of every metric in its table, and of no other', () => {
  const told = PAGE.split('\n')
    .filter((line) => /^\| `(?:tollgate|process)_/.test(line))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name));
  assert.deepEqual(told.toSorted(), Object.keys(METRICS).toSorted());
});

test('the alerts of docs/metrics.md are about metrics that there are', () => {
  for (const [name] of PAGE.matchAll(/\b(?:tollgate|process)_[a-z_]+/g))
    assert.ok(Object.hasOwn(METRICS, name.replace(/_bucket$/, '')), name);
});
