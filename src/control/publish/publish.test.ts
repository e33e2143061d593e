import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, NOW_MS } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { toJson } from '../../db/columns.ts';
import { hashKeyText, parsePublicId } from '../../lib/key-text.ts';
import { pepperIdOf } from '../../lib/pepper.ts';
import { loadCredential, loadCredentials } from './credentials.ts';
import { saveRehash } from './rehash.ts';
import { loadSnapshot } from './snapshots.ts';

forEachDatabase('a credential', (open) => {
  test('is found by its public id, with the default limits when it has none of its own', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const made = await control.call('POST', '/api/v1/keys', {
      body: { name: 'k', scopes: ['read:orders', '*'], expiresInDays: 1 },
    });
    const publicId = parsePublicId(made.body.data.apiKey) ?? '';
    const credential = await loadCredential(db, publicId, { requestsPerHour: 3 });
    assert.equal(credential?.hash.length, 48);
    assert.deepEqual(
      { ...credential, hash: undefined },
      {
        publicId,
        hash: undefined,
        pepper: pepperIdOf(control.services.hmacSecret),
        status: 'active',
        expiresAtMs: NOW_MS + 86_400_000,
        allowedIps: undefined,
        principal: {
          kind: 'key',
          tenantId: 'ten_00000000000000000000000000',
          keyId: made.body.data.id,
          operatorId: undefined,
          name: 'k',
          scopes: ['orders:read', '*'],
          limits: [{ window: 'hour', limit: 3 }],
        },
      },
    );
    assert.equal(await loadCredential(db, 'unknown', {}), undefined);
    assert.equal(await loadCredential(db, "' or 1=1 --", {}), undefined);
  });

  test('of a client has what both the key and the client have, and what binds the client', async () => {
    const { db } = await open();
    const control = createTestControl({ db }, { clients: { isApprovalAutomatic: false, areCountriesKnown: true } });
    const client = {
      name: 'c',
      contactEmail: 'a@b.c',
      scopes: ['write:orders', 'leads:*'],
      rateLimitTier: 'basic',
      ipWhitelist: ['10.0.0.0/8'],
      allowedCountries: ['DE'],
      allowedEndpoints: ['GET /shop/*'],
      expiresAt: '2026-04-01',
    };
    const made = await control.call('POST', '/api/v1/api-clients', { body: client });
    const clientId: string = made.body.data.id;
    const scopes = ['orders:create', 'leads:read', 'leads:*'];
    const key = await control.call('POST', '/api/v1/api-keys', { body: { clientId, name: 'k', scopes } });
    const load = async () => loadCredential(db, parsePublicId(key.body.data.apiKey) ?? '', {});
    const credential = await load();
    assert.deepEqual(credential?.client, { status: 'active', expiresAtMs: Date.parse('2026-04-01') });
    assert.deepEqual(credential.principal, {
      kind: 'key',
      tenantId: 'ten_00000000000000000000000000',
      keyId: key.body.data.id,
      operatorId: undefined,
      name: 'k',
      scopes: ['orders:create', 'leads:read', 'leads:*'],
      limits: [
        { window: 'minute', limit: 60, of: 'client' },
        { window: 'hour', limit: 1_000, of: 'client' },
        { window: 'day', limit: 10_000, of: 'client' },
        { algorithm: 'bucket', window: 'minute', limit: 60, burst: 10, of: 'client' },
      ],
      clientId,
      restrictions: { addresses: ['10.0.0.0/8'], countries: ['DE'], endpoints: ['GET /shop/*'] },
    });

    await control.call('PUT', `/api/v1/api-clients/${clientId}`, {
      body: {
        scopes: ['read:leads'],
        status: 'suspended',
        ipWhitelist: null,
        allowedCountries: null,
        allowedEndpoints: null,
        rateLimits: { requestsPerDay: 1 },
      },
    });
    const after = await load();
    assert.equal(after?.client?.status, 'suspended');
    assert.deepEqual(after.principal.scopes, ['leads:read']);
    assert.deepEqual(after.principal.limits, [{ window: 'day', limit: 1, of: 'client' }]);
    assert.equal('restrictions' in after.principal, false);
  });

  test('of an operator has no more than the role permits', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { body } = await control.call('POST', '/setup', { as: null, body: { name: 'A', email: 'a@b.c' } });
    await db.updateTable('operators').set({ role: 'NOBODY' }).execute();
    const credential = await loadCredential(db, parsePublicId(body.apiKey) ?? '', {});
    assert.deepEqual(credential?.principal.scopes, []);
  });
});

