import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withinTime } from './within-time.ts';

test('gives the result, or the error, of work that ends in time', async () => {
  assert.equal(await withinTime(Promise.resolve(7), 1_000), 7);
  await assert.rejects(withinTime(Promise.reject(new Error('broken')), 1_000), /broken/);
});

test('gives up on work that does not end', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const waiting = withinTime(new Promise<void>(() => undefined), 2_000);
  context.mock.timers.tick(2_000);
  await assert.rejects(waiting, /no answer within 2000 ms/);
});
