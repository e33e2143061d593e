import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, NOW_MS } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { toJson } from '../../db/columns.ts';
import { bumpVersion } from '../../db/installation.ts';
import { parsePublicId } from '../../lib/key-text.ts';
import { loadCredential } from './credentials.ts';
import { loadSnapshot } from './snapshots.ts';
import { watchVersion } from './versions.ts';

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
        status: 'active',
        expiresAtMs: NOW_MS + 86_400_000,
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
        { window: 'minute', limit: 60 },
        { window: 'hour', limit: 1_000 },
        { window: 'day', limit: 10_000 },
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
    assert.deepEqual(after.principal.limits, [{ window: 'day', limit: 1 }]);
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
      /a deployed revision cannot be read: \/gateways\/1/,
    );
  });
});

forEachDatabase('the version watch', (open) => {
  test('tells of a change, tries again what failed, and ends when it is told', async () => {
    const { db } = await open();
    const calls: number[] = [];
    const errors: unknown[] = [];
    const done = Promise.withResolvers<void>();
    const watch = watchVersion({
      db,
      since: 0,
      intervalMs: 5,
      async onChange(version) {
        calls.push(version);
        if (calls.length === 1) throw new Error('not yet');
        done.resolve();
      },
      onError: (error) => errors.push(error),
    });
    await bumpVersion(db);
    await done.promise;
    await watch.stop();
    assert.deepEqual(calls, [1, 1]);
    assert.deepEqual(errors.map(String), ['Error: not yet']);
    await bumpVersion(db);
    assert.deepEqual(calls, [1, 1]);
  });
});
