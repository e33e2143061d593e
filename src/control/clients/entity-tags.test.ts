// One client, and one key, under two names: their tags hold under both.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';

const CLIENT = { name: 'Acme', contactEmail: 'ada@example.com' };

forEachDatabase('the ETag of a client', (open) => {
  test('read under one name lets a change through under the other, and a stale one stops it', async () => {
    const control = createTestControl(await open());
    const made = await control.call('POST', '/api/v1/api-clients', { body: CLIENT });
    const { id } = made.body.data;
    await control.call('POST', '/api/v1/api-keys', { body: { name: 'x', clientId: id } });
    const shown = await control.call('GET', `/api/v1/clients/${id}`);
    const tag = String(shown.headers['etag']);
    const headers = { 'if-match': tag };
    const changed = await control.call('PUT', `/api/v1/api-clients/${id}`, { body: { name: 'Apex' }, headers });
    assert.equal(changed.status, 200);
    const late = await control.call('PUT', `/api/v1/clients/${id}`, { body: { clientName: 'Late' }, headers });
    assert.deepEqual([late.status, late.body.code], [412, 'precondition_failed']);
  });

  test('tells that a key was made, yet does not stand in the way of a change', async () => {
    const control = createTestControl(await open());
    const { id } = (await control.call('POST', '/api/v1/api-clients', { body: CLIENT })).body.data;
    const path = `/api/v1/clients/${id}`;
    const tag = String((await control.call('GET', path)).headers['etag']);
    await control.call('POST', '/api/v1/api-keys', { body: { name: 'x', clientId: id } });
    const shown = await control.call('GET', path, { headers: { 'if-none-match': tag } });
    assert.deepEqual([shown.status, shown.body.data.credentials.length], [200, 1]);
    const changed = await control.call('PUT', path, { body: { clientName: 'Apex' }, headers: { 'if-match': tag } });
    assert.equal(changed.status, 200);
  });

  test('has a like in that of its key: one under both names, and a stale one revokes nothing', async () => {
    const control = createTestControl(await open());
    const { id } = (await control.call('POST', '/api/v1/api-clients', { body: CLIENT })).body.data;
    const key = (await control.call('POST', '/api/v1/api-keys', { body: { name: 'x', clientId: id } })).body.data;
    const [byClient, byId] = [`/api/v1/api-clients/${id}/api-keys/${key.id}`, `/api/v1/keys/${key.id}`];
    const tag = String((await control.call('GET', byClient)).headers['etag']);
    assert.equal((await control.call('GET', byId)).headers['etag'], tag);
    await control.call('PUT', byId, { body: { name: 'y' } });
    assert.equal((await control.call('DELETE', byClient, { headers: { 'if-match': tag } })).status, 412);
    assert.equal((await control.call('GET', byId)).body.data.status, 'active');
  });
});
