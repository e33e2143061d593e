import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { toJson } from '../columns.ts';
import { migrate } from '../migrate.ts';
import { DEFAULT_TENANT_ID } from '../schema.ts';
import { MIGRATIONS } from './index.ts';

forEachDatabase('what was deployed before there were clients', (open) => {
  test('holds them to their restrictions wherever it asks for a key, and stays as it is elsewhere', async () => {
    const database = await open('blank');
    const before = Object.entries(MIGRATIONS).filter(([name]) => name < '0005');
    await migrate(database, Object.fromEntries(before));
    const use = (name: string, config: object = {}): object => ({ name, config });
    const config = {
      id: 'gw_1',
      endpoints: [
        { id: 'ep_2', policies: [use('api-key'), use('scopes', { required: ['a:b'] })] },
        { id: 'ep_1', policies: [] },
        { id: 'ep_3', policies: [use('rate-limit', { endpoint: null })] },
      ],
    };
    const insert = (id: string, number: number, content: unknown) =>
      database.db
        .insertInto('revisions')
        .values({
          id,
          tenant_id: DEFAULT_TENANT_ID,
          gateway_id: 'gw_1',
          number,
          config: toJson<unknown>(content),
          created_by: 'x',
          created_at: new Date(),
        })
        .execute();
    await insert('rev_1', 1, config);
    await insert('rev_2', 2, { from: 'elsewhere' });
    await insert('rev_3', 3, { endpoints: [] });
    await migrate(database);
    const rows = await database.db.selectFrom('revisions').select('config').orderBy('id').execute();
    const [first, ...others] = config.endpoints;
    assert.deepEqual(
      rows.map((row) => row.config),
      [
        {
          id: 'gw_1',
          endpoints: [{ ...first, policies: [...(first?.policies ?? []), use('client')] }, ...others],
        },
        { from: 'elsewhere' },
        { endpoints: [] },
      ],
    );
  });
});
