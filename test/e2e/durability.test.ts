// The process is killed in the middle of writes, again and again: what was acknowledged is there afterwards, and nothing is half there.

import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { createApi, type Api, type Json } from '../harness/api.ts';
import { forEachDatabaseUrl } from '../harness/databases.ts';
import { createSandbox, type Sandbox } from '../harness/tollgate.ts';

const ROUNDS = 3;
const WRITERS = 4;
const KILL_AFTER = 25;

forEachDatabaseUrl('a store that is killed in the middle of writes', (databaseUrl) => {
  const acknowledged = new Map<string, string>();
  let sandbox: Sandbox;
  let adminKey = '';

  before(async () => {
    sandbox = await createSandbox();
  });
  after(() => sandbox.remove());

  const start = async (): Promise<{ api: Api; kill: () => Promise<void> }> => {
    const url = databaseUrl();
    const tollgate = await sandbox.start(url === undefined ? {} : { TOLLGATE_DATABASE_URL: url });
    if (adminKey === '') {
      const made = await createApi(tollgate.url).call('POST', '/setup', { name: 'Admin', email: 'admin@example.com' });
      adminKey = made.body.apiKey;
      const raised = { rateLimit: { requestsPerMinute: 1_000_000 } };
      await createApi(tollgate.url, adminKey).call('PUT', `/api/v1/keys/${made.body.keyId}`, raised);
    }
    return { api: createApi(tollgate.url, adminKey), kill: () => tollgate.kill() };
  };

  it('has every key that was acknowledged, and each of them whole', async () => {
    for (let round = 1; round <= ROUNDS; round++) {
      const { api, kill } = await start();
      const goal = acknowledged.size + KILL_AFTER;
      const write = async (writer: number): Promise<void> => {
        for (let i = 0; ; i++) {
          const name = `round ${round}, writer ${writer}, key ${i}`;
          // The answer that never comes is the one to the call under way when the process is killed.
          const made = await api.call('POST', '/api/v1/keys', { name, scopes: ['a:read'] }).catch(() => undefined);
          if (made === undefined) return;
          assert.equal(made.status, 201, JSON.stringify(made.body));
          acknowledged.set(made.body.data.id, name);
          if (acknowledged.size === goal) await kill();
        }
      };
      await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
    }

    const { api, kill } = await start();
    for (const [id, name] of acknowledged) {
      const found = await api.call('GET', `/api/v1/keys/${id}`);
      assert.deepEqual([found.status, found.body.data?.name, found.body.data?.scopes], [200, name, ['a:read']]);
    }
    const listed: Json = (await api.call('GET', '/api/v1/keys?limit=1')).body;
    // At most one more for each writer and round: written, and killed before its answer.
    assert.ok(listed.meta.total - 1 - acknowledged.size <= ROUNDS * WRITERS);
    await kill();
  });
});
