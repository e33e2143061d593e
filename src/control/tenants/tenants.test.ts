import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createTestControl,
  keyPrincipal,
  NOW_MS,
  operatorPrincipal,
  type TestControl,
} from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { credentialOf, principalOf } from '../../../test/harness/principal.ts';
import { DEFAULT_TENANT_ID } from '../../db/schema.ts';
import type { Principal } from '../../gateway/ports.ts';

async function make(control: TestControl, slug: string): Promise<string> {
  const answer = await control.call('POST', '/api/v1/tenants', { body: { name: slug.toUpperCase(), slug } });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data.id;
}

/** Its first operator, as the gateway would know them, and their key. */
async function makeAdmin(control: TestControl, tenantId: string): Promise<{ admin: Principal; apiKey: string }> {
  const body = { name: 'Bo', email: 'bo@example.com', role: 'SUPER_ADMIN', tenantId };
  const answer = await control.call('POST', '/api/v1/operators', { body });
  assert.equal(answer.status, 201, answer.text);
  const { apiKey } = answer.body.data;
  return { apiKey, admin: await principalOf(control, apiKey) };
}

forEachDatabase('tenants', (open) => {
  test('are made, looked at, listed, renamed and deleted by the platform', async () => {
    const control = createTestControl(await open());
    const id = await make(control, 'acme');
    const made = { id, name: 'ACME', slug: 'acme', status: 'active' };
    const times = { createdAt: new Date(NOW_MS).toISOString(), updatedAt: new Date(NOW_MS).toISOString() };
    assert.match(id, /^ten_/);
    assert.deepEqual((await control.call('GET', `/api/v1/tenants/${id}`)).body.data, { ...made, ...times });

    const listed = await control.call('GET', '/api/v1/tenants?search=acm');
    assert.deepEqual([listed.body.data, listed.body.meta.total], [[{ ...made, ...times }], 1]);
    const all = await control.call('GET', '/api/v1/tenants?sortBy=name&sortOrder=asc');
    assert.deepEqual(
      all.body.data.map(({ slug }: { slug: string }) => slug),
      ['acme', 'default'],
    );

    control.setNow(NOW_MS + 1_000);
    const renamed = await control.call('PUT', `/api/v1/tenants/${id}`, {
      body: { name: 'Acme Corp', slug: 'acme-corp' },
    });
    const { name, slug, updatedAt } = renamed.body.data;
    assert.deepEqual([name, slug, updatedAt], ['Acme Corp', 'acme-corp', new Date(NOW_MS + 1_000).toISOString()]);

    assert.deepEqual((await control.call('DELETE', `/api/v1/tenants/${id}`)).body.data, { id, deleted: true });
    for (const [method, body] of [['GET'], ['PUT', { name: 'x' }], ['DELETE']] as const) {
      assert.equal((await control.call(method, `/api/v1/tenants/${id}`, { body })).status, 404, method);
    }
    assert.equal((await control.call('GET', '/api/v1/tenants')).body.meta.total, 1);
    // What was deleted holds no name.
    await make(control, 'acme-corp');
  });

  test('have slugs of their own', async () => {
    const control = createTestControl(await open());
    const id = await make(control, 'acme');
    await make(control, 'other');
    const again = await control.call('POST', '/api/v1/tenants', { body: { name: 'x', slug: 'other' } });
    assert.deepEqual([again.status, again.body.code], [409, 'name_taken']);
    const taken = await control.call('PUT', `/api/v1/tenants/${id}`, { body: { slug: 'default' } });
    assert.deepEqual([taken.status, taken.body.code], [409, 'name_taken']);
  });

  test('are refused with every fault at once', async () => {
    const control = createTestControl(await open());
    const answer = await control.call('POST', '/api/v1/tenants', { body: { slug: 'No Slug', naem: 'x', name: '' } });
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.body.errors.map(({ path }: { path: string }) => path).toSorted(), [
      'body.naem',
      'body.name',
      'body.slug',
    ]);
    for (const slug of ['a--b', '-a', 'a-', '1a', 'ä', 'a_b', 'a'.repeat(51), '']) {
      const { status } = await control.call('POST', '/api/v1/tenants', { body: { name: 'x', slug } });
      assert.equal(status, 400, slug);
    }
    assert.equal((await control.call('PUT', `/api/v1/tenants/x`, { body: { status: 'deleted' } })).status, 400);
  });

  test('see themselves and nobody else, and change nothing of themselves', async () => {
    const control = createTestControl(await open());
    const own = await make(control, 'acme');
    const other = await make(control, 'other');
    const { admin } = await makeAdmin(control, own);
    const { body } = await control.call('GET', '/api/v1/tenants', { as: admin });
    assert.deepEqual([body.data.map(({ id }: { id: string }) => id), body.meta.total], [[own], 1]);
    assert.equal((await control.call('GET', `/api/v1/tenants/${own}`, { as: admin })).status, 200);
    for (const id of [other, DEFAULT_TENANT_ID, 'ten_nobody']) {
      for (const [method, change] of [['GET'], ['PUT', { name: 'x' }], ['DELETE']] as const) {
        const answer = await control.call(method, `/api/v1/tenants/${id}`, { as: admin, body: change });
        assert.deepEqual([answer.status, answer.body.code], [404, 'not_found'], `${method} ${id}`);
      }
    }
    for (const [method, path, change] of [
      ['PUT', `/api/v1/tenants/${own}`, { status: 'active' }],
      ['DELETE', `/api/v1/tenants/${own}`, undefined],
      ['POST', '/api/v1/tenants', { name: 'x', slug: 'x' }],
    ] as const) {
      const answer = await control.call(method, path, { as: admin, body: change });
      assert.deepEqual([answer.status, answer.body.code], [403, 'platform_only'], method);
    }
  });

  test('are not for keys to make, however much they hold: only operators are of the platform', async () => {
    const control = createTestControl(await open());
    const id = await make(control, 'acme');
    const as = keyPrincipal(['*']);
    assert.equal((await control.call('POST', '/api/v1/tenants', { as, body: { name: 'x', slug: 'x' } })).status, 403);
    assert.equal((await control.call('GET', `/api/v1/tenants/${id}`, { as })).status, 404);
    assert.equal((await control.call('GET', '/api/v1/tenants', { as })).body.meta.total, 1);
  });

  test('stop all their keys at once when they are suspended, and start them again', async () => {
    const control = createTestControl(await open());
    const id = await make(control, 'acme');
    const { admin, apiKey } = await makeAdmin(control, id);
    const key = await control.call('POST', '/api/v1/keys', { as: admin, body: { name: 'k' } });
    const set = async (status: string): Promise<void> => {
      control.dataPlane.forgotten.length = 0;
      const { version } = await control.services.db
        .selectFrom('installation')
        .select('version')
        .executeTakeFirstOrThrow();
      const answer = await control.call('PUT', `/api/v1/tenants/${id}`, { body: { status } });
      assert.deepEqual([answer.status, answer.body.data.status], [200, status]);
      assert.deepEqual(control.dataPlane.forgotten, ['all']);
      assert.ok(
        (control.dataPlane.published.at(-1)?.version ?? 0) > version,
        'the other nodes are told by the version',
      );
    };
    for (const [status, suspended] of [
      ['suspended', 'tenant'],
      ['active', undefined],
    ] as const) {
      await set(status);
      for (const text of [apiKey, key.body.data.apiKey]) {
        assert.equal((await credentialOf(control, text))?.suspended, suspended);
      }
    }
  });

  test('take their gateways off the air when they are suspended, and keep their routes for their return', async () => {
    const control = createTestControl(await open());
    const id = await make(control, 'acme');
    const { admin } = await makeAdmin(control, id);
    await publish(control, admin, '/acme');
    const onAir = () => control.dataPlane.published.at(-1)?.gateways.map(({ routePrefix }) => routePrefix);
    assert.deepEqual(onAir(), ['', '/acme']);
    await control.call('PUT', `/api/v1/tenants/${id}`, { body: { status: 'suspended' } });
    assert.deepEqual(onAir(), ['']);
    const squatter = await publish(control, operatorPrincipal(), '/acme');
    assert.equal(squatter.status, 422);
    assert.doesNotMatch(squatter.text, new RegExp(`${id}|the gateway`));
    await control.call('PUT', `/api/v1/tenants/${id}`, { body: { status: 'active' } });
    assert.deepEqual(onAir(), ['', '/acme']);
  });

  test('stop all their keys, and let go of their routes, when they are deleted', async () => {
    const control = createTestControl(await open());
    const id = await make(control, 'acme');
    const { admin, apiKey } = await makeAdmin(control, id);
    await publish(control, admin, '/acme');
    await control.call('DELETE', `/api/v1/tenants/${id}`);
    assert.equal(await credentialOf(control, apiKey), undefined);
    assert.equal(control.dataPlane.forgotten.at(-1), 'all');
    assert.deepEqual(
      control.dataPlane.published.at(-1)?.gateways.map(({ routePrefix }) => routePrefix),
      [''],
    );
    assert.equal((await publish(control, operatorPrincipal(), '/acme')).status, 200);
  });

  test('keep the one that runs the installation', async () => {
    const control = createTestControl(await open());
    const path = `/api/v1/tenants/${DEFAULT_TENANT_ID}`;
    for (const [method, body] of [['PUT', { status: 'suspended' }], ['DELETE']] as const) {
      const answer = await control.call(method, path, { body });
      assert.deepEqual([answer.status, answer.body.code], [409, 'default_tenant']);
    }
    assert.equal((await control.call('PUT', path, { body: { name: 'Ours' } })).body.data.name, 'Ours');
  });
});

