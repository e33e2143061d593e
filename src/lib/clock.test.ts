import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemClock } from './clock.ts';

test('the clock of the system stands still while it is held, and goes on from the present after', (t) => {
  const clock = new SystemClock();
  const now = t.mock.method(Date, 'now', () => ++nowMs);
  const monotonic = t.mock.method(performance, 'now', () => ++monotonicMs);
  let nowMs = 100;
  let monotonicMs = 0;
  const read = (): number[] => [clock.nowMs(), clock.monotonicMs()];
  assert.deepEqual(
    [read(), read()],
    [
      [101, 1],
      [102, 2],
    ],
  );
  clock.hold();
  assert.deepEqual(
    [read(), read()],
    [
      [103, 3],
      [103, 3],
    ],
  );
  clock.hold();
  assert.deepEqual(read(), [104, 4], 'the next event has its own time');
  clock.release();
  assert.deepEqual(read(), [105, 5]);
  assert.deepEqual([now.mock.callCount(), monotonic.mock.callCount()], [5, 5]);
});
