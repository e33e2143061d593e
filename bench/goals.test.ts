import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toGoalLines, toGoals } from './goals.ts';
import type { Row } from './summary.ts';

const flat = (value: number) => ({ median: value, min: value, max: value });

function row(contestant: string, microseconds: number, ratios: { thread: number; p99: number }): Row {
  return {
    contestant,
    threadMicroseconds: flat(microseconds),
    processMicroseconds: flat(microseconds),
    threadRatio: flat(ratios.thread),
    processRatio: flat(9),
    requestsPerSecond: flat(1),
    p50Ms: flat(1),
    p99Ms: flat(1),
    p99Ratio: flat(ratios.p99),
    errors: 0,
    unanswered: undefined,
    recorded: undefined,
  };
}

test('every goal stands beside what was found, counted by the thread', () => {
  const get = [
    row('nginx + lua', 30, { thread: 2, p99: 1 }),
    row('tollgate bare', 20, { thread: 1.25, p99: 1 }),
    row('tollgate all on', 27, { thread: 1.75, p99: 1 }),
  ];
  const latency = [
    row('tollgate bare', 20, { thread: 1, p99: 2 }),
    row('tollgate all on', 30, { thread: 1, p99: 2.5 }),
  ];
  const idle = [
    {
      contestant: 'tollgate all on',
      bytesPerConnection: [
        { connections: 1000, bytes: flat(99_999) },
        { connections: 5000, bytes: flat(12_288) },
      ],
      processorMsPerSecond: flat(0),
    },
  ];
  assert.deepEqual(toGoalLines(toGoals({ get, latency, idle })), [
    '  bare, × nginx: 1.25, within 1.3',
    '  all on, × nginx: 1.75, above 1.5',
    '  all on, × nginx + lua: 0.90, within 1',
    '  p99 at half of the rate, bare, × nginx: 2.00, within 2',
    '  p99 at half of the rate, all on, × nginx: 2.50, above 2',
    '  KiB for an idle connection: 12.00, within 16',
  ]);
});

test('what was not measured is neither reached nor missed', () => {
  assert.deepEqual(toGoalLines(toGoals({ get: undefined, latency: undefined, idle: undefined })), []);
});
