import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, NOW_MS } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { DEFAULT_TENANT_ID } from '../../db/schema.ts';
import { tidy } from '../upkeep.ts';
import { emitEvent } from './emit.ts';

const SCOPE = { tenantId: DEFAULT_TENANT_ID };
const NOW = new Date(NOW_MS);

forEachDatabase('the outbox of events', (open) => {
  test('announces what was committed, and nothing that was undone', async () => {
    const { db } = await open();
    await db.transaction().execute((trx) => emitEvent(trx, SCOPE, { type: 'test.ping', data: { a: 1 } }, NOW));
    const undone = db.transaction().execute(async (trx) => {
      await emitEvent(trx, SCOPE, { type: 'test.ping', data: {} }, NOW);
      throw new Error('on purpose');
    });
    await assert.rejects(undone, /on purpose/);
    const [event, ...others] = await db.selectFrom('events').selectAll().execute();
    const { id, ...rest } = event ?? { id: '' };
    assert.match(id, /^evt_/);
    assert.deepEqual(rest, { tenant_id: DEFAULT_TENANT_ID, type: 'test.ping', data: { a: 1 }, created_at: NOW });
    assert.deepEqual(others, []);
  });

  test('tells of a key what its subscribers need, and not the key', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const body = { name: 'x', owner: 'Ada', scopes: ['a:read'], expiresAt: '2027-01-01' };
    const made = await control.call('POST', '/api/v1/keys', { body });
    await control.call('DELETE', `/api/v1/keys/${made.body.data.id}`);
    const events = await db.selectFrom('events').select(['type', 'data']).orderBy('type').execute();
    const data = {
      keyId: made.body.data.id,
      name: 'x',
      owner: 'Ada',
      scopes: ['a:read'],
      keyPrefix: made.body.data.keyPrefix,
      expiresAt: '2027-01-01T00:00:00.000Z',
    };
    assert.deepEqual(events, [
      { type: 'key.created', data },
      { type: 'key.revoked', data: { ...data, revokedAt: NOW.toISOString() } },
    ]);
    assert.ok(!JSON.stringify(events).includes(made.body.data.key));
  });

  test('masks what looks like a secret', async () => {
    const { db } = await open();
    const data = { secret: 'hush', service: { url: 'http://ada:hush@10.0.0.1' } };
    await db.transaction().execute((trx) => emitEvent(trx, SCOPE, { type: 'test.ping', data }, NOW));
    const [event] = await db.selectFrom('events').select('data').execute();
    assert.deepEqual(event?.data, { secret: '***', service: { url: 'http://***@10.0.0.1' } });
  });

  test('keeps events for 30 days, and no longer', async () => {
    const { db } = await open();
    const dayMs = 86_400_000;
    for (let i = 0; i < 1_010; i++) {
      const days = i < 1_005 ? 31 : 29;
      const at = new Date(NOW_MS - days * dayMs);
      await db.transaction().execute((trx) => emitEvent(trx, SCOPE, { type: 'test.ping', data: {} }, at));
    }
    // Several nodes at once do no harm.
    await Promise.all([tidy(db, NOW), tidy(db, NOW)]);
    await tidy(db, NOW);
    assert.equal((await db.selectFrom('events').select('id').execute()).length, 5);
  });
});
