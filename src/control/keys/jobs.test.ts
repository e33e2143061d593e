import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kysely } from 'kysely';
import { createTestControl, NOW_MS, type TestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import type { Database } from '../../db/schema.ts';
import { digestOf } from '../../lib/foreign-key-text.ts';
import { keyJobs } from './jobs.ts';

const DAY_MS = 86_400_000;

async function make(control: TestControl, body: object = {}): Promise<string> {
  return (await control.call('POST', '/api/v1/keys', { body: { name: 'a', ...body } })).body.data.id;
}

function runJob(db: Kysely<Database>, name: string, nowMs: number): Promise<'done' | 'more'> {
  const job = keyJobs({ noticeDays: 7, auditKey: new Uint8Array(32) }).find((one) => one.name === name);
  assert.ok(job !== undefined);
  return db.transaction().execute((trx) => job.run(trx, new Date(nowMs)));
}

const timesOf = (db: Kysely<Database>, id: string) =>
  db.selectFrom('keys').select(['revoked_at', 'expiring_noticed_at']).where('id', '=', id).executeTakeFirstOrThrow();

forEachDatabase('the end of the grace', (open) => {
  test('is written down as of its moment, whenever the job comes, and changes nothing that is shown', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const id = await make(control);
    await control.call('POST', `/api/v1/keys/${id}/rotate`, { body: { deprecationPeriod: 60 } });
    const untouched = await make(control, { expiresAt: '2026-03-01T12:01:00Z' });
    await runJob(db, 'end-of-grace', NOW_MS + 59_999);
    assert.equal((await timesOf(db, id)).revoked_at, null);

    control.setNow(NOW_MS + DAY_MS);
    const before = await control.call('GET', `/api/v1/keys/${id}`);
    assert.equal(await runJob(db, 'end-of-grace', NOW_MS + DAY_MS), 'done');
    assert.deepEqual((await timesOf(db, id)).revoked_at, new Date(NOW_MS + 60_000));
    assert.deepEqual((await control.call('GET', `/api/v1/keys/${id}`)).body, before.body);
    assert.equal((await timesOf(db, untouched)).revoked_at, null, 'an expired key is not a revoked one');
    const entries = (await control.call('GET', `/api/v1/audit-logs?resourceId=${id}&action=key.revoke`)).body.data;
    assert.deepEqual(
      entries.map((entry: { readonly actor: { readonly id: string } }) => entry.actor.id),
      ['end-of-grace'],
    );
  });

  test('leaves a key alone that was revoked before it', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const id = await make(control);
    await control.call('POST', `/api/v1/keys/${id}/rotate`, { body: { deprecationPeriod: 60 } });
    control.setNow(NOW_MS + 1_000);
    await control.call('DELETE', `/api/v1/keys/${id}`);
    await runJob(db, 'end-of-grace', NOW_MS + DAY_MS);
    assert.deepEqual((await timesOf(db, id)).revoked_at, new Date(NOW_MS + 1_000));
  });
});

forEachDatabase('the notice ahead of the end of a key', (open) => {
  test('is given once, in the days before it', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const id = await make(control, { expiresInDays: 30 });
    const noticed = async (atMs: number): Promise<Date | null> => {
      await runJob(db, 'expiring-keys', atMs);
      return (await timesOf(db, id)).expiring_noticed_at;
    };
    assert.equal(await noticed(NOW_MS + 23 * DAY_MS - 1), null);
    assert.deepEqual(await noticed(NOW_MS + 23 * DAY_MS), new Date(NOW_MS + 23 * DAY_MS));
    assert.deepEqual(await noticed(NOW_MS + 24 * DAY_MS), new Date(NOW_MS + 23 * DAY_MS));
  });

  test('is given again for another end', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const id = await make(control, { expiresInDays: 3 });
    await runJob(db, 'expiring-keys', NOW_MS);
    assert.ok((await timesOf(db, id)).expiring_noticed_at !== null);
    await control.call('PUT', `/api/v1/keys/${id}`, { body: { name: 'b' } });
    assert.ok((await timesOf(db, id)).expiring_noticed_at !== null);
    await control.call('PUT', `/api/v1/keys/${id}`, { body: { expiresAt: '2027-01-01' } });
    assert.equal((await timesOf(db, id)).expiring_noticed_at, null);
  });

  test('is not given for keys that do not work, that were rotated, or that never end', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const revoked = await make(control, { expiresInDays: 3 });
    await control.call('DELETE', `/api/v1/keys/${revoked}`);
    const rotated = await make(control, { expiresInDays: 3 });
    await control.call('POST', `/api/v1/keys/${rotated}/rotate`, { body: {} });
    const expired = await make(control, { expiresInDays: 1 });
    const endless = await make(control);
    await runJob(db, 'expiring-keys', NOW_MS + 2 * DAY_MS);
    for (const id of [revoked, rotated, expired, endless])
      assert.equal((await timesOf(db, id)).expiring_noticed_at, null);
  });

  test('goes on where more keys end than one run takes', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const keys = Array.from({ length: 250 }, (_, i) => ({
      hash: digestOf(String(i)),
      keyPrefix: 'k',
      name: `${i}`,
      expiresInDays: 3,
    }));
    await control.call('POST', '/api/v1/keys/import', { body: { keys } });
    assert.equal(await runJob(db, 'expiring-keys', NOW_MS), 'more');
    assert.equal(await runJob(db, 'expiring-keys', NOW_MS), 'done');
    const left = await db.selectFrom('keys').select('id').where('expiring_noticed_at', 'is', null).execute();
    assert.deepEqual(left, []);
  });
});