forEachDatabase('several credentials', (open) => {
  test('are found at once, each in the state that it is in', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const make = async (): Promise<{ id: string; publicId: string }> => {
      const { id, apiKey } = (await control.call('POST', '/api/v1/keys', { body: { name: 'k' } })).body.data;
      return { id, publicId: parsePublicId(apiKey) ?? '' };
    };
    const keys = { active: await make(), revoked: await make(), rotated: await make(), ended: await make() };
    await control.call('DELETE', `/api/v1/keys/${keys.revoked.id}`);
    await control.call('POST', `/api/v1/keys/${keys.rotated.id}/rotate`, { body: { deprecationPeriod: 5 } });
    await control.call('POST', `/api/v1/keys/${keys.ended.id}/rotate`, { body: { deprecationPeriod: 5 } });
    await control.call('DELETE', `/api/v1/keys/${keys.ended.id}`);
    const ids = Object.values(keys).map(({ publicId }) => publicId);
    const found = await loadCredentials(db, [...ids, 'unknown', ids[0] ?? ''], {});
    assert.deepEqual(
      ids.map((publicId) => found.get(publicId)?.status),
      ['active', 'revoked', 'deprecated', 'revoked'],
    );
    assert.equal(found.size, 4);
    assert.equal(found.get(keys.rotated.publicId)?.expiresAtMs, NOW_MS + 5_000);
    assert.deepEqual(await loadCredentials(db, [], {}), new Map());
  });
});

forEachDatabase('the hash of a key under a new pepper', (open) => {
  test('takes the place of the one that it was made for, and of no other', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { apiKey } = (await control.call('POST', '/api/v1/keys', { body: { name: 'k' } })).body.data;
    const publicId = parsePublicId(apiKey) ?? '';
    const was = (await loadCredential(db, publicId, {}))?.hash ?? new Uint8Array();
    const hash = new Uint8Array(hashKeyText(apiKey, 'the new pepper'));
    const stored = async (): Promise<unknown> => {
      const credential = await loadCredential(db, publicId, {});
      return [credential?.hash, credential?.pepper];
    };
    await saveRehash(db, { publicId, was, hash, pepper: 'new' });
    assert.deepEqual(await stored(), [hash, 'new']);
    // As a second thread would bring it, and as somebody would who knew an older hash.
    await saveRehash(db, { publicId, was, hash: was, pepper: 'old' });
    await saveRehash(db, { publicId: 'unknown', was: hash, hash: was, pepper: 'old' });
    assert.deepEqual(await stored(), [hash, 'new']);
  });
});

forEachDatabase('the snapshot', (open) => {
  test('of an empty store is the management API alone', async () => {
    const { db } = await open();
    const { management } = createTestControl({ db }).services;
    assert.deepEqual(await loadSnapshot(db, management), { version: 0, gateways: [management] });
  });

  test('is refused as a whole when a stored revision cannot be read', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const made = await control.call('POST', '/api/v1/gateways', { body: { name: 'x' } });
    await control.call('POST', `/api/v1/gateways/${made.body.data.id}/deploy`);
    await db
      .updateTable('revisions')
      .set({ config: toJson<unknown>({ from: 'the future' }) })
      .execute();
    await assert.rejects(
      loadSnapshot(db, control.services.management),
      /a deployed revision cannot be read: gateways\[1\]/,
    );
  });
});
