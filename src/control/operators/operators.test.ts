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
import { parsePublicId } from '../../lib/key-text.ts';
import type { Principal } from '../../gateway/ports.ts';

interface Made {
  readonly id: string;
  readonly apiKey: string;
  readonly keyId: string;
  readonly as: Principal;
}

let made = 0;

async function make(control: TestControl, role: string, as?: Principal): Promise<Made> {
  made += 1;
  const body = { name: `Operator ${made}`, email: `operator${made}@example.com`, role };
  const answer = await control.call('POST', '/api/v1/operators', { body, ...(as !== undefined && { as }) });
  assert.equal(answer.status, 201, answer.text);
  const { id, apiKey, keyId } = answer.body.data;
  return { id, apiKey, keyId, as: await principalOf(control, apiKey) };
}

/** The first operator, as the setup makes them. */
async function setUp(control: TestControl): Promise<Made> {
  const body = { name: 'Super Admin', email: 'admin@example.com' };
  const { id, apiKey, keyId } = (await control.call('POST', '/setup', { as: null, body })).body;
  return { id, apiKey, keyId, as: await principalOf(control, apiKey) };
}

forEachDatabase('operators', (open) => {
  test('are made with their first key, which is shown once and can do what the role permits', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const body = { name: 'Bo', email: 'bo@example.com', role: 'KEY_ADMIN' };
    const answer = await control.call('POST', '/api/v1/operators', { body });
    assert.equal(answer.status, 201);
    const { apiKey, key, keyId, ...operator } = answer.body.data;
    assert.deepEqual(operator, {
      id: operator.id,
      tenantId: 'ten_00000000000000000000000000',
      ...body,
      status: 'active',
      createdAt: new Date(NOW_MS).toISOString(),
      updatedAt: new Date(NOW_MS).toISOString(),
    });
    assert.equal(key, apiKey);
    const { limits, ...principal } = await principalOf(control, apiKey);
    assert.deepEqual(principal, {
      kind: 'operator',
      tenantId: operator.tenantId,
      keyId,
      operatorId: operator.id,
      name: 'Bo',
      scopes: ['admin:keys:*'],
    });
    assert.deepEqual(limits[0], { window: 'minute', limit: 600 });
    assert.deepEqual((await control.call('GET', `/api/v1/operators/${operator.id}`)).body.data, operator);
    assert.deepEqual((await control.call('GET', '/api/v1/operators')).body.data, [operator]);
    const keys = await control.call('GET', '/api/v1/keys?owner=bo@example.com');
    assert.deepEqual([keys.body.data[0].id, keys.body.data[0].operatorId], [keyId, operator.id]);
    const kept = JSON.stringify([
      await db.selectFrom('operators').selectAll().execute(),
      await db.selectFrom('keys').selectAll().execute(),
    ]);
    assert.ok(!`${kept}${control.logged.join('')}${keys.text}`.includes(apiKey.slice(-49)));
  });

  test('are listed with filters, and found by name and address', async () => {
    const control = createTestControl(await open());
    const viewer = await make(control, 'KEY_VIEWER');
    const support = await make(control, 'SUPPORT');
    await control.call('PUT', `/api/v1/operators/${support.id}`, { body: { status: 'suspended', name: 'Zoe' } });
    const cases: readonly [query: string, ids: readonly string[]][] = [
      ['sortBy=createdAt&sortOrder=asc', [viewer.id, support.id].toSorted()],
      ['sortBy=name&sortOrder=desc', [support.id, viewer.id]],
      ['role=SUPPORT', [support.id]],
      ['status=suspended', [support.id]],
      ['status=active&role=SUPPORT', []],
      ['search=ZOE', [support.id]],
      [`search=operator${made - 1}@`, [viewer.id]],
      ['search=%25', []],
    ];
    for (const [query, ids] of cases) {
      const { body } = await control.call('GET', `/api/v1/operators?${query}`);
      assert.deepEqual([body.data.map(({ id }: { id: string }) => id), body.meta.total], [ids, ids.length], query);
    }
  });

  test('have addresses of their own within their tenant, whatever their letters’ case', async () => {
    const control = createTestControl(await open());
    const { id } = await make(control, 'SUPPORT');
    const email = `OPERATOR${made}@example.com`;
    const again = await control.call('POST', '/api/v1/operators', { body: { name: 'x', email, role: 'SUPPORT' } });
    assert.deepEqual([again.status, again.body.code], [409, 'name_taken']);
    const tenant = await control.call('POST', '/api/v1/tenants', { body: { name: 'x', slug: 'x' } });
    const elsewhere = { name: 'x', email, role: 'SUPPORT', tenantId: tenant.body.data.id };
    assert.equal((await control.call('POST', '/api/v1/operators', { body: elsewhere })).status, 201);
    await control.call('DELETE', `/api/v1/operators/${id}`);
    const anew = await control.call('POST', '/api/v1/operators', { body: { name: 'x', email, role: 'SUPPORT' } });
    assert.equal(anew.status, 201);
  });

  test('are refused with every fault at once', async () => {
    const control = createTestControl(await open());
    const body = { name: '', email: 'nobody', rolle: 'SUPPORT', tenantId: 7 };
    const answer = await control.call('POST', '/api/v1/operators', { body });
    assert.deepEqual(
      [answer.status, answer.body.errors.map(({ path }: { path: string }) => path).toSorted()],
      [400, ['body.email', 'body.name', 'body.role', 'body.rolle', 'body.tenantId']],
    );
    const unknown = await control.call('POST', '/api/v1/operators', {
      body: { name: 'x', email: 'x@example.com', role: 'WIZARD' },
    });
    assert.deepEqual(unknown.body.errors, [
      { path: 'body.role', message: 'names no role of this tenant; GET /api/v1/roles lists them' },
    ]);
    assert.equal((await control.call('GET', '/api/v1/operators')).body.meta.total, 0);
  });

  test('stop at once with all their keys when they are suspended, and start again', async () => {
    const control = createTestControl(await open());
    const { id, apiKey } = await make(control, 'KEY_VIEWER');
    for (const [status, suspended] of [
      ['suspended', 'operator'],
      ['active', undefined],
    ] as const) {
      control.dataPlane.forgotten.length = 0;
      const answer = await control.call('PUT', `/api/v1/operators/${id}`, { body: { status } });
      assert.deepEqual([answer.status, answer.body.data.status], [200, status]);
      assert.equal((await credentialOf(control, apiKey))?.suspended, suspended);
      assert.deepEqual(control.dataPlane.forgotten, [parsePublicId(apiKey)]);
    }
  });

  test('lose all their keys at once when they are deleted, and are not there any more', async () => {
    const control = createTestControl(await open());
    const { id, apiKey } = await make(control, 'KEY_ADMIN');
    const second = await control.call('POST', `/api/v1/operators/${id}/keys`, { body: { name: 'laptop' } });
    assert.deepEqual((await control.call('DELETE', `/api/v1/operators/${id}`)).body.data, { id, deleted: true });
    for (const text of [apiKey, second.body.data.apiKey]) {
      assert.equal((await credentialOf(control, text))?.status, 'revoked');
      assert.ok(control.dataPlane.forgotten.includes(parsePublicId(text) ?? ''));
    }
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PUT', '', { status: 'active' }],
      ['DELETE', '', undefined],
      ['POST', '/keys', { name: 'x' }],
      ['PUT', '/password', { password: 'a long enough one' }],
    ] as const) {
      assert.equal((await control.call(method, `/api/v1/operators/${id}${path}`, { body })).status, 404, path);
    }
    assert.equal((await control.call('GET', '/api/v1/operators')).body.meta.total, 0);
  });

  test('get another role, which holds for their keys at once', async () => {
    const control = createTestControl(await open());
    const { id, apiKey } = await make(control, 'KEY_ADMIN');
    control.dataPlane.forgotten.length = 0;
    await control.call('PUT', `/api/v1/operators/${id}`, { body: { role: 'SUPPORT' } });
    assert.deepEqual((await principalOf(control, apiKey)).scopes, ['admin:keys:read', 'admin:logs:read']);
    assert.deepEqual(control.dataPlane.forgotten, [parsePublicId(apiKey)]);
  });

  test('count every change of theirs in the configuration version, so that other nodes hear of it', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const version = async (): Promise<number> =>
      (await db.selectFrom('installation').select('version').executeTakeFirstOrThrow()).version;
    const { id } = await make(control, 'KEY_ADMIN');
    let before = await version();
    for (const [method, path, body] of [
      ['PUT', `/operators/${id}`, { role: 'SUPPORT' }],
      ['POST', `/operators/${id}/keys`, { name: 'x' }],
      ['DELETE', `/operators/${id}`, undefined],
      ['POST', '/roles', { name: 'X', permissions: ['keys:read'] }],
      ['PUT', '/roles/X', { permissions: ['keys:write'] }],
    ] as const) {
      await control.call(method, `/api/v1${path}`, { body });
      assert.ok((await version()) > before, path);
      before = await version();
    }
  });
});