forEachDatabase('acting in another tenant', (open) => {
  test('is what an operator of the platform does with X-Tenant-Id, on every operation alike', async () => {
    const control = createTestControl(await open());
    const id = await make(control, 'acme');
    const headers = { 'x-tenant-id': id };
    const key = await control.call('POST', '/api/v1/keys', { headers, body: { name: 'theirs' } });
    assert.equal(key.status, 201);
    assert.deepEqual((await control.call('GET', '/api/v1/keys')).body.data, []);
    const theirs = await control.call('GET', '/api/v1/keys', { headers });
    assert.deepEqual(
      theirs.body.data.map(({ name }: { name: string }) => name),
      ['theirs'],
    );
    assert.equal((await principalOf(control, key.body.data.apiKey)).tenantId, id);
    // Acting there, the platform sees no more than the tenant: no other tenant, and no way to make one.
    assert.equal((await control.call('GET', '/api/v1/tenants', { headers })).body.meta.total, 1);
    const nested = await control.call('POST', '/api/v1/tenants', { headers, body: { name: 'x', slug: 'x' } });
    assert.equal(nested.body.code, 'platform_only');
  });

  test('is possible in a suspended tenant, and not in a deleted one', async () => {
    const control = createTestControl(await open());
    const id = await make(control, 'acme');
    const headers = { 'x-tenant-id': id };
    await control.call('PUT', `/api/v1/tenants/${id}`, { body: { status: 'suspended' } });
    assert.equal((await control.call('GET', '/api/v1/keys', { headers })).status, 200);
    await control.call('DELETE', `/api/v1/tenants/${id}`);
    assert.equal((await control.call('GET', '/api/v1/keys', { headers })).status, 404);
  });

  test('does not make anybody mightier', async () => {
    const control = createTestControl(await open());
    const headers = { 'x-tenant-id': await make(control, 'acme') };
    const as = operatorPrincipal({ scopes: ['admin:tenants:*', 'admin:keys:read'] });
    assert.equal((await control.call('GET', '/api/v1/keys', { as, headers })).status, 200);
    const refused = await control.call('POST', '/api/v1/keys', { as, headers, body: { name: 'x' } });
    assert.equal(refused.status, 403);
  });

  test('is refused with 404 to everybody else, whether there is such a tenant or not', async () => {
    const control = createTestControl(await open());
    const id = await make(control, 'acme');
    const other = await make(control, 'other');
    const { admin } = await makeAdmin(control, id);
    const strangers = [
      admin,
      keyPrincipal(['*']),
      keyPrincipal(['*'], { tenantId: id }),
      operatorPrincipal({ scopes: ['admin:keys:*', 'admin:tenants:read', 'admin:tenants:write'] }),
    ];
    for (const as of strangers) {
      for (const tenantId of [other, 'ten_nobody', '', '*', `${id}, ${other}`]) {
        const answer = await control.call('GET', '/api/v1/keys', { as, headers: { 'x-tenant-id': tenantId } });
        assert.deepEqual([answer.status, answer.body.code], [404, 'not_found'], tenantId);
      }
      const own = await control.call('GET', '/api/v1/keys', { as, headers: { 'x-tenant-id': as.tenantId } });
      assert.equal(own.status, 200);
    }
    const body = { name: 'x', email: 'x@example.com', role: 'KEY_VIEWER', tenantId: other };
    assert.equal((await control.call('POST', '/api/v1/operators', { as: admin, body })).status, 404);
  });
});

async function publish(control: TestControl, as: Principal, routePrefix: string) {
  const upstreamServices = [{ name: 'echo', targets: [{ url: 'http://127.0.0.1:9' }] }];
  const body = { name: `the gateway ${routePrefix}`, routePrefix, upstreamServices };
  const gateway = await control.call('POST', '/api/v1/gateways', { as, body });
  const path = `/api/v1/gateways/${gateway.body.data.id}`;
  await control.call('POST', `${path}/endpoints`, { as, body: { method: 'GET', path: '/x' } });
  return control.call('POST', `${path}/deploy`, { as });
}
