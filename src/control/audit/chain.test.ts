import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { createTestControl, ENCRYPTION_KEY, type TestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import type { OpenedDatabase } from '../../db/open.ts';
import { deriveKey } from '../../lib/derive-key.ts';
import type { AuditFault, AuditVerdict } from './schema.ts';

const ENTRIES = 8;

/** What somebody does who can write the tables and take down their walls, but does not know the key. */
async function tamper({ db }: Pick<OpenedDatabase, 'db'>, ...statements: string[]): Promise<void> {
  const walls = (state: string) =>
    ['audit_logs', 'audit_heads'].map((table) => `alter table ${table} ${state} trigger user`);
  for (const statement of [...walls('disable'), ...statements, ...walls('enable')]) {
    await sql.raw(statement).execute(db);
  }
}

async function verify(control: TestControl, checkpoint?: string): Promise<AuditVerdict> {
  const query = checkpoint === undefined ? '' : `?checkpoint=${checkpoint}`;
  const answer = await control.call('GET', `/api/v1/audit-logs/verify${query}`);
  assert.equal(answer.status, 200);
  return answer.body.data;
}

async function append(control: TestControl, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await control.call('POST', '/api/v1/keys', { body: { name: `${i}` } });
}

const shown = (faults: AuditFault[]): [string, number][] => faults.map(({ kind, sequence }) => [kind, sequence]);

const SWAPPED = [
  `update audit_logs set sequence = 1000 where sequence = 3`,
  `update audit_logs set sequence = 3 where sequence = 4`,
  `update audit_logs set sequence = 4 where sequence = 1000`,
];

const ATTACKS: [about: string, statements: string[], faults: [string, number][]][] = [
  ['one entry removed', [`delete from audit_logs where sequence = 3`], [['missing', 3]]],
  [
    'several removed',
    [`delete from audit_logs where sequence in (2, 5, 6)`],
    [
      ['missing', 2],
      ['missing', 5],
    ],
  ],
  ['the first removed', [`delete from audit_logs where sequence = 1`], [['missing', 1]]],
  ['the last removed', [`delete from audit_logs where sequence = 8`], [['missing', 8]]],
  [
    'two swapped',
    SWAPPED,
    [
      ['altered', 3],
      ['altered', 4],
    ],
  ],
  [
    'one removed and the rest moved up',
    [
      `delete from audit_logs where sequence = 3`,
      ...[4, 5, 6, 7, 8].map((n) => `update audit_logs set sequence = ${n - 1} where sequence = ${n}`),
      `update audit_heads set count = 7`,
    ],
    [3, 4, 5, 6, 7].map((n) => ['altered', n]),
  ],
  [
    'an entry put in at the end',
    [
      `insert into audit_logs select tenant_id, 9, 'aud_forged', occurred_at, action, actor, actor_id, resource_type, resource_id,
        details, changes, request_id, client_ip, hash, hash from audit_logs where sequence = 8`,
      `update audit_heads set count = 9`,
    ],
    [['altered', 9]],
  ],
  [
    'an entry copied to the end, unseen by the head',
    [
      `insert into audit_logs select tenant_id, 9, 'aud_forged', occurred_at, action, actor, actor_id, resource_type, resource_id,
        details, changes, request_id, client_ip, previous_hash, hash from audit_logs where sequence = 8`,
    ],
    [
      ['altered', 9],
      ['surplus', 9],
    ],
  ],
  ['the end of the chain removed', [`delete from audit_heads`], [['cut', 8]]],
  ['the end of the chain replaced', [`update audit_heads set hash = decode(repeat('00', 32), 'hex')`], [['cut', 8]]],
  ['all entries removed', [`delete from audit_logs`], [['missing', 1]]],
  ['a hash replaced', [`update audit_logs set hash = previous_hash where sequence = 5`], [['altered', 5]]],
];

/** Each column that carries meaning, and another value for it. */
const COLUMNS: Record<string, string> = {
  id: `'aud_other'`,
  occurred_at: `occurred_at + interval '1 millisecond'`,
  action: `'key.read'`,
  actor: `jsonb_set(actor, '{name}', '"Eve"')`,
  resource_type: `'gateway'`,
  resource_id: `'key_other'`,
  details: `details || '{"name":"other"}'`,
  changes: `'{}'`,
  request_id: `null`,
  client_ip: `'10.0.0.99'`,
  previous_hash: `hash`,
};

forEachDatabase('the chain of the audit log', (open) => {
  test('is intact after honest changes, and its checkpoint leads on', async () => {
    const control = createTestControl(await open());
    assert.deepEqual(await verify(control), {
      isIntact: true,
      isComplete: true,
      checked: 0,
      checkpoint: `0:${'A'.repeat(43)}`,
      faults: [],
    });
    await append(control, 3);
    const { checkpoint, ...first } = await verify(control);
    assert.deepEqual(first, { isIntact: true, isComplete: true, checked: 3, faults: [] });
    await append(control, 2);
    const second = await verify(control, checkpoint);
    assert.deepEqual([second.isIntact, second.checked], [true, 2]);
  });

  for (const [about, statements, faults] of ATTACKS) {
    test(`tells of ${about}, and where`, async () => {
      const database = await open();
      const control = createTestControl(database);
      await append(control, ENTRIES);
      await tamper(database, ...statements);
      const verdict = await verify(control);
      assert.deepEqual([verdict.isIntact, verdict.isComplete, shown(verdict.faults)], [false, true, faults]);
    });
  }

  test('tells of every column that was altered, in which entry', async () => {
    const database = await open();
    const control = createTestControl(database);
    await append(control, ENTRIES);
    for (const [column, value] of Object.entries(COLUMNS)) {
      await tamper(database, `create table kept as select * from audit_logs where sequence = 4`);
      await tamper(database, `update audit_logs set ${column} = ${value} where sequence = 4`);
      const { faults } = await verify(control);
      assert.deepEqual(shown(faults), [['altered', 4]], column);
      await tamper(
        database,
        `delete from audit_logs where sequence = 4`,
        `insert into audit_logs select * from kept`,
        `drop table kept`,
      );
      assert.equal((await verify(control)).isIntact, true, column);
    }
  });

  test('tells by a checkpoint that was kept that the newest entries were cut off with the end moved back', async () => {
    const database = await open();
    const control = createTestControl(database);
    await append(control, ENTRIES);
    const { checkpoint } = await verify(control);
    await tamper(
      database,
      `delete from audit_logs where sequence > 5`,
      `update audit_heads set count = 5, hash = (select hash from audit_logs where sequence = 5)`,
    );
    assert.equal((await verify(control)).isIntact, true);
    assert.deepEqual(shown((await verify(control, checkpoint)).faults).at(0), ['checkpoint', 8]);
    // Also when others have grown in their place.
    await append(control, 4);
    assert.deepEqual(shown((await verify(control, checkpoint)).faults).at(0), ['checkpoint', 8]);
  });

  test('tells of an entry that was honestly written, but on another end of the chain', async () => {
    const database = await open();
    const control = createTestControl(database);
    await append(control, 3);
    await tamper(
      database,
      `create table kept as select * from audit_logs where sequence = 3`,
      `delete from audit_logs where sequence > 1`,
      `update audit_heads set count = 1, hash = (select hash from audit_logs where sequence = 1)`,
    );
    await append(control, 1);
    await tamper(
      database,
      `insert into audit_logs select * from kept`,
      `update audit_heads set count = 3, hash = (select hash from kept)`,
      `drop table kept`,
    );
    assert.deepEqual(shown((await verify(control)).faults), [['unchained', 3]]);
  });

  test('cannot be mended without the key', async () => {
    const database = await open();
    const control = createTestControl(database);
    await append(control, 2);
    const stranger = createTestControl(database, { encryptionKey: ENCRYPTION_KEY.replace('e', 'f') });
    assert.deepEqual(shown((await verify(stranger)).faults), [
      ['altered', 1],
      ['altered', 2],
    ]);
    assert.notDeepEqual(deriveKey('x', 'audit chain'), deriveKey('x', 'idempotency'));
  });

  test('is walked in parts when it is long, and no part is left out', async () => {
    const database = await open();
    const control = createTestControl(database);
    await append(control, 1);
    // Entries that are not the chain's: what counts here is that each is looked at once.
    await tamper(
      database,
      `insert into audit_logs select tenant_id, n, 'aud_' || n, occurred_at, action, actor, actor_id, resource_type, resource_id, details,
        changes, request_id, client_ip, previous_hash, hash from audit_logs, generate_series(2, 10700) as n`,
      `update audit_heads set count = 10701`,
    );
    const first = await verify(control);
    assert.deepEqual([first.isComplete, first.checked, first.faults.length], [false, 10_000, 100]);
    const second = await verify(control, first.checkpoint);
    assert.deepEqual([second.isComplete, second.checked, second.faults.length], [true, 700, 100]);
    const third = await verify(control, second.checkpoint);
    assert.deepEqual([third.checked, shown(third.faults)], [0, [['missing', 10_701]]]);
  });
});