forEachDatabase('nobody gives what they do not have:', (open) => {
  test('an operator gives only roles that permit no more than their own', async () => {
    const control = createTestControl(await open());
    await control.call('POST', '/api/v1/roles', { body: { name: 'USERS', permissions: ['admin:users:read'] } });
    await control.call('POST', '/api/v1/roles', { body: { name: 'ALL_ADMIN', permissions: ['admin:*'] } });
    const { as, id } = await make(control, 'USER_ADMIN');
    const target = await make(control, 'USERS');
    for (const [role, mayGive] of [
      ['USER_ADMIN', true],
      ['USERS', true],
      ['SUPER_ADMIN', false],
      ['ALL_ADMIN', false],
      ['KEY_ADMIN', false],
      ['KEY_VIEWER', false],
      ['SUPPORT', false],
    ] as const) {
      const body = { name: 'x', email: `${role}@example.com`, role };
      const answers = [
        await control.call('POST', '/api/v1/operators', { as, body }),
        await control.call('PUT', `/api/v1/operators/${target.id}`, { as, body: { role } }),
        await control.call('PUT', `/api/v1/operators/${id}`, { as, body: { role } }),
      ];
      for (const answer of answers) {
        if (mayGive) assert.ok(answer.status < 300, answer.text);
        else {
          assert.deepEqual([answer.status, answer.body.code], [403, 'scope_not_grantable'], role);
          assert.equal(answer.body.errors[0].path, 'body.role');
        }
        await control.call('PUT', `/api/v1/operators/${id}`, { body: { role: 'USER_ADMIN' } });
      }
    }
    assert.deepEqual((await principalOf(control, target.apiKey)).scopes, ['admin:users:read']);
  });

  test('a narrow key of a mighty operator gives no more than the key', async () => {
    const control = createTestControl(await open());
    const { id } = await setUp(control);
    const narrow = await control.call('POST', `/api/v1/operators/${id}/keys`, {
      body: { name: 'ci', scopes: ['admin:users:*'] },
    });
    const as = await principalOf(control, narrow.body.data.apiKey);
    assert.deepEqual(as.scopes, ['admin:users:*']);
    const attempts = [
      ['POST', '/operators', { name: 'x', email: 'x@example.com', role: 'SUPER_ADMIN' }],
      ['POST', `/operators/${id}/keys`, { name: 'mighty' }],
      ['POST', `/operators/${id}/keys`, { name: 'narrow', scopes: ['admin:users:read'] }],
      // A password signs in with the whole role.
      ['PUT', `/operators/${id}/password`, { password: 'a long enough one' }],
      ['PUT', `/operators/${id}`, { email: 'mallory@example.com' }],
    ] as const;
    for (const [method, path, body] of attempts) {
      const answer = await control.call(method, `/api/v1${path}`, { as, body });
      assert.equal(answer.status, 403, `${path} ${answer.text}`);
    }
  });

  test('nobody changes, suspends, deletes, signs in as or makes keys for an operator who may do more', async () => {
    const control = createTestControl(await open());
    const target = await setUp(control);
    const { as } = await make(control, 'USER_ADMIN');
    const plain = keyPrincipal(['operators:*', 'admin:users:*', 'admin:keys:*', 'keys:*']);
    const attempts = [
      ['PUT', `/operators/${target.id}`, { name: 'mine' }],
      ['PUT', `/operators/${target.id}`, { email: 'mallory@example.com' }],
      ['PUT', `/operators/${target.id}`, { role: 'USER_ADMIN' }],
      ['PUT', `/operators/${target.id}`, { status: 'suspended' }],
      ['DELETE', `/operators/${target.id}`, undefined],
      ['POST', `/operators/${target.id}/keys`, { name: 'mine' }],
      ['PUT', `/operators/${target.id}/password`, { password: 'a long enough one' }],
    ] as const;
    for (const caller of [as, plain]) {
      for (const [method, path, body] of attempts) {
        const answer = await control.call(method, `/api/v1${path}`, { as: caller, body });
        assert.deepEqual([answer.status, answer.body.code], [403, 'beyond_reach'], path);
      }
    }
    assert.deepEqual((await principalOf(control, target.apiKey)).scopes, ['*']);
  });

  test('nobody changes or revokes a key of an operator who may do more, and so raises neither its limits nor its scopes', async () => {
    const control = createTestControl(await open());
    const target = await setUp(control);
    await make(control, 'SUPER_ADMIN');
    const keyAdmin = await make(control, 'KEY_ADMIN');
    const callers = [
      keyAdmin.as,
      keyPrincipal(['keys:update', 'keys:delete']),
      keyPrincipal(['admin:keys:*', 'keys:*']),
    ];
    for (const as of callers) {
      for (const body of [{ rateLimit: { requestsPerMinute: 1_000_000 } }, { scopes: ['*'] }, { name: 'x' }]) {
        const answer = await control.call('PUT', `/api/v1/keys/${target.keyId}`, { as, body });
        assert.deepEqual([answer.status, answer.body.code], [403, 'beyond_reach']);
      }
      const answer = await control.call('DELETE', `/api/v1/keys/${target.keyId}`, { as });
      assert.deepEqual([answer.status, answer.body.code], [403, 'beyond_reach']);
    }
    const own = { as: keyAdmin.as, body: { rateLimit: { requestsPerMinute: 7 } } };
    assert.equal((await control.call('PUT', `/api/v1/keys/${keyAdmin.keyId}`, own)).status, 200);
    const { as } = await make(control, 'KEY_ADMIN');
    assert.equal((await control.call('DELETE', `/api/v1/keys/${keyAdmin.keyId}`, { as })).status, 200);
  });
});

