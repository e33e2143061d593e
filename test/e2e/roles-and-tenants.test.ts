// Operators, roles and tenants, as the integration guide (S2) and the architecture of the management system (S4) tell of them: a whole
// Tollgate, called as its users call it.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { after, before, it } from 'node:test';
import { sql } from 'kysely';
import { openDatabase } from '../../src/db/open.ts';
import { createApi, type Answer, type Api, type Json } from '../harness/api.ts';
import { forEachDatabaseUrl, withPostgresUrl } from '../harness/databases.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';

// Of the guide, "Creating API Keys".
const SERVICE_KEY = {
  name: 'Service API Key',
  owner: 'Example Service',
  scopes: ['read:data', 'write:data'],
  expiresInDays: 365,
};

forEachDatabaseUrl('operators, roles and tenants', (databaseUrl) => {
  const env = (): Record<string, string> =>
    databaseUrl() === undefined ? {} : { TOLLGATE_DATABASE_URL: databaseUrl() ?? '' };
  const operators = new Map<string, { readonly id: string; readonly api: Api }>();
  let upstream: Server;
  let upstreamUrl = '';
  let sandbox: Sandbox;
  let tollgate: RunningTollgate;
  let admin: Api;

  before(async () => {
    upstream = createServer((_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const address = upstream.address();
    upstreamUrl = typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
    sandbox = await createSandbox();
    tollgate = await sandbox.start(env());
  });

  after(async () => {
    await sandbox.remove();
    upstream.close();
  });

  const hire = async (role: string, as: Api = admin, tenantId?: string): Promise<{ id: string; api: Api }> => {
    const email = `${role.toLowerCase()}-${randomBytes(3).toString('hex')}@example.com`;
    const made = await as.call('POST', '/api/v1/operators', { name: role, email, role, ...(tenantId && { tenantId }) });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    return { id: made.body.data.id, api: createApi(tollgate.url, made.body.data.apiKey) };
  };

  it('initializes the first admin, and takes an existing admin key to create new admin users', async () => {
    const setup = await createApi(tollgate.url).call('POST', '/setup', {
      name: 'Super Admin',
      email: 'admin@example.com',
    });
    assert.equal(setup.status, 201);
    admin = createApi(tollgate.url, setup.body.key);
    for (const role of ['SUPER_ADMIN', 'KEY_ADMIN', 'KEY_VIEWER', 'USER_ADMIN', 'SUPPORT']) {
      operators.set(role, await hire(role));
    }
  });

  // The guide's table of predefined roles, and the calls that it shows.
  const may: readonly [role: string, create: number, list: number, logs: number, users: number][] = [
    ['SUPER_ADMIN', 201, 200, 200, 200],
    ['KEY_ADMIN', 201, 200, 403, 403],
    ['KEY_VIEWER', 403, 200, 403, 403],
    ['USER_ADMIN', 403, 403, 403, 200],
    ['SUPPORT', 403, 200, 200, 403],
  ];
  for (const [role, create, list, logs, users] of may) {
    it(`lets ${role} do what the guide says, and answers "permission denied" to the rest`, async () => {
      const api = operators.get(role)?.api ?? admin;
      const created = await api.call('POST', '/keys', SERVICE_KEY);
      assert.equal(created.status, create, JSON.stringify(created.body));
      const id = created.body.id ?? 'key_1a2b3c4d5e6f';
      assert.equal((await api.call('GET', '/keys')).status, list);
      assert.equal((await api.call('GET', `/keys/${id}`)).status, list === 200 && create !== 201 ? 404 : list);
      assert.equal((await api.call('DELETE', `/keys/${id}`)).status, create === 201 ? 200 : 403);
      assert.equal((await api.call('GET', '/api/v1/requests?status=401')).status, logs);
      assert.equal((await api.call('GET', '/api/v1/operators')).status, users);
      if (create === 403) assert.equal(created.body.code, 'insufficient_scope');
    });
  }

  it('makes a role of its own, bounded by its maker, and gives it to an operator', async () => {
    const role = {
      name: 'AUDITOR',
      description: 'Reads keys and logs',
      permissions: ['admin:keys:read', 'admin:logs:*'],
    };
    assert.equal((await admin.call('POST', '/api/v1/roles', role)).status, 201);
    const { api, id } = await hire('AUDITOR');
    assert.equal((await api.call('GET', '/keys')).status, 200);
    assert.equal((await api.call('GET', '/api/v1/requests')).status, 200);
    assert.equal((await api.call('POST', '/keys', SERVICE_KEY)).status, 403);
    const inUse = await admin.call('DELETE', '/api/v1/roles/AUDITOR');
    assert.equal(inUse.body.code, 'role_in_use');
    await admin.call('PUT', '/api/v1/roles/AUDITOR', { permissions: ['admin:keys:*'] });
    for (let i = 0; i < 6; i++) assert.equal((await api.call('POST', '/keys', SERVICE_KEY)).status, 201, 'at once');
    await admin.call('PUT', `/api/v1/operators/${id}`, { role: 'KEY_VIEWER' });
    for (let i = 0; i < 6; i++) assert.equal((await api.call('POST', '/keys', SERVICE_KEY)).status, 403, 'at once');
  });

  it('stops an operator’s keys at once, on every thread, when they are suspended or deleted', async () => {
    const { api, id } = await hire('KEY_VIEWER');
    for (let i = 0; i < 6; i++) assert.equal((await api.call('GET', '/keys')).status, 200);
    await admin.call('PUT', `/api/v1/operators/${id}`, { status: 'suspended' });
    for (let i = 0; i < 6; i++) assert.equal((await api.call('GET', '/keys')).body.code, 'operator_suspended');
    await admin.call('PUT', `/api/v1/operators/${id}`, { status: 'active' });
    for (let i = 0; i < 6; i++) assert.equal((await api.call('GET', '/keys')).status, 200);
    await admin.call('DELETE', `/api/v1/operators/${id}`);
    for (let i = 0; i < 6; i++) assert.equal((await api.call('GET', '/keys')).body.code, 'key_revoked');
  });

  it('keeps tenants apart: management, keys, gateways and logs', async () => {
    const tenants = new Map<string, { id: string; api: Api; service: Api }>();
    for (const slug of ['pulss', 'acme']) {
      const { body } = await admin.call('POST', '/api/v1/tenants', { name: slug, slug });
      const { api } = await hire('SUPER_ADMIN', admin, body.data.id);
      const gateway = await api.call('POST', '/api/v1/gateways', {
        // Two tenants may call theirs alike.
        name: 'shop',
        routePrefix: `/${slug}`,
        upstreamServices: [{ name: 'shop', targets: [{ url: upstreamUrl }] }],
      });
      assert.equal(gateway.status, 201, JSON.stringify(gateway.body));
      const path = `/api/v1/gateways/${gateway.body.data.id}`;
      await api.call('POST', `${path}/endpoints`, { method: 'GET', path: '/products' });
      assert.equal((await api.call('POST', `${path}/deploy`)).status, 200);
      const key = await api.call('POST', '/api/v1/keys', { name: `${slug} service` });
      tenants.set(slug, { id: body.data.id, api, service: createApi(tollgate.url, key.body.data.apiKey) });
    }
    const [pulss, acme] = [tenants.get('pulss'), tenants.get('acme')];
    assert.ok(pulss !== undefined && acme !== undefined);

    assert.equal((await pulss.service.call('GET', '/pulss/products')).body, 'hello');
    const strange = await pulss.service.call('GET', '/acme/products');
    assert.deepEqual([strange.status, strange.body.code], [404, 'route_not_found']);
    assert.equal((await admin.call('GET', '/acme/products')).status, 404, 'not even the platform’s own key');

    for (const { api, id } of tenants.values()) {
      const keys = await api.call('GET', '/api/v1/keys');
      assert.equal(keys.body.meta.total, 2);
      assert.equal((await api.call('GET', '/api/v1/gateways')).body.meta.total, 1);
      assert.deepEqual((await api.call('GET', '/api/v1/tenants')).body.data.length, 1);
      assert.equal((await api.call('GET', '/api/v1/operators')).body.meta.total, 1);
      const acting = await admin.call('GET', '/api/v1/keys', undefined, { 'X-Tenant-Id': id });
      const idsOf = (answer: Answer): string[] => answer.body.data.map((one: Json) => one.id);
      assert.deepEqual(idsOf(acting), idsOf(keys));
      const other: string = id === acme.id ? pulss.id : acme.id;
      assert.equal((await api.call('GET', '/api/v1/keys', undefined, { 'X-Tenant-Id': other })).status, 404);
      assert.equal((await api.call('GET', `/api/v1/tenants/${other}`)).status, 404);
      const attempts = await api.call('GET', '/api/v1/requests?path=/acme/products');
      assert.equal(
        attempts.body.meta.total,
        id === acme.id ? 2 : 0,
        'the failed attempts stand in the log of whom they met',
      );
    }

    const suspend = (status: string) => admin.call('PUT', `/api/v1/tenants/${acme.id}`, { status });
    await suspend('suspended');
    for (let i = 0; i < 6; i++) {
      const stopped: Answer = await acme.api.call('GET', '/api/v1/keys');
      assert.deepEqual([stopped.status, stopped.body.code], [403, 'tenant_suspended']);
      assert.equal((await acme.service.call('GET', '/acme/products')).status, 404);
    }
    assert.equal((await pulss.service.call('GET', '/pulss/products')).status, 200);
    await suspend('active');
    for (let i = 0; i < 6; i++) assert.equal((await acme.service.call('GET', '/acme/products')).status, 200);
    await admin.call('DELETE', `/api/v1/tenants/${acme.id}`);
    for (let i = 0; i < 6; i++) assert.equal((await acme.api.call('GET', '/api/v1/keys')).status, 401);
  });

  it('leaves no error in the log', () => {
    assert.doesNotMatch(tollgate.log(), /"level":(50|60)/);
  });
});

withPostgresUrl('a database user who may not create roles', (databaseUrl) => {
  it('is refused at the start, in one line that tells an administrator what to run, and works once that was done', async () => {
    const user = `tollgate_test_${randomBytes(6).toString('hex')}`;
    const database = await openDatabase({ databaseUrl: databaseUrl(), dataDir: '' });
    const sandbox = await createSandbox();
    try {
      await sql
        .raw(`create role ${user} login password '${user}'; grant all on schema public to ${user}`)
        .execute(database.db);
      const url = new URL(databaseUrl());
      url.username = user;
      url.password = user;
      const refused = await sandbox.run(['start'], { TOLLGATE_DATABASE_URL: url.href });
      assert.equal(refused.code, 2);
      const [line, ...rest] = refused.log.trim().split('\n');
      assert.deepEqual(rest, []);
      assert.match(line ?? '', /^tollgate: DATABASE_URL: the user "tollgate_test_\w+" may not make the role/);
      const [, remedy = ''] = /prepare the role with (.*)$/.exec(line ?? '') ?? [];
      await sql.raw(remedy).execute(database.db);
      const tollgate = await sandbox.start({ TOLLGATE_DATABASE_URL: url.href });
      const made = await createApi(tollgate.url).call('POST', '/setup', { name: 'Ada', email: 'ada@example.com' });
      const listed = await createApi(tollgate.url, made.body.key).call('GET', '/api/v1/keys');
      assert.deepEqual([listed.status, listed.body.meta?.total], [200, 1]);
      await tollgate.kill();
    } finally {
      await sandbox.remove();
      await sql.raw(`drop owned by ${user} cascade; drop role ${user}`).execute(database.db);
      await database.close();
    }
  });
});
