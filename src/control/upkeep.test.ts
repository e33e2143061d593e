import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { forEachDatabase } from '../../test/harness/databases.ts';
import { startUpkeep } from './upkeep.ts';

const DAY_MS = 86_400_000;

forEachDatabase('the upkeep', (open) => {
  test('begins at once, goes on after a failure, and stops when it is told', async () => {
    const { db } = await open();
    const rounds = new EventEmitter();
    let failures = 0;
    const upkeep = startUpkeep({
      db,
      clock: {
        monotonicMs: () => 0,
        nowMs() {
          rounds.emit('round');
          if (failures === 0) throw new Error('on purpose');
          return 40 * DAY_MS;
        },
      },
      intervalMs: 1,
      onError: () => (failures += 1),
    });
    await once(rounds, 'round');
    await once(rounds, 'round');
    await upkeep.stop();
    assert.equal(failures, 1);
    assert.equal(rounds.listenerCount('round'), 0);
  });
});