forEachDatabase('the last SUPER_ADMIN', (open) => {
  test('is not demoted, suspended, deleted or left without a key', async () => {
    const control = createTestControl(await open());
    const { id, keyId, as } = await setUp(control);
    await make(control, 'KEY_ADMIN');
    for (const [method, path, code, body] of [
      ['PUT', `/operators/${id}`, 'last_super_admin', { role: 'KEY_ADMIN' }],
      ['PUT', `/operators/${id}`, 'last_super_admin', { status: 'suspended' }],
      ['DELETE', `/operators/${id}`, 'last_super_admin', undefined],
      ['DELETE', `/keys/${keyId}`, 'last_operator_key', undefined],
    ] as const) {
      const answer = await control.call(method, `/api/v1${path}`, { as, body });
      assert.deepEqual([answer.status, answer.body.code], [409, code]);
    }
    assert.equal((await control.call('PUT', `/api/v1/operators/${id}`, { as, body: { name: 'x' } })).status, 200);
  });

  test('is not one whose only company is suspended, deleted or has no key that works', async () => {
    const control = createTestControl(await open());
    const { id, as } = await setUp(control);
    const suspended = await make(control, 'SUPER_ADMIN');
    await control.call('PUT', `/api/v1/operators/${suspended.id}`, { as, body: { status: 'suspended' } });
    const deleted = await make(control, 'SUPER_ADMIN');
    await control.call('DELETE', `/api/v1/operators/${deleted.id}`, { as });
    const keyless = await make(control, 'SUPER_ADMIN');
    await control.call('DELETE', `/api/v1/keys/${keyless.keyId}`, { as });
    const expired = await make(control, 'SUPER_ADMIN');
    const expiresAt = new Date(NOW_MS + 1_000).toISOString();
    await control.call('PUT', `/api/v1/keys/${expired.keyId}`, { as, body: { expiresAt } });
    control.setNow(NOW_MS + 1_001);
    const refused = await control.call('DELETE', `/api/v1/operators/${id}`, { as });
    assert.equal(refused.body.code, 'last_super_admin');
    await make(control, 'SUPER_ADMIN', as);
    assert.equal((await control.call('DELETE', `/api/v1/operators/${id}`, { as })).status, 200);
  });

  test('stays when two demote each other at once', async () => {
    const control = createTestControl(await open());
    const first = await setUp(control);
    const second = await make(control, 'SUPER_ADMIN');
    const answers = await Promise.all([
      control.call('PUT', `/api/v1/operators/${second.id}`, { as: first.as, body: { role: 'SUPPORT' } }),
      control.call('DELETE', `/api/v1/operators/${first.id}`, { as: second.as }),
      control.call('DELETE', `/api/v1/keys/${first.keyId}`, { as: first.as }),
    ]);
    const admins = await control.call('GET', '/api/v1/operators?role=SUPER_ADMIN');
    const working = [];
    for (const { id } of admins.body.data) {
      const { apiKey } = id === first.id ? first : second;
      if ((await credentialOf(control, apiKey))?.status === 'active') working.push(id);
    }
    assert.equal(working.length, 1, JSON.stringify(answers.map(({ text }) => text)));
  });
});

