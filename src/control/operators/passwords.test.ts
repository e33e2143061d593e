import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, NOW_MS, type Answered, type TestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { principalOf } from '../../../test/harness/principal.ts';
import type { Principal } from '../../gateway/ports.ts';
import { verifyPassword, type Verdict } from './verify-password.ts';

const FIRST = 'the first password';
const SECOND = 'the second password';
const MINUTE_MS = 60_000;

interface Operator {
  readonly id: string;
  readonly as: Principal;
}

async function make(control: TestControl, role = 'KEY_ADMIN'): Promise<Operator> {
  const body = { name: 'Bo Example', email: `${role}@example.com`, role };
  const { id, apiKey } = (await control.call('POST', '/api/v1/operators', { body })).body.data;
  return { id, as: await principalOf(control, apiKey) };
}

async function set(control: TestControl, { id, as }: Operator, body: object): Promise<Answered> {
  return control.call('PUT', `/api/v1/operators/${id}/password`, { as, body });
}

async function verify(control: TestControl, { id, as }: Operator, password: string, nowMs = NOW_MS): Promise<Verdict> {
  return verifyPassword(control.services.db, as, { operatorId: id, password, nowMs });
}

forEachDatabase('passwords', (open) => {
  test('are set by whose they are: the first freely, each other one with the one before', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const bo = await make(control);
    assert.deepEqual(await verify(control, bo, FIRST), { outcome: 'wrong' });
    const answer = await set(control, bo, { password: FIRST });
    const passwordChangedAt = new Date(NOW_MS).toISOString();
    assert.deepEqual([answer.status, answer.body.data], [200, { id: bo.id, passwordChangedAt }]);
    assert.deepEqual(await verify(control, bo, FIRST), { outcome: 'right' });
    assert.equal(
      (await control.call('GET', `/api/v1/operators/${bo.id}`)).body.data.passwordChangedAt,
      passwordChangedAt,
    );

    const bare = await set(control, bo, { password: SECOND });
    assert.deepEqual(
      [bare.status, bare.body.errors],
      [400, [{ path: 'body.currentPassword', message: 'is required to change your own' }]],
    );
    const wrong = await set(control, bo, { password: SECOND, currentPassword: 'something else' });
    assert.deepEqual([wrong.status, wrong.body.code], [403, 'wrong_password']);
    assert.equal((await set(control, bo, { password: SECOND, currentPassword: FIRST })).status, 200);
    assert.deepEqual(await verify(control, bo, FIRST), { outcome: 'wrong' });
    assert.deepEqual(await verify(control, bo, SECOND), { outcome: 'right' });

    const kept = JSON.stringify(await db.selectFrom('operator_passwords').selectAll().execute());
    for (const text of [FIRST, SECOND]) assert.ok(!`${kept}${control.logged.join('')}`.includes(text));
  });

  test('are set for others by who manages users, without knowing the one before', async () => {
    const control = createTestControl(await open());
    const bo = await make(control);
    await set(control, bo, { password: FIRST });
    const path = `/api/v1/operators/${bo.id}/password`;
    assert.equal((await control.call('PUT', path, { body: { password: SECOND } })).status, 200);
    assert.deepEqual(await verify(control, bo, SECOND), { outcome: 'right' });
    const knowing = await control.call('PUT', path, { body: { password: FIRST, currentPassword: SECOND } });
    assert.equal(knowing.body.errors[0].path, 'body.currentPassword');
    const viewer = await make(control, 'KEY_VIEWER');
    const refused = await control.call('PUT', path, { as: viewer.as, body: { password: FIRST } });
    assert.deepEqual([refused.status, refused.body.code], [403, 'insufficient_scope']);
  });

  test('are long, and neither the name nor the address', async () => {
    const control = createTestControl(await open());
    const bo = await make(control);
    for (const password of ['short', 'x'.repeat(11), 'x'.repeat(201), 'KEY_admin@example.com', 7]) {
      const answer = await set(control, bo, { password });
      assert.deepEqual([answer.status, answer.body.errors[0].path], [400, 'body.password'], String(password));
    }
  });

  test('are locked after five wrong ones, for longer each time, also for the right one', async () => {
    const control = createTestControl(await open());
    const bo = await make(control);
    await set(control, bo, { password: FIRST });
    for (let i = 0; i < 5; i++) assert.deepEqual(await verify(control, bo, 'wrong'), { outcome: 'wrong' });
    assert.deepEqual(await verify(control, bo, FIRST), { outcome: 'locked', untilMs: NOW_MS + MINUTE_MS });
    control.setNow(NOW_MS + 30_500);
    const locked = await set(control, bo, { password: SECOND, currentPassword: FIRST });
    assert.deepEqual([locked.status, locked.body.code, locked.headers['retry-after']], [429, 'password_locked', '30']);

    const laterMs = NOW_MS + MINUTE_MS;
    assert.deepEqual(await verify(control, bo, 'wrong', laterMs), { outcome: 'wrong' });
    assert.deepEqual(await verify(control, bo, FIRST, laterMs + MINUTE_MS), {
      outcome: 'locked',
      untilMs: laterMs + 2 * MINUTE_MS,
    });
    assert.deepEqual(await verify(control, bo, FIRST, laterMs + 2 * MINUTE_MS), { outcome: 'right' });
    // The right one made all forgotten.
    for (let i = 0; i < 4; i++) await verify(control, bo, 'wrong', laterMs + 2 * MINUTE_MS);
    assert.deepEqual(await verify(control, bo, FIRST, laterMs + 2 * MINUTE_MS), { outcome: 'right' });
  });

  test('are unlocked by an administrator who sets a new one', async () => {
    const control = createTestControl(await open());
    const bo = await make(control);
    await set(control, bo, { password: FIRST });
    for (let i = 0; i < 5; i++) await verify(control, bo, 'wrong');
    await control.call('PUT', `/api/v1/operators/${bo.id}/password`, { body: { password: SECOND } });
    assert.deepEqual(await verify(control, bo, SECOND), { outcome: 'right' });
  });

  test('take no more guesses at once than one after the other', async () => {
    const control = createTestControl(await open());
    const bo = await make(control);
    await set(control, bo, { password: FIRST });
    const verdicts = await Promise.all(Array.from({ length: 12 }, () => verify(control, bo, 'wrong')));
    const outcomes = verdicts.map(({ outcome }) => outcome).toSorted();
    assert.deepEqual(outcomes, [
      ...Array.from({ length: 7 }, () => 'locked'),
      ...Array.from({ length: 5 }, () => 'wrong'),
    ]);
  });

  test('of one operator, and of one tenant, are nobody else’s', async () => {
    const control = createTestControl(await open());
    const bo = await make(control);
    const zoe = await make(control, 'SUPPORT');
    await set(control, bo, { password: FIRST });
    assert.deepEqual(await verify(control, { ...zoe, as: bo.as }, FIRST), { outcome: 'wrong' });
    const elsewhere = { ...bo, as: { ...bo.as, tenantId: 'ten_other' } };
    assert.deepEqual(await verify(control, elsewhere, FIRST), { outcome: 'wrong' });
    for (let i = 0; i < 9; i++) await verify(control, elsewhere, 'wrong');
    assert.deepEqual(await verify(control, bo, FIRST), { outcome: 'right' }, 'and cannot be locked from elsewhere');
  });

  test('do not work for an operator who is suspended, nor for one who was deleted', async () => {
    const control = createTestControl(await open());
    const bo = await make(control);
    await set(control, bo, { password: FIRST });
    const path = `/api/v1/operators/${bo.id}`;
    await control.call('PUT', path, { body: { status: 'suspended' } });
    assert.deepEqual(await verify(control, bo, FIRST), { outcome: 'wrong' });
    await control.call('PUT', path, { body: { status: 'active' } });
    assert.deepEqual(await verify(control, bo, FIRST), { outcome: 'right' });
    await control.call('DELETE', path);
    assert.deepEqual(await verify(control, bo, FIRST), { outcome: 'wrong' });
  });
});
