import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql, type Kysely } from 'kysely';
import { createTestControl, NOW_MS, operatorPrincipal, type TestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { DEFAULT_TENANT_ID, type Database } from '../../db/schema.ts';
import type { OpenedDatabase } from '../../db/open.ts';
import type { Principal } from '../../gateway/ports.ts';
import { writeRecords } from '../publish/records.ts';
import { tenantJobs } from './jobs.ts';

const DAY_MS = 86_400_000;
const KEEP_DAYS = 30;
const DUE_MS = NOW_MS + KEEP_DAYS * DAY_MS;
const KEPT = ['audit_heads', 'audit_logs'];

/** Of every kind that tenants have, some. */
async function fill(opened: OpenedDatabase, control: TestControl, as: Principal): Promise<void> {
  const make = async (path: string, body: object, headers = {}): Promise<string> => {
    const { status, body: answer, text } = await control.call('POST', `/api/v1${path}`, { as, body, headers });
    assert.ok(status < 300, text);
    return answer.data?.id;
  };
  await make('/roles', { name: 'AUDITOR', permissions: ['admin:logs:read'] });
  const operator = await make('/operators', { name: 'Bo', email: 'bo@example.com', role: 'AUDITOR' });
  const password = { password: 'a password that is long enough' };
  const set = await control.call('PUT', `/api/v1/operators/${operator}/password`, { as, body: password });
  assert.ok(set.status < 300, set.text);
  const clientId = await make('/api-clients', { name: 'c', contactEmail: 'a@b.c', scopes: ['x:read'] });
  const keyId = await make('/keys', { name: 'k', clientId }, { 'idempotency-key': 'k1' });
  for (let i = 0; i < 7; i++) await make('/keys', { name: `k${i}` });
  const upstreamServices = [{ name: 's', targets: [{ url: 'http://127.0.0.1:9000' }] }];
  const gateway = await make('/gateways', { name: 'g', routePrefix: `/${as.tenantId.slice(-6)}`, upstreamServices });
  await make(`/gateways/${gateway}/endpoints`, { method: 'GET', path: '/x' });
  await make(`/gateways/${gateway}/deploy`, {});
  await writeRecords(
    opened,
    [0, 1, 2, 3].map((i) => ({
      requestId: `req_${i}_${as.tenantId}`,
      // In two partitions.
      startedAtMs: NOW_MS + (i % 2) * 31 * DAY_MS,
      durationMs: 1,
      method: 'GET',
      path: '/x',
      query: '',
      status: 200,
      errorCode: undefined,
      rateLimited: false,
      authFailed: false,
      tenantId: as.tenantId,
      gatewayId: gateway,
      endpointId: undefined,
      keyId,
      clientIp: '10.0.0.1',
      userAgent: undefined,
      requestBytes: 1,
      responseBytes: 2,
      service: 's',
      target: undefined,
      upstreamMs: undefined,
      requestHeaders: undefined,
    })),
  );
}

async function makeTenant(control: TestControl, slug: string): Promise<Principal> {
  const made = await control.call('POST', '/api/v1/tenants', { body: { name: slug, slug } });
  assert.equal(made.status, 201, made.text);
  return operatorPrincipal({ tenantId: made.body.data.id });
}

/** The rows of all tenants but this one, or of this one alone, by table, as JSON. */
async function rowsOf(db: Kysely<Database>, tenantId: string, whose: '=' | '<>'): Promise<Map<string, string[]>> {
  const { rows: tables } = await sql<{ name: string; by: string }>`
    select table_name as name, column_name as by from information_schema.columns
    where table_schema = current_schema() and table_name not in (select inhrelid::regclass::text from pg_inherits)
      and (column_name = 'tenant_id' or (table_name = 'tenants' and column_name = 'id'))`.execute(db);
  const found = new Map<string, string[]>();
  for (const { name, by } of tables) {
    const { rows } = await sql<{ row: string }>`
      select to_jsonb(t)::text as row from ${sql.table(name)} as t where ${sql.ref(by)} ${sql.raw(whose)} ${tenantId}`.execute(
      db,
    );
    if (rows.length > 0) found.set(name, rows.map(({ row }) => row).toSorted());
  }
  return found;
}

async function purge(db: Kysely<Database>, nowMs: number, maxRows?: number): Promise<number> {
  const [job] = tenantJobs({ keepDays: KEEP_DAYS, auditKey: new Uint8Array(32), ...(maxRows && { maxRows }) });
  assert.ok(job !== undefined);
  for (let runs = 1; ; runs++) {
    if ((await db.transaction().execute((trx) => job.run(trx, new Date(nowMs)))) === 'done') return runs;
  }
}

forEachDatabase('a tenant that was deleted', (open) => {
  for (const maxRows of [undefined, 2]) {
    test(`goes with all its rows but its audit log, ${maxRows ?? 'all'} at a time, and nothing of another`, async () => {
      const opened = await open();
      const { db } = opened;
      const control = createTestControl({ db });
      const [gone, other] = [await makeTenant(control, 'gone'), await makeTenant(control, 'other')];
      for (const as of [gone, other, operatorPrincipal()]) await fill(opened, control, as);
      assert.equal((await control.call('DELETE', `/api/v1/tenants/${gone.tenantId}`)).status, 200);
      const full = await rowsOf(db, gone.tenantId, '=');
      const known = ['clients', 'endpoints', 'events', 'gateways', 'idempotency_keys', 'keys', 'operator_passwords'];
      known.push('operators', 'request_logs', 'revisions', 'roles', 'tenants', ...KEPT);
      for (const table of known) assert.ok(full.has(table), `nothing in ${table}: the test proves nothing of it`);

      const others = await rowsOf(db, gone.tenantId, '<>');
      assert.equal(await purge(db, DUE_MS - 1, maxRows), 1, 'not before its time');
      assert.deepEqual(await rowsOf(db, gone.tenantId, '='), full);

      const runs = await purge(db, DUE_MS, maxRows);
      assert.ok(maxRows === undefined || runs > 10, 'in pieces');
      const left = await rowsOf(db, gone.tenantId, '=');
      assert.deepEqual([...left.keys()].toSorted(), KEPT);
      for (const table of KEPT) assert.deepEqual(left.get(table), full.get(table));

      const after = await rowsOf(db, gone.tenantId, '<>');
      // What the purge itself leaves in the log of the platform.
      for (const rows of [others, after]) for (const table of KEPT) rows.delete(table);
      assert.deepEqual(after, others);
    });
  }

  test('leaves word of it in the audit log of the platform, once', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { tenantId } = await makeTenant(control, 'gone');
    await control.call('DELETE', `/api/v1/tenants/${tenantId}`);
    await purge(db, DUE_MS);
    await purge(db, DUE_MS + DAY_MS);
    const { data } = (await control.call('GET', '/api/v1/audit-logs?action=tenant.purge')).body;
    assert.equal(data.length, 1);
    const [{ actor, resource }] = data;
    assert.deepEqual([actor.id, resource.id], ['deleted-tenants', tenantId]);
  });

  test('is no tenant that stands, however old, and never the default one', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    await makeTenant(control, 'standing');
    await db
      .updateTable('tenants')
      .set({ deleted_at: new Date(0) })
      .where('id', '=', DEFAULT_TENANT_ID)
      .execute();
    const before = await rowsOf(db, 'nobody', '<>');
    assert.equal(await purge(db, DUE_MS + 1000 * DAY_MS), 1);
    assert.deepEqual(await rowsOf(db, 'nobody', '<>'), before);
  });
});