forEachDatabase('the keys of operators', (open) => {
  test('are made by themselves or by who manages users, never wider than the role', async () => {
    const control = createTestControl(await open());
    const { id, as } = await make(control, 'KEY_ADMIN');
    const body = { name: 'laptop', scopes: ['admin:keys:read', 'orders:read', '*'], expiresInDays: 30 };
    const own = await control.call('POST', `/api/v1/operators/${id}/keys`, { as, body });
    assert.equal(own.status, 201, own.text);
    const { apiKey, key, keyId, ...shown } = own.body.data;
    assert.deepEqual(shown, {
      id: keyId,
      operatorId: id,
      name: 'laptop',
      scopes: body.scopes,
      createdAt: new Date(NOW_MS).toISOString(),
      expiresAt: new Date(NOW_MS + 30 * 86_400_000).toISOString(),
    });
    assert.equal(key, apiKey);
    const principal = await principalOf(control, apiKey);
    assert.deepEqual(principal.scopes, ['admin:keys:read', 'admin:keys:*']);
    assert.equal(principal.operatorId, id);
    assert.equal((await control.call('POST', `/api/v1/operators/${id}/keys`, { body: { name: 'x' } })).status, 201);
    const stranger = await make(control, 'KEY_ADMIN');
    const refused = await control.call('POST', `/api/v1/operators/${id}/keys`, {
      as: stranger.as,
      body: { name: 'x' },
    });
    assert.deepEqual([refused.status, refused.body.code], [403, 'insufficient_scope']);
    const nobody = await control.call('POST', `/api/v1/operators/${id}/keys`, { as: null, body: { name: 'x' } });
    assert.equal(nobody.status, 401);
  });

  test('are refused with every fault at once', async () => {
    const control = createTestControl(await open());
    const { id } = await make(control, 'KEY_ADMIN');
    const body = { scopes: ['A'], expiresInDays: 0, x: 1 };
    const { status, body: problem } = await control.call('POST', `/api/v1/operators/${id}/keys`, { body });
    assert.equal(status, 400);
    assert.deepEqual(problem.errors.map(({ path }: { path: string }) => path).toSorted(), [
      'body.expiresInDays',
      'body.name',
      'body.scopes[0]',
      'body.x',
    ]);
  });

  test('and passwords of another tenant’s operators are not there, even for one with the same id: 404', async () => {
    const control = createTestControl(await open());
    const { id } = await make(control, 'KEY_ADMIN');
    const as = operatorPrincipal({ tenantId: 'ten_other', operatorId: id });
    const attempts = [
      control.call('PUT', `/api/v1/operators/${id}/password`, { as, body: { password: 'a long enough one' } }),
      control.call('POST', `/api/v1/operators/${id}/keys`, { as, body: { name: 'x' } }),
    ];
    for (const { status } of await Promise.all(attempts)) assert.equal(status, 404);
  });
});
