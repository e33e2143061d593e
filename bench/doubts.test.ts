import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toDoubts } from './doubts.ts';

const SOUND = {
  requests: 1000,
  recorded: 990,
  proxyCore: { contestant: 0.95, others: 0.01, stolen: 0.01 },
  loadCoreIdle: 0.2,
  settled: true,
  cutOff: 0.01,
  pace: { due: 1000, unanswered: 1, lateP99Ms: 0.1 },
};

test('a sound measurement is not doubted', () => {
  assert.deepEqual(toDoubts([SOUND, { ...SOUND, pace: undefined, recorded: undefined }]), []);
});

test('each reason for doubt is told once, with how often it was met', () => {
  const cases = [
    [{ proxyCore: { contestant: 0.9, others: 0.1, stolen: 0 } }, /other programs/],
    [{ proxyCore: { contestant: 0.9, others: 0, stolen: 0.1 } }, /hypervisor/],
    [
      { proxyCore: { contestant: 0.5, others: 0, stolen: 0 }, loadCoreIdle: 0, pace: undefined },
      /load was what was slow/,
    ],
    [{ settled: false }, /still busy/],
    [{ cutOff: 0.3 }, /cut off/],
    [{ recorded: 500 }, /records was dropped/],
    [{ pace: { due: 1000, unanswered: 500, lateP99Ms: 0.1 } }, /could not be held/],
    [{ pace: { due: 1000, unanswered: 0, lateP99Ms: 3 } }, /sent late/],
  ] as const;
  for (const [doubtful, pattern] of cases) {
    const [line = '', ...others] = toDoubts([{ ...SOUND, ...doubtful }, SOUND, { ...SOUND, ...doubtful }]);
    assert.match(line, pattern);
    assert.match(line, /in 2 of 3 measurements/);
    assert.deepEqual(others, []);
  }
});
