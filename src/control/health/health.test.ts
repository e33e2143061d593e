import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';

const nobody = { as: null };
const up = { name: 'database', check: async () => undefined };
const down = { name: 'redis', check: () => Promise.reject(new Error('password is sesame')) };

forEachDatabase('health', (open) => {
  test('is told without credentials, bare at the root and in the envelope below /api/v1', async () => {
    const control = createTestControl(await open());
    assert.deepEqual((await control.call('GET', '/health', nobody)).body, { status: 'ok' });
    assert.deepEqual((await control.call('GET', '/api/v1/health', nobody)).body, {
      success: true,
      data: { status: 'ok' },
    });
    assert.deepEqual((await control.call('GET', '/health/live', nobody)).body, { status: 'ok', uptimeSeconds: 5 });
  });

  test('is ready when every dependency is, and says how long each took', async () => {
    const control = createTestControl(await open(), { readiness: [up] });
    const answer = await control.call('GET', '/health/ready', nobody);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, {
      status: 'ready',
      draining: false,
      dependencies: [{ name: 'database', status: 'up', latencyMs: 0 }],
    });
  });

  test('is 503 when a dependency is down, named without its reason', async () => {
    const control = createTestControl(await open(), { readiness: [up, down] });
    const answer = await control.call('GET', '/health/ready', nobody);
    assert.equal(answer.status, 503);
    assert.deepEqual(answer.body.dependencies[1], { name: 'redis', status: 'down' });
    assert.doesNotMatch(answer.text, /sesame/);
    const wrapped = await control.call('GET', '/api/v1/health/ready', nobody);
    assert.deepEqual([wrapped.status, wrapped.body.success, wrapped.body.data.status], [503, false, 'unavailable']);
  });

  test('is 503 while Tollgate stops, though everything is up', async () => {
    const control = createTestControl(await open(), { readiness: [up], isDraining: () => true });
    const answer = await control.call('GET', '/health/ready', nobody);
    assert.deepEqual([answer.status, answer.body.draining], [503, true]);
    assert.deepEqual((await control.call('GET', '/health', nobody)).body, { status: 'draining' });
  });
});
