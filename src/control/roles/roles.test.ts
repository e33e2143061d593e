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
import { principalOf } from '../../../test/harness/principal.ts';

const BUILT_IN = ['KEY_ADMIN', 'KEY_VIEWER', 'SUPER_ADMIN', 'SUPPORT', 'USER_ADMIN'];

async function make(control: TestControl, name: string, permissions: readonly string[]): Promise<void> {
  const answer = await control.call('POST', '/api/v1/roles', { body: { name, permissions } });
  assert.equal(answer.status, 201, answer.text);
}

forEachDatabase('roles', (open) => {
  test('that every tenant has are the five of the guide', async () => {
    const control = createTestControl(await open());
    const { body } = await control.call('GET', '/api/v1/roles');
    const rows = body.data.map(
      (role: { name: string; description: string; permissions: string[]; isBuiltIn: boolean }) => [
        role.name,
        role.description,
        role.permissions.join(),
        role.isBuiltIn,
      ],
    );
    assert.deepEqual(rows, [
      ['KEY_ADMIN', 'Can manage API keys', 'admin:keys:*', true],
      ['KEY_VIEWER', 'Can only view API keys', 'admin:keys:read', true],
      ['SUPER_ADMIN', 'Full system access', '*', true],
      ['SUPPORT', 'Limited read-only access', 'admin:keys:read,admin:logs:read', true],
      ['USER_ADMIN', 'Can manage admin users', 'admin:users:*', true],
    ]);
    assert.deepEqual(body.meta, { page: 1, pageSize: 20, total: 5, nextCursor: null });
  });

  test('of a tenant’s own are made, looked at, changed and deleted', async () => {
    const control = createTestControl(await open());
    const body = {
      name: 'AUDITOR',
      description: 'Reads everything',
      permissions: ['admin:logs:read', 'read:requests'],
    };
    const made = await control.call('POST', '/api/v1/roles', { body });
    const times = { createdAt: new Date(NOW_MS).toISOString(), updatedAt: new Date(NOW_MS).toISOString() };
    assert.deepEqual([made.status, made.body.data], [201, { ...body, isBuiltIn: false, ...times }]);
    assert.deepEqual((await control.call('GET', '/api/v1/roles/AUDITOR')).body.data, made.body.data);
    const change = { permissions: ['admin:logs:*'], description: null };
    const changed = await control.call('PUT', '/api/v1/roles/AUDITOR', { body: change });
    assert.deepEqual(changed.body.data, { name: 'AUDITOR', permissions: ['admin:logs:*'], isBuiltIn: false, ...times });
    const removed = await control.call('DELETE', '/api/v1/roles/AUDITOR');
    assert.deepEqual(removed.body.data, { name: 'AUDITOR', deleted: true });
    assert.equal((await control.call('GET', '/api/v1/roles/AUDITOR')).status, 404);
  });

  test('are listed by name, each exactly once, by page and by cursor, either way', async () => {
    const control = createTestControl(await open());
    for (const name of ['AUDITOR', 'ZEBRA', 'Mid']) await make(control, name, ['keys:read']);
    const names = [...BUILT_IN, 'AUDITOR', 'ZEBRA', 'Mid'].toSorted();
    for (const order of ['asc', 'desc'] as const) {
      const expected = order === 'asc' ? names : names.toReversed();
      const byPage: string[] = [];
      for (const page of [1, 2, 3]) {
        const { body } = await control.call('GET', `/api/v1/roles?page=${page}&pageSize=3&sortOrder=${order}`);
        byPage.push(...body.data.map(({ name }: { name: string }) => name));
      }
      assert.deepEqual(byPage, expected);
      const byCursor: string[] = [];
      for (let cursor = ''; ;) {
        const { body } = await control.call('GET', `/api/v1/roles?limit=3&sortOrder=${order}${cursor}`);
        byCursor.push(...body.data.map(({ name }: { name: string }) => name));
        if (body.meta.nextCursor === null) break;
        cursor = `&cursor=${body.meta.nextCursor}`;
      }
      assert.deepEqual(byCursor, expected);
    }
    const found = await control.call('GET', '/api/v1/roles?search=view');
    assert.deepEqual([found.body.data.length, found.body.meta.total], [1, 1]);
  });

  test('that every tenant has are nobody’s to change, delete or make again', async () => {
    const control = createTestControl(await open());
    for (const name of BUILT_IN) {
      for (const [method, body] of [['PUT', { permissions: ['*'] }], ['DELETE']] as const) {
        const answer = await control.call(method, `/api/v1/roles/${name}`, { body });
        assert.deepEqual([answer.status, answer.body.code], [409, 'role_built_in']);
      }
      for (const spelling of [name, name.toLowerCase()]) {
        const answer = await control.call('POST', '/api/v1/roles', { body: { name: spelling, permissions: ['*'] } });
        assert.deepEqual([answer.status, answer.body.code], [409, 'name_taken']);
      }
    }
  });

  test('have names of their own, whatever their letters’ case', async () => {
    const control = createTestControl(await open());
    await make(control, 'AUDITOR', ['keys:read']);
    const answer = await control.call('POST', '/api/v1/roles', {
      body: { name: 'auditor', permissions: ['keys:read'] },
    });
    assert.deepEqual([answer.status, answer.body.code], [409, 'name_taken']);
  });

  test('never hold what their maker does not', async () => {
    const control = createTestControl(await open());
    const as = operatorPrincipal({ scopes: ['admin:roles:*', 'admin:keys:*', 'requests:read'] });
    const sound = ['admin:keys:read', 'admin:keys:*', 'admin:keys:write', 'read:requests', 'admin:roles:create'];
    const made = await control.call('POST', '/api/v1/roles', { as, body: { name: 'SOUND', permissions: sound } });
    assert.equal(made.status, 201, made.text);
    const beyond = ['*', 'admin:*', 'admin:users:read', 'requests:*', 'requests:write', 'orders:read', 'keys:read'];
    const refusals = [
      control.call('POST', '/api/v1/roles', {
        as,
        body: { name: 'BEYOND', permissions: ['admin:keys:read', ...beyond] },
      }),
      control.call('PUT', '/api/v1/roles/SOUND', { as, body: { permissions: ['admin:keys:read', ...beyond] } }),
    ];
    for (const answer of await Promise.all(refusals)) {
      assert.deepEqual([answer.status, answer.body.code], [403, 'scope_not_grantable']);
      assert.deepEqual(
        answer.body.errors.map(({ path }: { path: string }) => path),
        beyond.map((_, i) => `body.permissions[${i + 1}]`),
      );
    }
    assert.deepEqual((await control.call('GET', '/api/v1/roles/SOUND')).body.data.permissions, sound);
  });

  test('that hold more than the caller are out of reach, also to make them less', async () => {
    const control = createTestControl(await open());
    await make(control, 'MIGHTY', ['admin:keys:*', 'admin:tenants:*']);
    const as = operatorPrincipal({ scopes: ['admin:roles:*', 'admin:keys:*'] });
    for (const [method, body] of [
      ['PUT', { permissions: ['admin:keys:read'] }],
      ['PUT', { description: 'mine' }],
      ['DELETE'],
    ] as const) {
      const answer = await control.call(method, '/api/v1/roles/MIGHTY', { as, body });
      assert.deepEqual([answer.status, answer.body.code], [403, 'beyond_reach']);
      assert.match(answer.body.detail, /admin:tenants:\*/);
    }
  });

  test('hold for their operators’ keys at once when they change', async () => {
    const control = createTestControl(await open());
    await make(control, 'AUDITOR', ['admin:logs:read']);
    const body = { name: 'Bo', email: 'bo@example.com', role: 'AUDITOR' };
    const { apiKey } = (await control.call('POST', '/api/v1/operators', { body })).body.data;
    assert.deepEqual((await principalOf(control, apiKey)).scopes, ['admin:logs:read']);
    await control.call('PUT', '/api/v1/roles/AUDITOR', { body: { permissions: ['read:keys', 'admin:users:*'] } });
    assert.deepEqual((await principalOf(control, apiKey)).scopes, ['keys:read', 'admin:users:*']);
    assert.equal(control.dataPlane.forgotten.at(-1), 'all');
  });

  test('stay as long as an operator has them', async () => {
    const control = createTestControl(await open());
    await make(control, 'AUDITOR', ['admin:logs:read']);
    const body = { name: 'Bo', email: 'bo@example.com', role: 'AUDITOR' };
    const { id } = (await control.call('POST', '/api/v1/operators', { body })).body.data;
    const answer = await control.call('DELETE', '/api/v1/roles/AUDITOR');
    assert.deepEqual([answer.status, answer.body.code], [409, 'role_in_use']);
    await control.call('DELETE', `/api/v1/operators/${id}`);
    assert.equal((await control.call('DELETE', '/api/v1/roles/AUDITOR')).status, 200);
  });

  test('go to no operator while they are being deleted', async () => {
    const control = createTestControl(await open());
    await make(control, 'AUDITOR', ['admin:logs:read']);
    const [operator, role] = await Promise.all([
      control.call('POST', '/api/v1/operators', { body: { name: 'Bo', email: 'bo@example.com', role: 'AUDITOR' } }),
      control.call('DELETE', '/api/v1/roles/AUDITOR'),
    ]);
    assert.ok(['201 409', '400 200'].includes(`${operator.status} ${role.status}`), `${operator.text} ${role.text}`);
  });

  test('are refused with every fault at once, a misspelt permission too', async () => {
    const control = createTestControl(await open());
    const body = { name: '1 role', permissions: ['admin:key:read', 'NOT ONE', 'admin:wombats:read', 'admin:*'], x: 1 };
    const { status, body: problem } = await control.call('POST', '/api/v1/roles', { body });
    assert.equal(status, 400);
    const faults = new Map(
      problem.errors.map(({ path, message }: { path: string; message: string }) => [path, message]),
    );
    assert.deepEqual([...faults.keys()].toSorted(), ['body.name', 'body.permissions[1]', 'body.x']);

    const misspelt = await control.call('POST', '/api/v1/roles', {
      body: { name: 'ROLE', permissions: ['admin:key:read', 'admin:wombats:read', 'admin:*'] },
    });
    assert.deepEqual(misspelt.body.errors, [
      { path: 'body.permissions[0]', message: 'names nothing that Tollgate knows; did you mean admin:keys?' },
      {
        path: 'body.permissions[1]',
        message:
          'names nothing that Tollgate knows; the resources are clients, gateways, keys, logs, rate-limits, roles, system, tenants, users',
      },
    ]);
    const actions = [
      'keys:raed',
      'keys',
      'keys:frobnicate',
      'logs:delete',
      '*:read',
      'keys:read:all',
      'clients:approve',
    ];
    const wrong = await control.call('POST', '/api/v1/roles', {
      body: { name: 'ROLE', permissions: actions.map((rest) => `admin:${rest}`) },
    });
    const usual = 'create, delete, read, update, write, *';
    const known = 'clients, gateways, keys, logs, rate-limits, roles, system, tenants, users';
    assert.deepEqual(
      wrong.body.errors.map(({ path, message }: { path: string; message: string }) => `${path} ${message}`),
      [
        'body.permissions[0] names nothing that Tollgate knows; did you mean admin:keys:read?',
        `body.permissions[1] names nothing that Tollgate knows; what can be done with keys is verify, ${usual}`,
        `body.permissions[2] names nothing that Tollgate knows; what can be done with keys is verify, ${usual}`,
        'body.permissions[3] names nothing that Tollgate knows; what can be done with logs is read, *',
        `body.permissions[4] names nothing that Tollgate knows; the resources are ${known}`,
        `body.permissions[5] names nothing that Tollgate knows; what can be done with keys is verify, ${usual}`,
      ],
    );
    for (const permissions of [[], ['keys:read', 'keys:read'], Array.from({ length: 101 }, (_, i) => `a:b${i}`)]) {
      assert.equal((await control.call('POST', '/api/v1/roles', { body: { name: 'X', permissions } })).status, 400);
    }
  });

  test('are at most a hundred of a tenant’s own', async () => {
    const control = createTestControl(await open());
    for (let i = 0; i < 100; i++) await make(control, `ROLE_${i}`, ['keys:read']);
    const answer = await control.call('POST', '/api/v1/roles', {
      body: { name: 'ONE_MORE', permissions: ['keys:read'] },
    });
    assert.deepEqual([answer.status, answer.body.errors[0].path], [400, 'body']);
  });

  test('are for holders of the permission only; whoever makes operators may read them', async () => {
    const control = createTestControl(await open());
    const callers = [
      { as: keyPrincipal(['admin:users:read']), reads: 200, makes: 403 },
      { as: keyPrincipal(['roles:read']), reads: 200, makes: 403 },
      { as: keyPrincipal(['admin:roles:*', 'keys:read']), reads: 200, makes: 201 },
      { as: keyPrincipal(['admin:keys:*']), reads: 403, makes: 403 },
      { as: null, reads: 401, makes: 401 },
    ];
    for (const { as, reads, makes } of callers) {
      assert.equal((await control.call('GET', '/api/v1/roles', { as })).status, reads);
      assert.equal((await control.call('GET', '/api/v1/roles/SUPPORT', { as })).status, reads);
      const body = { name: 'READER', permissions: ['keys:read'] };
      assert.equal((await control.call('POST', '/api/v1/roles', { as, body })).status, makes);
    }
  });
});
