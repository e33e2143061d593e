import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Measurement } from './measure.ts';
import { toSummaryTable } from './summary-table.ts';
import { summarize } from './summary.ts';

function measured(
  contestant: string,
  microseconds: [thread: number, process: number],
  more: Partial<Measurement> = {},
) {
  const [threadMicroseconds, processMicroseconds] = microseconds;
  return {
    contestant,
    requests: 1000,
    errors: 1,
    requestsPerSecond: 500,
    p50Ms: 1,
    p99Ms: 2,
    threadMicroseconds,
    processMicroseconds,
    threadTicks: {},
    proxyCore: { contestant: 1, others: 0, stolen: 0 },
    loadCoreIdle: 0.2,
    cutOff: 0,
    settleSeconds: 0,
    settled: true,
    ...more,
  };
}

test('ratios are taken within a round, beside the whole process of the peer', () => {
  const [nginx, tollgate] = summarize([
    [measured('nginx', [10, 10]), measured('tollgate', [20, 30])],
    [measured('tollgate', [60, 80]), measured('nginx', [20, 20])],
    [measured('nginx', [10, 10]), measured('tollgate', [40, 50], { p99Ms: 5 })],
  ]);
  assert.deepEqual(nginx?.threadRatio, { median: 1, min: 1, max: 1 });
  assert.deepEqual(tollgate?.threadRatio, { median: 3, min: 2, max: 4 });
  assert.deepEqual(tollgate?.processRatio, { median: 4, min: 3, max: 5 });
  assert.deepEqual(tollgate?.p99Ratio, { median: 1, min: 1, max: 2.5 });
  assert.deepEqual(tollgate?.threadMicroseconds, { median: 40, min: 20, max: 60 });
  assert.equal(tollgate?.errors, 3);
});

test('what was not answered in time is summed, and what is recorded is a part of what was answered', () => {
  const pace = { due: 1100, unanswered: 50, lateP99Ms: 0.1 };
  const [row] = summarize([
    [measured('tollgate', [1, 1], { pace, recorded: 500 })],
    [measured('tollgate', [1, 1], { pace, recorded: 1003 })],
  ]);
  assert.equal(row?.unanswered, 100);
  assert.deepEqual(row?.recorded, { median: 0.75, min: 0.5, max: 1 });
});

test('without the peer, and without percentiles, there are no ratios', () => {
  const summary = summarize([[measured('tollgate', [20, 30], { p50Ms: undefined, p99Ms: undefined })]]);
  assert.equal(summary[0]?.threadRatio, undefined);
  assert.equal(summary[0]?.p99Ratio, undefined);
  const lines = toSummaryTable([{ name: 'h2', summary }]).split('\n');
  assert.match(lines[2] ?? '', /^h2: tollgate {2}20\.0 \(20\.0–20\.0\) +– +30\.0 +– +500 +– +– +– +– +1$/);
});

test('the table has a row for every contestant of every case', () => {
  const summary = summarize([
    [measured('nginx', [10, 10]), measured('tollgate', [25, 30], { p99Ms: 3, recorded: 420 })],
  ]);
  const lines = toSummaryTable([
    { name: 'get', summary },
    { name: 'tls', summary },
  ]).split('\n');
  assert.deepEqual(
    lines.map((line) => /^\S+: \S+/.exec(line)?.[0]).filter((name) => name !== undefined),
    ['get: nginx', 'get: tollgate', 'tls: nginx', 'tls: tollgate'],
  );
  assert.match(lines[3] ?? '', / 2\.50 +30\.0 +3\.00 +500 +1\.00 +3\.00 +1\.50 +42 % +1$/);
});
