import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../test/harness/databases.ts';
import { createTestControl, NOW_MS } from '../test/harness/control.ts';
import { countUnprovable, findForeignSecrets, type Secrets } from './secrets.ts';

const OLD = 'the first pepper, of 32 characters and more';
const NEW = 'the second pepper, of 32 characters and more';

function secrets(hmacSecret: string, previousHmacSecret?: string): Secrets {
  return { hmacSecret, previousHmacSecret, encryptionKey: 'e'.repeat(64) };
}

forEachDatabase('the secrets of an installation', (open) => {
  test('are those that it was first started with', async () => {
    const { db } = await open();
    assert.deepEqual(await findForeignSecrets(db, secrets(OLD)), []);
    assert.deepEqual(await findForeignSecrets(db, secrets(OLD)), []);
    assert.deepEqual(await findForeignSecrets(db, secrets(NEW)), ['HMAC_SECRET']);
    const other = { ...secrets(NEW), encryptionKey: 'f'.repeat(64) };
    assert.deepEqual(await findForeignSecrets(db, other), ['HMAC_SECRET', 'ENCRYPTION_KEY']);
  });

  test('may be exchanged for another pepper while the old one is at hand, and then without it', async () => {
    const { db } = await open();
    await findForeignSecrets(db, secrets(OLD));
    assert.deepEqual(await findForeignSecrets(db, secrets(NEW, 'some third pepper, of 32 characters')), [
      'HMAC_SECRET',
    ]);
    assert.deepEqual(await findForeignSecrets(db, secrets(NEW, OLD)), []);
    assert.deepEqual(await findForeignSecrets(db, secrets(NEW)), []);
    assert.deepEqual(await findForeignSecrets(db, secrets(OLD)), ['HMAC_SECRET']);
  });

  test('may be exchanged node by node: one that has not heard of it yet still starts', async () => {
    const { db } = await open();
    await findForeignSecrets(db, secrets(OLD));
    // First every node is given the new one to prove keys with, then to make them with.
    assert.deepEqual(await findForeignSecrets(db, secrets(OLD, NEW)), []);
    assert.deepEqual(await findForeignSecrets(db, secrets(NEW, OLD)), []);
    assert.deepEqual(await findForeignSecrets(db, secrets(OLD, NEW)), []);
    assert.deepEqual(await findForeignSecrets(db, secrets(NEW, OLD)), []);
  });

  test('tell how many keys neither pepper fits: those that could work', async () => {
    const { db } = await open();
    const control = createTestControl({ db }, { hmacSecret: OLD });
    const make = async (body: object): Promise<string> =>
      (await control.call('POST', '/api/v1/keys', { body: { name: 'a', ...body } })).body.data.id;
    await make({});
    await make({ expiresInDays: 1 });
    await control.call('DELETE', `/api/v1/keys/${await make({})}`);
    const count = (given: Secrets, nowMs = NOW_MS): Promise<number> => countUnprovable(db, given, new Date(nowMs));
    assert.equal(await count(secrets(OLD)), 0);
    assert.equal(await count(secrets(NEW, OLD)), 0);
    assert.equal(await count(secrets(NEW)), 2);
    assert.equal(await count(secrets(NEW), NOW_MS + 86_400_000), 1);
  });
});
