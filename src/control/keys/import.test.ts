import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../../test/harness/api.ts';
import {
  createTestControl,
  keyPrincipal,
  NOW_MS,
  operatorPrincipal,
  type TestControl,
} from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { DEFAULT_TENANT_ID } from '../../db/schema.ts';
import { digestOf, toForeignId, toForeignProof, toOwnForeignId } from '../../lib/foreign-key-text.ts';
import { hashKeyText, isKeyHash } from '../../lib/key-text.ts';
import { loadCredential } from '../publish/credentials.ts';

const TEXT = 'km_p8tb7y54nmx982jfvs37';
const HASH = digestOf(TEXT);

const paths = (answer: Json): string[] => answer.body.errors.map(({ path }: Json) => path);

function ownCredential(control: TestControl, tenantId: string): ReturnType<typeof loadCredential> {
  return loadCredential(control.services.db, toOwnForeignId(toForeignId(HASH), tenantId), {});
}

forEachDatabase('the import of keys', (open) => {
  test('takes over what they may do, and shows how they begin and end', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const answer = await control.call('POST', '/api/v1/keys/import', {
      body: {
        keys: [
          {
            hash: HASH.toUpperCase(),
            keyPrefix: 'km_p8tb',
            lastCharacters: 'vs37',
            name: 'Moved',
            owner: 'Example Service',
            scopes: ['read:data'],
            rateLimit: { requestsPerMinute: 5 },
            allowedIps: ['10.0.0.0/8'],
            environment: 'live',
            expiresInDays: 10,
          },
          { hash: digestOf('another key of some length'), keyPrefix: 'ano', name: 'Plain' },
        ],
      },
    });
    assert.equal(answer.status, 201, answer.text);
    const [moved, plain] = answer.body.data.keys;
    const { id, createdBy, ...shown } = moved;
    assert.match(id, /^key_/);
    assert.equal(createdBy, 'usr_operator');
    assert.deepEqual(shown, {
      name: 'Moved',
      owner: 'Example Service',
      scopes: ['read:data'],
      status: 'active',
      rateLimit: { requestsPerMinute: 5 },
      metadata: {},
      environment: 'live',
      allowedIps: ['10.0.0.0/8'],
      keyPrefix: 'km_p8tb',
      lastCharacters: 'vs37',
      imported: true,
      createdAt: '2026-03-01T12:00:00.000Z',
      updatedAt: '2026-03-01T12:00:00.000Z',
      expiresAt: '2026-03-11T12:00:00.000Z',
    });
    assert.equal(plain.name, 'Plain');
    assert.deepEqual((await control.call('GET', `/api/v1/keys/${id}`)).body.data, moved);
  });

  test('makes them known to the gateway by their digest, proved under the pepper', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    await control.call('POST', '/api/v1/keys/import', {
      body: { keys: [{ hash: HASH, keyPrefix: 'km_', name: 'a' }] },
    });
    const credential = await loadCredential(db, toForeignId(HASH), {});
    assert.ok(credential !== undefined);
    assert.ok(isKeyHash(credential.hash, hashKeyText(toForeignProof(HASH), control.services.hmacSecret)));
    assert.deepEqual(control.dataPlane.forgotten, [toForeignId(HASH)], 'who tried it before must not be told so again');
  });

  test('keeps no hash by which the key could be checked without the pepper', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    await control.call('POST', '/api/v1/keys/import', {
      body: { keys: [{ hash: HASH, keyPrefix: 'km_', name: 'a' }] },
    });
    const rows = JSON.stringify(await db.selectFrom('keys').selectAll().execute(), (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    );
    assert.ok(!rows.includes(HASH));
    assert.ok(!rows.includes(HASH.slice(32)));
    assert.ok(!rows.includes(TEXT));
  });

  test('is all or nothing: one that is there already is named, and none is kept', async () => {
    const control = createTestControl(await open());
    const body = { keys: [{ hash: HASH, keyPrefix: 'km_', name: 'a' }] };
    await control.call('POST', '/api/v1/keys/import', { body });
    const other = { hash: digestOf('another key of some length'), keyPrefix: 'ano', name: 'b' };
    const answer = await control.call('POST', '/api/v1/keys/import', { body: { keys: [other, ...body.keys] } });
    assert.deepEqual([answer.status, answer.body.code, paths(answer)], [409, 'key_exists', ['body.keys[1].hash']]);
    assert.equal((await control.call('GET', '/api/v1/keys')).body.meta.total, 1);
  });

  test('lets one of two at the same time through', async () => {
    const control = createTestControl(await open());
    const body = { keys: [{ hash: HASH, keyPrefix: 'km_', name: 'a' }] };
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => control.call('POST', '/api/v1/keys/import', { body })),
    );
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, 409, 409, 409]);
  });

  test('of a hash that another tenant has goes as any other does, and tells nothing of it', async () => {
    const control = createTestControl(await open());
    const made = await control.call('POST', '/api/v1/tenants', { body: { name: 'Other', slug: 'other' } });
    const as = operatorPrincipal({ tenantId: made.body.data.id });
    const key = { hash: HASH, keyPrefix: 'km_', name: 'a' };
    const first = await control.call('POST', '/api/v1/keys/import', { body: { keys: [key] } });
    const fresh = { hash: digestOf('a key that nobody has'), keyPrefix: 'a k', name: 'b' };
    const second = await control.call('POST', '/api/v1/keys/import', { as, body: { keys: [key, fresh] } });
    assert.deepEqual([first.status, second.status], [201, 201], second.text);
    const [taken, untaken] = second.body.data.keys;
    assert.deepEqual(Object.keys(taken).toSorted(), Object.keys(untaken).toSorted());
    assert.deepEqual([taken.name, untaken.name, taken.imported, taken.keyPrefix], ['a', 'b', true, 'km_']);
    assert.deepEqual(
      [await loadCredential(control.services.db, toForeignId(HASH), {}), await ownCredential(control, as.tenantId)].map(
        (credential) => [credential?.principal.tenantId, credential?.principal.keyId],
      ),
      [
        [DEFAULT_TENANT_ID, first.body.data.keys[0].id],
        [as.tenantId, taken.id],
      ],
    );
    // Both sides find it taken by themselves, and are told so in the same words.
    for (const caller of [undefined, as]) {
      const again = await control.call('POST', '/api/v1/keys/import', {
        ...(caller !== undefined && { as: caller }),
        body: { keys: [key] },
      });
      assert.deepEqual([again.status, again.body.code, paths(again)], [409, 'key_exists', ['body.keys[0].hash']]);
    }
  });

  test('is refused with every fault at once', async () => {
    const control = createTestControl(await open());
    const plain = { keyPrefix: 'km_', name: 'a' };
    const shaped = await control.call('POST', '/api/v1/keys/import', {
      body: {
        keys: [
          { ...plain, hash: 'abc' },
          { ...plain, hash: `${HASH.slice(1)}g` },
          { hash: HASH, keyPrefix: 'x'.repeat(17), lastCharacters: '12345', nmae: 'b' },
        ],
      },
    });
    assert.equal(shaped.status, 400);
    assert.deepEqual(paths(shaped).toSorted(), [
      'body.keys[0].hash',
      'body.keys[1].hash',
      'body.keys[2].keyPrefix',
      'body.keys[2].lastCharacters',
      'body.keys[2].name',
      'body.keys[2].nmae',
    ]);
    const meant = await control.call('POST', '/api/v1/keys/import', {
      body: {
        keys: [
          { ...plain, hash: HASH, expiresAt: '2020-01-01', expiresInDays: 3 },
          { ...plain, hash: HASH.toUpperCase() },
          { ...plain, hash: digestOf('sixteen letters!'), keyPrefix: 'sixteen letters!' },
          { ...plain, hash: digestOf('sixteen letters!++++'), keyPrefix: 'sixteen letters!', lastCharacters: '++++' },
        ],
      },
    });
    assert.equal(meant.status, 400);
    assert.deepEqual(paths(meant), [
      'body.keys[0].expiresAt',
      'body.keys[0].expiresInDays',
      'body.keys[1].hash',
      'body.keys[2].keyPrefix',
      'body.keys[3].keyPrefix',
    ]);
    for (const keys of [[], Array.from({ length: 501 }, (_, i) => ({ ...plain, hash: digestOf(String(i)) }))]) {
      const answer = await control.call('POST', '/api/v1/keys/import', { body: { keys } });
      assert.deepEqual([answer.status, paths(answer)], [400, ['body.keys']]);
    }
  });

  test('takes five hundred at once', async () => {
    const control = createTestControl(await open());
    const keys = Array.from({ length: 500 }, (_, i) => ({ hash: digestOf(String(i)), keyPrefix: 'k', name: `${i}` }));
    const answer = await control.call('POST', '/api/v1/keys/import', { body: { keys } });
    assert.equal(answer.status, 201, answer.text.slice(0, 500));
    assert.deepEqual(
      answer.body.data.keys.map(({ name }: Json) => name),
      keys.map(({ name }) => name),
    );
  });

  test('gives no scope that its maker does not hold, and needs the permission to make keys', async () => {
    const control = createTestControl(await open());
    const keys = [
      { hash: HASH, keyPrefix: 'km_', name: 'a', scopes: ['orders:read'] },
      { hash: digestOf('b'), keyPrefix: 'km_', name: 'b', scopes: ['orders:read', 'requests:read', '*'] },
    ];
    const as = keyPrincipal(['keys:create', 'orders:read']);
    const refused = await control.call('POST', '/api/v1/keys/import', { as, body: { keys } });
    assert.deepEqual([refused.status, refused.body.code], [403, 'scope_not_grantable']);
    assert.deepEqual(paths(refused), ['body.keys[1].scopes[1]', 'body.keys[1].scopes[2]']);
    const without = await control.call('POST', '/api/v1/keys/import', { as: keyPrincipal(['orders:*']), body: {} });
    assert.deepEqual([without.status, without.body.code], [403, 'insufficient_scope']);
    assert.equal((await control.call('GET', '/api/v1/keys')).body.meta.total, 0);
  });

  test('gives the keys to a client, within what the client may', async () => {
    const control = createTestControl(await open());
    const client = { name: 'c', contactEmail: 'a@b.c', scopes: ['leads:read'] };
    const { id: clientId } = (await control.call('POST', '/api/v1/api-clients', { body: client })).body.data;
    const plain = { hash: HASH, keyPrefix: 'ins_abc1', name: 'a' };
    const other = { ...plain, hash: digestOf('b'), scopes: ['leads:read', 'leads:write'] };
    const refused = await control.call('POST', '/api/v1/keys/import', { body: { clientId, keys: [plain, other] } });
    assert.deepEqual(
      [refused.status, refused.body.code, paths(refused)],
      [403, 'scope_not_grantable', ['body.keys[1].scopes[1]']],
    );
    const made = await control.call('POST', '/api/v1/keys/import', {
      body: { clientId, keys: [{ ...plain, scopes: ['leads:read'] }] },
    });
    assert.equal(made.body.data.keys[0].clientId, clientId);
    const credential = await loadCredential(control.services.db, toForeignId(HASH), {});
    assert.deepEqual([credential?.principal.clientId, credential?.client?.status], [clientId, 'active']);
    const nobody = await control.call('POST', '/api/v1/keys/import', {
      body: { clientId: 'cli_nobody', keys: [{ ...plain, hash: digestOf('c') }] },
    });
    assert.deepEqual([nobody.status, paths(nobody)], [400, ['body.clientId']]);
    const limits = await control.call('POST', '/api/v1/keys/import', {
      as: keyPrincipal(['keys:create'], { clientId }),
      body: { keys: [{ ...plain, hash: digestOf('d'), rateLimit: { requestsPerDay: 1_000_000 } }] },
    });
    assert.deepEqual([limits.status, limits.body.code], [403, 'insufficient_scope']);
  });

  test('is rotated into a key of ours', async () => {
    const control = createTestControl(await open());
    const made = await control.call('POST', '/api/v1/keys/import', {
      body: { keys: [{ hash: HASH, keyPrefix: 'km_', lastCharacters: 'vs37', name: 'a', scopes: ['x:read'] }] },
    });
    const [{ id }] = made.body.data.keys;
    const { newKey, oldKey } = (
      await control.call('POST', `/api/v1/keys/${id}/rotate`, { body: { deprecationPeriod: 60 } })
    ).body.data;
    assert.deepEqual([newKey.imported, newKey.lastCharacters, newKey.scopes], [undefined, undefined, ['x:read']]);
    assert.match(newKey.apiKey, /^tg_test_/);
    assert.equal(oldKey.status, 'deprecated');
    const credential = await loadCredential(control.services.db, toForeignId(HASH), {});
    assert.deepEqual([credential?.status, credential?.expiresAtMs], ['deprecated', NOW_MS + 60_000]);
  });
});
