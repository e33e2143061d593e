import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCoreTicks, parseResidentBytes, parseTaskStat } from './proc-text.ts';

const AFTER_NAME = 'S 1 9014 7468 0 -1 4194368 12022 0 3 0 142 7 900 800 20 0 12 0 180790 3133440 376';

test('the time of a task is user plus system time, without that of its children', () => {
  assert.deepEqual(parseTaskStat(`9021 (gateway-1) ${AFTER_NAME}\n`), { name: 'gateway-1', ticks: 149 });
});

test('a name with blanks and parentheses does not shift the fields', () => {
  assert.deepEqual(parseTaskStat(`9021 (a) (b c) ${AFTER_NAME}`), { name: 'a) (b c', ticks: 149 });
});

test('what is not a stat line is refused', () => {
  for (const text of ['', '12', '12 (node) S 1', `12 (node) ${AFTER_NAME.replace('142', 'x')}`])
    assert.throws(() => parseTaskStat(text), /not a stat line/);
});

test('a core is found by its number, and waiting for a disk is idling', () => {
  const text =
    'cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 9 9 9 9 9 9 9 9 0 0\ncpu1 10 1 20 300 4 2 3 5 0 0\ncpu11 9 9 9 9 9 9 9 9 0 0\n';
  assert.deepEqual(parseCoreTicks(text, 1), { busy: 36, idle: 304, stolen: 5 });
  assert.throws(() => parseCoreTicks(text, 2), /core 2/);
});

test('resident memory is told in bytes', () => {
  const text = 'Name:\tnode\nVmHWM:\t  120000 kB\nVmRSS:\t  100000 kB\nRssAnon:\t 1 kB\n';
  assert.deepEqual(parseResidentBytes(text), { now: 102_400_000, peak: 122_880_000 });
  assert.throws(() => parseResidentBytes('Name:\tkthreadd\n'), /VmRSS/);
});
