import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, type TestControl } from '../../test/harness/control.ts';
import { forEachDatabase } from '../../test/harness/databases.ts';
import { newId } from '../lib/id.ts';

const UNDEFINED = ['shop:read', 'orders:delete', 'order:read', 'read:reports'];

/** An endpoint, still a draft, that requires two scopes; another tenant's requires another one. */
async function defineScopes(control: TestControl): Promise<void> {
  const tenant = await control.call('POST', '/api/v1/tenants', { body: { name: 'x', slug: 'x' } });
  for (const [headers, requiredScopes] of [
    [{}, ['orders:read', 'write:carts']],
    [{ 'x-tenant-id': tenant.body.data.id }, ['shop:read']],
  ] as const) {
    const gateway = await control.call('POST', '/api/v1/gateways', { headers, body: { name: newId('gw', 0) } });
    const path = `/api/v1/gateways/${gateway.body.data.id}/endpoints`;
    const made = await control.call('POST', path, { headers, body: { method: 'GET', path: '/x', requiredScopes } });
    assert.equal(made.status, 201, made.text);
  }
}

forEachDatabase('scopes that nobody defined', (open) => {
  test('are given where the setting accepts them', async () => {
    const control = createTestControl(await open());
    const answer = await control.call('POST', '/api/v1/keys', { body: { name: 'k', scopes: UNDEFINED } });
    assert.equal(answer.status, 201);
  });

  test('are refused where the setting says so, each with its path; defined ones, in whatever spelling, are not', async () => {
    const control = createTestControl(await open(), { undefinedScopes: 'refuse' });
    await defineScopes(control);
    const defined = [
      'orders:read',
      'read:orders',
      'orders:*',
      'carts:write',
      '*',
      'keys:read',
      'admin:logs:*',
      'carts:*',
    ];
    const made = await control.call('POST', '/api/v1/keys', { body: { name: 'k', scopes: defined } });
    assert.equal(made.status, 201, made.text);
    const scopes = ['orders:read', ...UNDEFINED];
    const operator = { name: 'Bo', email: 'bo@example.com', role: 'SUPER_ADMIN' };
    const { id } = (await control.call('POST', '/api/v1/operators', { body: operator })).body.data;
    const refusals = [
      ['POST', '/keys', { name: 'k', scopes }, 'body.scopes'],
      ['PUT', `/keys/${made.body.data.id}`, { scopes }, 'body.scopes'],
      ['POST', `/operators/${id}/keys`, { name: 'k', scopes }, 'body.scopes'],
      ['POST', '/roles', { name: 'R', permissions: scopes }, 'body.permissions'],
    ] as const;
    for (const [method, path, body, place] of refusals) {
      const { status, body: problem } = await control.call(method, `/api/v1${path}`, { body });
      const errors = UNDEFINED.map((scope, i) => ({
        path: `${place}[${i + 1}]`,
        message: `${scope} is required by no endpoint; define it there first`,
      }));
      assert.deepEqual([status, problem.errors], [400, errors], path);
    }
  });

  test('stay with whoever has them already', async () => {
    const { db } = await open();
    const lenient = createTestControl({ db });
    const { id } = (await lenient.call('POST', '/api/v1/keys', { body: { name: 'k', scopes: UNDEFINED } })).body.data;
    await lenient.call('POST', '/api/v1/roles', { body: { name: 'R', permissions: UNDEFINED } });
    const strict = createTestControl({ db }, { undefinedScopes: 'refuse' });
    const key = await strict.call('PUT', `/api/v1/keys/${id}`, { body: { scopes: [...UNDEFINED, 'keys:read'] } });
    assert.equal(key.status, 200, key.text);
    const role = await strict.call('PUT', '/api/v1/roles/R', { body: { permissions: UNDEFINED.slice(1) } });
    assert.equal(role.status, 200, role.text);
  });
});
