import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summarizeIdle } from './idle.ts';

test('memory is that of one connection, and the median of the rounds', () => {
  const sample = (contestant: string, residentBytes: number[]) => ({
    contestant,
    residentBytes,
    processorMsPerSecond: 5,
  });
  const rows = summarizeIdle([
    sample('nginx', [1_000_000, 2_000_000, 6_000_000]),
    sample('tollgate', [50_000_000, 60_000_000, 100_000_000]),
    sample('tollgate', [50_000_000, 58_000_000, 90_000_000]),
  ]);
  assert.deepEqual(rows, [
    {
      contestant: 'nginx',
      bytesPerConnection: [
        { connections: 1000, bytes: { median: 1000, min: 1000, max: 1000 } },
        { connections: 5000, bytes: { median: 1000, min: 1000, max: 1000 } },
      ],
      processorMsPerSecond: { median: 5, min: 5, max: 5 },
    },
    {
      contestant: 'tollgate',
      bytesPerConnection: [
        { connections: 1000, bytes: { median: 9000, min: 8000, max: 10_000 } },
        { connections: 5000, bytes: { median: 9000, min: 8000, max: 10_000 } },
      ],
      processorMsPerSecond: { median: 5, min: 5, max: 5 },
    },
  ]);
});
