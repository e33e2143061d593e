import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { createTestControl, NOW_MS, operatorPrincipal, type TestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import type { OpenedDatabase } from '../../db/open.ts';
import { exportLines } from './export.ts';
import { recordAudit } from './record.ts';

const ALL = {
  from: undefined,
  to: undefined,
  action: undefined,
  actorId: undefined,
  resourceType: undefined,
  resourceId: undefined,
  requestId: undefined,
};

async function record({ db }: OpenedDatabase, control: TestControl, name: string): Promise<void> {
  const context = { principal: operatorPrincipal({ name }), requestId: 'r', clientAddress: '10.0.0.1', nowMs: NOW_MS };
  const change = { action: 'key.create', resourceType: 'api_key', resourceId: 'key_1', after: { name } };
  await db.transaction().execute((trx) => recordAudit(trx, { ...context, services: control.services }, change));
}

/** Many copies of the first entry: exports do not look at the chain. */
async function multiply({ db }: OpenedDatabase, count: number): Promise<void> {
  await sql`alter table audit_heads disable trigger user`.execute(db);
  await sql`insert into audit_logs select tenant_id, n, 'aud_' || n, occurred_at, action, actor, actor_id, resource_type, resource_id,
    details, changes, request_id, client_ip, previous_hash, hash from audit_logs, generate_series(2, ${count}::int) as n`.execute(
    db,
  );
  await sql`update audit_heads set count = ${count}`.execute(db);
  await sql`alter table audit_heads enable trigger user`.execute(db);
}

forEachDatabase('the export of the audit log', (open) => {
  test('gives every entry as a JSON object a line, oldest first, as the list shows them', async () => {
    const database = await open();
    const control = createTestControl(database);
    for (const name of ['a', 'b', 'line\nbreak']) await record(database, control, name);
    const answer = await control.call('GET', '/api/v1/audit-logs/export');
    assert.equal(answer.headers['content-type'], 'application/x-ndjson; charset=utf-8');
    assert.equal(answer.headers['content-disposition'], 'attachment; filename="audit-logs.ndjson"');
    assert.equal(answer.headers['cache-control'], 'no-store');
    const list = await control.call('GET', '/api/v1/audit-logs?sortOrder=asc');
    assert.deepEqual(
      answer.text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      list.body.data,
    );
  });

  test('gives CSV that no spreadsheet takes for formulas', async () => {
    const database = await open();
    const control = createTestControl(database);
    await record(database, control, `=HYPERLINK("http://evil")`);
    const answer = await control.call('GET', '/api/v1/audit-logs/export?format=csv');
    assert.equal(answer.headers['content-type'], 'text/csv; charset=utf-8');
    const [head = '', line = ''] = answer.text.split('\r\n');
    assert.match(head, /^sequence,id,timestamp,action,actorType,actorId,actorName,/);
    assert.match(
      line,
      /^1,aud_\w+,2026-03-01T12:00:00\.000Z,key\.create,operator,usr_operator,"'=HYPERLINK\(""http:\/\/evil""\)",/,
    );
    assert.equal(answer.text.endsWith('\r\n'), true);
  });

  test('takes the filters of the list', async () => {
    const database = await open();
    const control = createTestControl(database);
    await control.call('POST', '/api/v1/keys', { body: { name: 'x' } });
    await record(database, control, 'y');
    const answer = await control.call('GET', '/api/v1/audit-logs/export?resourceId=key_1&action=key.*');
    assert.equal(answer.text.trimEnd().split('\n').length, 1);
    const faulty = await control.call('GET', '/api/v1/audit-logs/export?startDate=x&page=1');
    assert.deepEqual(
      faulty.body.errors.map((fault: { path: string }) => fault.path),
      ['query.page', 'query.startDate'],
    );
  });

  test('gives thousands, each once', async () => {
    const database = await open();
    const control = createTestControl(database);
    await record(database, control, 'x');
    await multiply(database, 2_500);
    const { text } = await control.call('GET', '/api/v1/audit-logs/export?format=csv');
    const sequences = text
      .split('\r\n')
      .slice(1, -1)
      .map((line) => Number(line.split(',', 1)[0]));
    assert.deepEqual(
      sequences,
      Array.from({ length: 2_500 }, (_, i) => i + 1),
    );
  });

  test('reads no further than its reader has come, and ends when the reader leaves', async () => {
    const database = await open();
    let statements = 0;
    const db = database.db.withPlugin({
      transformQuery({ node }) {
        if (node.kind === 'SelectQueryNode') statements += 1;
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const control = createTestControl({ db });
    await record(database, control, 'x');
    await multiply(database, 2_500);
    const lines = exportLines({ services: control.services, principal: operatorPrincipal() }, 'ndjson', ALL);
    statements = 0;
    await lines.next();
    const first = statements;
    await lines.next();
    assert.equal(statements - first, first - 1);
    await lines.return(undefined);
    assert.deepEqual(await lines.next(), { value: undefined, done: true });
    // Nothing is held between two pages: the embedded database has one connection only, and it is free.
    await control.call('GET', '/api/v1/audit-logs');
  });

  test('leaves out what was written after it began', async () => {
    const database = await open();
    const control = createTestControl(database);
    await record(database, control, 'x');
    await multiply(database, 300);
    const lines = exportLines({ services: control.services, principal: operatorPrincipal() }, 'ndjson', ALL);
    const pages = [(await lines.next()).value];
    await record(database, control, 'later');
    for await (const page of lines) pages.push(page);
    assert.equal(pages.join('').trimEnd().split('\n').length, 300);
  });

  test('breaks off, rather than end, when the database goes away on the way', async () => {
    const database = await open();
    const control = createTestControl(database);
    await record(database, control, 'x');
    const broken = exportLines(
      { services: { ...control.services, db: database.db.withSchema('nowhere') }, principal: operatorPrincipal() },
      'csv',
      ALL,
    );
    await broken.next();
    await assert.rejects(broken.next());
  });
});
