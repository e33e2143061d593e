import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../../test/harness/api.ts';
import { createTestControl, NOW_MS, type TestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { parsePublicId } from '../../lib/key-text.ts';
import { loadCredential } from '../publish/credentials.ts';

async function makeClient(control: TestControl, body: object = {}): Promise<string> {
  const answer = await control.call('POST', '/api/v1/api-clients', {
    body: { name: 'Partner', contactEmail: 'a@b.c', scopes: ['leads:read', 'leads:write'], ...body },
  });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data.id;
}

async function makeKey(control: TestControl, body: object): Promise<Json> {
  const answer = await control.call('POST', '/api/v1/api-keys', { body: { name: 'k', ...body } });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data;
}

forEachDatabase('keys of a client', (open) => {
  test('are made as the ecosystem document writes it', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    control.setNow(Date.parse('2024-01-15T10:00:00Z'));
    const clientId = await makeClient(control, { rateLimitTier: 'standard' });
    const answer = await control.call('POST', '/api/v1/api-keys', {
      body: {
        clientId,
        name: 'Production Key',
        expiresAt: '2025-12-31T23:59:59Z',
        scopes: ['leads:read', 'leads:write'],
        rateLimitOverride: 200,
      },
    });
    assert.equal(answer.status, 201, answer.text);
    const { id, key, apiKey, keyId, keyPrefix, ...rest } = answer.body.data;
    assert.match(id, /^key_/);
    assert.equal(apiKey, key);
    assert.ok(key.startsWith(`${keyId}_`));
    assert.equal(keyPrefix, keyId);
    const rateLimit = { requestsPerMinute: 200, requestsPerHour: 5_000, requestsPerDay: 50_000 };
    assert.deepEqual(rest, {
      clientId,
      name: 'Production Key',
      status: 'active',
      expiresAt: '2025-12-31T23:59:59.000Z',
      scopes: ['leads:read', 'leads:write'],
      rateLimitOverride: 200,
      rateLimit,
      metadata: {},
      createdBy: 'usr_operator',
      createdAt: '2024-01-15T10:00:00.000Z',
      updatedAt: '2024-01-15T10:00:00.000Z',
    });
    const credential = await loadCredential(db, parsePublicId(key) ?? '', {});
    assert.deepEqual(credential?.principal.limits, [
      { window: 'minute', limit: 200 },
      { window: 'hour', limit: 5_000, of: 'client' },
      { window: 'day', limit: 50_000, of: 'client' },
    ]);
  });

  test('are listed, looked at and revoked below their client, by id and by what is shown of them', async () => {
    const control = createTestControl(await open());
    const clientId = await makeClient(control);
    const other = await makeClient(control);
    const first = await makeKey(control, { clientId });
    control.setNow(NOW_MS + 1);
    const second = await makeKey(control, { clientId });
    const foreign = await makeKey(control, { clientId: other });
    control.setNow(NOW_MS);
    const path = `/api/v1/api-clients/${clientId}/api-keys`;
    const listed = await control.call('GET', `${path}?sortOrder=asc&pageSize=2`);
    assert.deepEqual(
      listed.body.data.map((key: Json) => [key.id, key.keyId, key.key, key.apiKey]),
      [first, second].map(({ id, keyId }) => [id, keyId, undefined, undefined]),
    );
    assert.deepEqual(listed.body.meta, { page: 1, pageSize: 2, total: 2, nextCursor: null });
    assert.equal((await control.call('GET', `${path}/${first.keyId}`)).body.data.id, first.id);
    const revoked = await control.call('DELETE', `${path}/${first.id}`);
    assert.deepEqual(revoked.body.data, { id: first.id, status: 'revoked', revokedAt: '2026-03-01T12:00:00.000Z' });
    assert.equal((await control.call('DELETE', `${path}/${second.keyId}`)).body.data.id, second.id);
    assert.deepEqual(
      control.dataPlane.forgotten,
      [first, second].map(({ apiKey }) => parsePublicId(apiKey)),
    );
    assert.equal((await control.call('GET', `${path}?status=active`)).body.meta.total, 0);
    for (const method of ['GET', 'DELETE'])
      assert.equal((await control.call(method, `${path}/${foreign.id}`)).status, 404);
    const all = await control.call('GET', `/api/v1/keys?clientId=${other}`);
    assert.deepEqual(
      all.body.data.map(({ id, clientId: owner }: Json) => [id, owner]),
      [[foreign.id, other]],
    );
  });

  test('are made by the other calls for keys too', async () => {
    const control = createTestControl(await open());
    const clientId = await makeClient(control, { rateLimitTier: 'premium' });
    const made = await control.call('POST', '/api/v1/keys', { body: { name: 'k', clientId } });
    assert.deepEqual(
      [made.status, made.body.data.clientId, made.body.data.rateLimit.requestsPerMinute],
      [201, clientId, 300],
    );
    const own = await control.call('PUT', `/api/v1/keys/${made.body.data.id}`, {
      body: { rateLimit: { requestsPerDay: 9 } },
    });
    assert.deepEqual(own.body.data.rateLimit, { requestsPerDay: 9 });
  });

  test('lose their override when they are given limits of their own', async () => {
    const control = createTestControl(await open());
    const { id } = await makeKey(control, { clientId: await makeClient(control), rateLimitOverride: 5 });
    const changed = await control.call('PUT', `/api/v1/keys/${id}`, { body: { rateLimit: { requestsPerHour: 2 } } });
    assert.deepEqual(
      [changed.body.data.rateLimit, changed.body.data.rateLimitOverride],
      [{ requestsPerHour: 2 }, undefined],
    );
  });

  test('are refused with the path of what is wrong', async () => {
    const control = createTestControl(await open());
    const clientId = await makeClient(control);
    const cases: [object, string[]][] = [
      [{ name: 'k' }, ['body.clientId']],
      [{ name: 'k', clientId: 'uuid' }, ['body.clientId']],
      [{ clientId, rateLimitOverride: 0 }, ['body.name', 'body.rateLimitOverride']],
      [
        { name: 'k', clientId, rateLimitOverride: 5, rateLimit: { requestsPerDay: 1 }, expiresAt: '2025-01-01' },
        ['body.expiresAt', 'body.rateLimitOverride'],
      ],
    ];
    for (const [body, paths] of cases) {
      const answer = await control.call('POST', '/api/v1/api-keys', { body });
      assert.equal(answer.status, 400, answer.text);
      assert.deepEqual(
        answer.body.errors.map(({ path }: Json) => path),
        paths,
      );
    }
  });

  test('hold scopes of their client only, when they are made and when they are changed', async () => {
    const control = createTestControl(await open());
    const clientId = await makeClient(control, { scopes: ['leads:*', 'quotes:read'] });
    const scopes = ['read:leads', 'quotes:write', 'leads:*', '*'];
    const refused = await control.call('POST', '/api/v1/api-keys', { body: { clientId, name: 'k', scopes } });
    assert.deepEqual([refused.status, refused.body.code], [403, 'scope_not_grantable']);
    assert.deepEqual(
      refused.body.errors.map(({ path }: Json) => path),
      ['body.scopes[1]', 'body.scopes[3]'],
    );
    const { id } = await makeKey(control, { clientId, scopes: ['leads:read', 'quotes:read'] });
    await control.call('PUT', `/api/v1/api-clients/${clientId}`, { body: { scopes: ['leads:read'] } });
    const put = (given: string[]) => control.call('PUT', `/api/v1/keys/${id}`, { body: { scopes: given } });
    assert.equal((await put(['leads:read', 'quotes:read'])).status, 200, 'what it has already may stay');
    assert.equal((await put(['quotes:read', 'quotes:write'])).body.code, 'scope_not_grantable');
  });

  test('are made ahead for a client that is pending, and for none that is out', async () => {
    const control = createTestControl(await open());
    const registered = await control.call('POST', '/api/clients/register', {
      body: { clientName: 'A', clientType: 'internal', contactEmail: 'a@b.c', requestedScopes: ['leads:read'] },
    });
    const clientId: string = registered.body.data.id;
    await makeKey(control, { clientId, scopes: ['leads:read'] });
    const tooMuch = await control.call('POST', '/api/v1/api-keys', {
      body: { clientId, name: 'k', scopes: ['leads:write'] },
    });
    assert.equal(tooMuch.body.code, 'scope_not_grantable');

    const expectOut = async (what: string): Promise<void> => {
      const answer = await control.call('POST', '/api/v1/api-keys', { body: { clientId, name: 'k' } });
      assert.deepEqual([answer.status, answer.body.code], [409, 'client_not_active']);
      assert.match(answer.body.detail, new RegExp(what));
    };
    await control.call('POST', `/api/clients/${clientId}/reject`);
    await expectOut('rejected');
    await control.call('POST', `/api/clients/${clientId}/approve`);
    await control.call('POST', `/api/clients/${clientId}/suspend`);
    await expectOut('suspended');
    await control.call('POST', `/api/clients/${clientId}/reactivate`);
    await control.call('PUT', `/api/clients/${clientId}`, { body: { expiresAt: '2026-03-01T12:00:01Z' } });
    control.setNow(NOW_MS + 1_000);
    await expectOut('expired');
  });
});
