import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Measurement } from './measure.ts';
import { summarize, toSummaryTable } from './summary.ts';

function measured(contestant: string, threadMicroseconds: number, processMicroseconds: number): Measurement {
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
    settleSeconds: 0,
    settled: true,
  };
}

test('ratios are taken within a round, beside the whole process of the peer', () => {
  const [nginx, tollgate] = summarize([
    [measured('nginx', 10, 10), measured('tollgate', 20, 30)],
    [measured('tollgate', 60, 80), measured('nginx', 20, 20)],
    [measured('nginx', 10, 10), measured('tollgate', 40, 50)],
  ]);
  assert.deepEqual(nginx?.threadRatio, { median: 1, min: 1, max: 1 });
  assert.deepEqual(tollgate?.threadRatio, { median: 3, min: 2, max: 4 });
  assert.deepEqual(tollgate?.processRatio, { median: 4, min: 3, max: 5 });
  assert.deepEqual(tollgate?.threadMicroseconds, { median: 40, min: 20, max: 60 });
  assert.equal(tollgate?.errors, 3);
});

test('without the peer there is no ratio', () => {
  const rows = summarize([[measured('tollgate', 20, 30)]]);
  assert.equal(rows[0] !== undefined && 'threadRatio' in rows[0], false);
  const [, line = ''] = toSummaryTable(rows).split('\n');
  assert.match(line, /^tollgate {2}20\.0 \(20\.0–20\.0\) +– +30\.0 \(30\.0–30\.0\) +– +500 +1\.00 +2\.00 +– +1$/);
});
