// Where operators, clients, acting in another tenant and repeated calls meet.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, keyPrincipal, operatorPrincipal } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { credentialOf, principalOf } from '../../../test/harness/principal.ts';

const BOB = { name: 'Bob', email: 'bob@example.com', role: 'KEY_ADMIN' };

forEachDatabase('the boundaries', (open) => {
  test('the key of a client makes and changes no operator, role or password, whatever its scopes', async () => {
    const control = createTestControl(await open());
    const { id } = (await control.call('POST', '/api/v1/operators', { body: BOB })).body.data;
    await control.call('POST', '/api/v1/roles', { body: { name: 'MINE', permissions: ['keys:read'] } });
    const calls: [method: string, path: string, body?: object][] = [
      ['POST', '/operators', { ...BOB, email: 'eve@example.com', role: 'SUPER_ADMIN' }],
      ['PUT', `/operators/${id}`, { role: 'SUPER_ADMIN' }],
      ['DELETE', `/operators/${id}`],
      ['POST', `/operators/${id}/keys`, { name: 'x' }],
      ['PUT', `/operators/${id}/password`, { password: 'a long enough one' }],
      ['POST', '/roles', { name: 'EVERYTHING', permissions: ['*'] }],
      ['PUT', '/roles/MINE', { permissions: ['*'] }],
      ['DELETE', '/roles/MINE'],
    ];
    const as = keyPrincipal(['*'], { clientId: 'cli_1' });
    for (const [method, path, body] of calls) {
      const answer = await control.call(method, `/api/v1${path}`, { as, ...(body !== undefined && { body }) });
      assert.deepEqual([answer.status, answer.body.code], [403, 'insufficient_scope'], `${method} ${path}`);
    }
  });

  test('an operator is made once for a tenant that only the body names, and the key is shown again', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const tenant = await control.call('POST', '/api/v1/tenants', { body: { name: 'Acme', slug: 'acme' } });
    const tenantId = tenant.body.data.id;
    const order = { body: { ...BOB, tenantId }, headers: { 'idempotency-key': 'once' } };
    const first = await control.call('POST', '/api/v1/operators', order);
    const second = await control.call('POST', '/api/v1/operators', order);
    assert.deepEqual([first.status, second.status, second.text], [201, 201, first.text]);
    const made = await db.selectFrom('operators').select('id').where('tenant_id', '=', tenantId).execute();
    assert.equal(made.length, 1);
    const entries = await db.selectFrom('audit_logs').select('action').where('tenant_id', '=', tenantId).execute();
    assert.deepEqual(entries.map(({ action }) => action).toSorted(), ['key.create', 'operator.create']);
  });

  test('nobody gets the key of an operator who may do more by rotating it', async () => {
    const control = createTestControl(await open());
    const admin = await control.call('POST', '/api/v1/operators', { body: { ...BOB, role: 'SUPER_ADMIN' } });
    const keys = `/api/v1/operators/${admin.body.data.id}/keys`;
    const small = await control.call('POST', keys, { body: { name: 'x', scopes: ['admin:keys:read'] } });
    const path = `/api/v1/keys/${small.body.data.keyId}/rotate`;
    const as = operatorPrincipal({ operatorId: 'usr_eve', scopes: ['admin:keys:*', 'admin:users:*'] });
    const answer = await control.call('POST', path, { as, body: {} });
    assert.deepEqual([answer.status, answer.body.code], [403, 'beyond_reach']);
    assert.equal((await credentialOf(control, small.body.data.apiKey))?.status, 'active');
  });

  test('a key that may do less than its operator rotates itself, and no other key of the operator', async () => {
    const control = createTestControl(await open());
    const bob = (await control.call('POST', '/api/v1/operators', { body: BOB })).body.data;
    const keys = `/api/v1/operators/${bob.id}/keys`;
    const body = { name: 'small', scopes: ['admin:keys:update'] };
    const small = (await control.call('POST', keys, { body })).body.data;
    const as = await principalOf(control, small.apiKey);
    const other = await control.call('POST', `/api/v1/keys/${bob.keyId}/rotate`, { as, body: {} });
    assert.deepEqual([other.status, other.body.code], [403, 'scope_not_grantable']);
    assert.equal((await control.call('POST', `/api/v1/keys/${small.id}/rotate`, { as, body: {} })).status, 200);
  });

  test('a key of a suspended operator is not valid for whoever asks about it', async () => {
    const control = createTestControl(await open());
    const bob = (await control.call('POST', '/api/v1/operators', { body: BOB })).body.data;
    const ask = { as: null, body: { key: bob.apiKey } };
    assert.equal((await control.call('POST', '/api/v1/validate', ask)).body.data.isValid, true);
    await control.call('PUT', `/api/v1/operators/${bob.id}`, { body: { status: 'suspended' } });
    const answer = await control.call('POST', '/api/v1/validate', ask);
    assert.deepEqual(answer.body.data, { isValid: false, reason: 'revoked' });
  });
});
