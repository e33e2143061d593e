import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOW_MS } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import type { OpenedDatabase } from '../../db/open.ts';
import { DEFAULT_TENANT_ID } from '../../db/schema.ts';
import type { QuotaNews } from '../../gateway/ports.ts';
import { tidy } from '../upkeep.ts';
import { QuotaNotices } from './quota-notices.ts';

const RESETS_AT_MS = Date.UTC(2026, 3, 1);
const WARNING: QuotaNews = {
  tenantId: DEFAULT_TENANT_ID,
  subject: 'client:cli_1',
  quota: 1_000,
  used: 800,
  resetsAtMs: RESETS_AT_MS,
  level: 'warning',
};
const EXCEEDED: QuotaNews = { ...WARNING, used: 1_000, level: 'exceeded' };

function open({ db }: OpenedDatabase): { notices: QuotaNotices; errors: unknown[] } {
  const errors: unknown[] = [];
  const notices = new QuotaNotices({
    db,
    clock: { nowMs: () => NOW_MS },
    onError: (cause) => errors.push(cause),
  });
  return { notices, errors };
}

async function eventsOf({ db }: OpenedDatabase): Promise<unknown[]> {
  return db.selectFrom('events').select(['tenant_id', 'type', 'data', 'created_at']).orderBy('type').execute();
}

forEachDatabase('the notices of quotas', (openDatabase) => {
  test('are events, each once for a quota, a month and a level, however many threads and nodes tell of it', async () => {
    const database = await openDatabase();
    const nodes = [open(database), open(database), open(database)];
    for (const { notices } of nodes) {
      for (let thread = 0; thread < 3; thread++) {
        notices.take({ ...WARNING, used: 800 + thread });
        notices.take(EXCEEDED);
      }
    }
    await Promise.all(nodes.map(({ notices }) => notices.close()));
    assert.deepEqual(
      nodes.flatMap(({ errors }) => errors),
      [],
    );
    const about = { tenant_id: DEFAULT_TENANT_ID, created_at: new Date(NOW_MS) };
    const data = { of: 'client', clientId: 'cli_1', quota: 1_000, resetsAt: '2026-04-01T00:00:00.000Z' };
    assert.deepEqual(await eventsOf(database), [
      { ...about, type: 'quota.exceeded', data: { ...data, used: 1_000 } },
      { ...about, type: 'quota.warning', data: { ...data, used: 800 } },
    ]);
  });

  test('are others for another quota, another month, and another that has it', async () => {
    const database = await openDatabase();
    const { notices } = open(database);
    notices.take(WARNING);
    notices.take({ ...WARNING, quota: 2_000 });
    notices.take({ ...WARNING, resetsAtMs: Date.UTC(2026, 4, 1) });
    notices.take({ ...WARNING, subject: 'key:key_1' });
    await notices.close();
    assert.equal((await eventsOf(database)).length, 4);
  });

  test('that cannot be written are told of and tried again, and stand in the way of no others', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const database = await openDatabase();
    const { notices, errors } = open(database);
    // No tenant: can never be written.
    notices.take({ ...WARNING, tenantId: 'ten_gone' });
    notices.take(WARNING);
    await notices.idle();
    assert.deepEqual([errors.length, (await eventsOf(database)).length], [1, 0]);
    t.mock.timers.tick(60_000);
    await notices.idle();
    assert.deepEqual([errors.length, (await eventsOf(database)).length], [2, 1]);
    await notices.close();
  });

  test('are written again by nobody after a restart, and forgotten when their month is long over', async () => {
    const database = await openDatabase();
    for (let start = 0; start < 2; start++) {
      const { notices } = open(database);
      notices.take(WARNING);
      await notices.close();
    }
    assert.equal((await eventsOf(database)).length, 1);
    const count = async () => (await database.db.selectFrom('quota_notices').selectAll().execute()).length;
    await tidy(database.db, new Date(RESETS_AT_MS + 3_600_000));
    assert.equal(await count(), 1);
    await tidy(database.db, new Date(RESETS_AT_MS + 2 * 86_400_000));
    assert.equal(await count(), 0);
  });
});
