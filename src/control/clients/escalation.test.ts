// Nobody gets by a client what they were not given: attempts, each of which must fail.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createTestControl,
  keyPrincipal,
  operatorPrincipal,
  type Answered,
  type TestControl,
} from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { parsePublicId } from '../../lib/key-text.ts';
import { loadCredential } from '../publish/credentials.ts';

const OWN = ['*', 'admin:*', 'admin:keys:read', 'keys:read', 'clients:update', 'requests:*', 'gateways:write'];

function refusedAt(answer: Answered): string[] {
  assert.deepEqual([answer.status, answer.body.code], [403, 'scope_not_grantable'], answer.text);
  return answer.body.errors.map(({ path }: { path: string }) => path);
}

async function register(control: TestControl, requestedScopes: string[], as = operatorPrincipal()): Promise<string> {
  const body = { clientName: 'App', clientType: 'integration', contactEmail: 'a@b.c', requestedScopes };
  const answer = await control.call('POST', '/api/clients/register', { as, body });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data.id;
}

forEachDatabase('a scope', (open) => {
  test('that is asked for at registration is given to nobody', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const as = keyPrincipal(['admin:clients:register', 'keys:create', 'orders:read']);
    const clientId = await register(control, ['*', 'orders:read'], as);
    const { body } = await control.call('GET', `/api/clients/${clientId}`);
    assert.deepEqual([body.data.status, body.data.allowedScopes], ['pending', []]);
    const key = await control.call('POST', '/api/v1/api-keys', {
      as,
      body: { clientId, name: 'k', scopes: ['orders:read'] },
    });
    const credential = await loadCredential(db, parsePublicId(key.body.data.apiKey) ?? '', {});
    assert.deepEqual([credential?.principal.scopes, credential?.client?.status], [[], 'pending']);
  });

  test('is approved only by whoever may give it, each that is missing named', async () => {
    const control = createTestControl(await open());
    const clientId = await register(control, ['orders:read', 'keys:read', '*']);
    const approve = (as: ReturnType<typeof keyPrincipal>, body?: object) =>
      control.call('POST', `/api/clients/${clientId}/approve`, { as, body });
    const plain = keyPrincipal(['admin:clients:*', 'orders:*']);
    assert.deepEqual(refusedAt(await approve(plain)), ['requestedScopes[1]', 'requestedScopes[2]']);
    const operator = operatorPrincipal({ scopes: ['admin:clients:approve'] });
    const body = { allowedScopes: ['shop:read', ...OWN] };
    assert.deepEqual(
      refusedAt(await approve(operator, body)),
      OWN.map((_, i) => `body.allowedScopes[${i + 1}]`),
    );
    assert.equal((await approve(plain, { allowedScopes: ['orders:read'] })).status, 200);
  });

  test('is given to a client when it is made, and when it is changed, only by whoever may give it', async () => {
    const control = createTestControl(await open());
    const as = keyPrincipal(['clients:write', 'orders:read']);
    const others = OWN.filter((scope) => scope !== 'clients:update');
    const body = { name: 'P', contactEmail: 'a@b.c', scopes: ['orders:read', 'orders:write', ...others] };
    const refused = await control.call('POST', '/api/v1/api-clients', { as, body });
    assert.deepEqual(
      refusedAt(refused),
      body.scopes.slice(1).map((_, i) => `body.scopes[${i + 1}]`),
    );
    const made = await control.call('POST', '/api/v1/api-clients', { body: { ...body, scopes: ['invoices:read'] } });
    const path = made.body.data.id;
    const scopes = ['invoices:read', 'orders:read', 'invoices:write'];
    const first = await control.call('PUT', `/api/v1/api-clients/${path}`, { as, body: { scopes } });
    assert.deepEqual(refusedAt(first), ['body.scopes[2]']);
    const second = await control.call('PUT', `/api/v1/clients/${path}`, { as, body: { allowedScopes: scopes } });
    assert.deepEqual(refusedAt(second), ['body.allowedScopes[2]']);
    const kept = await control.call('PUT', `/api/v1/api-clients/${path}`, { as, body: { scopes: scopes.slice(0, 2) } });
    assert.equal(kept.status, 200, kept.text);
  });

  test('is not given by automatic approval either: a registration that asks for too much stays pending', async () => {
    const control = createTestControl(await open(), {
      clients: { isApprovalAutomatic: true, areCountriesKnown: false },
    });
    const as = keyPrincipal(['admin:clients:register', 'orders:*']);
    const statusAfter = async (scopes: string[]): Promise<unknown> => {
      const { body } = await control.call('GET', `/api/clients/${await register(control, scopes, as)}`);
      return [body.data.status, body.data.allowedScopes, body.data.approvedBy];
    };
    assert.deepEqual(await statusAfter(['orders:read']), ['active', ['orders:read'], 'key_plain']);
    assert.deepEqual(await statusAfter([]), ['active', [], 'key_plain']);
    for (const scope of ['invoices:read', '*', 'admin:clients:approve', 'orders_x:read'])
      assert.deepEqual(await statusAfter(['orders:read', scope]), ['pending', [], undefined], scope);
  });
});

forEachDatabase('the key of a client', (open) => {
  /** Two clients, and who calls with a key of the first that may do everything. */
  async function setUp() {
    const { db } = await open();
    const control = createTestControl({ db });
    const make = async (name: string): Promise<string> => {
      const body = { name, contactEmail: 'a@b.c', scopes: ['*'], rateLimitTier: 'free' };
      return (await control.call('POST', '/api/v1/api-clients', { body })).body.data.id;
    };
    const makeKey = async (clientId: string): Promise<{ id: string; apiKey: string }> =>
      (await control.call('POST', '/api/v1/api-keys', { body: { clientId, name: 'k', scopes: ['*'] } })).body.data;
    const [own, other] = [await make('own'), await make('other')];
    const [ownKey, otherKey] = [await makeKey(own), await makeKey(other)];
    const nobodys = await control.call('POST', '/api/v1/keys', { body: { name: 'nobody’s' } });
    const credential = await loadCredential(db, parsePublicId(ownKey.apiKey) ?? '', {});
    assert.ok(credential);
    const as = credential.principal;
    assert.deepEqual([as.clientId, as.scopes], [own, ['*']]);
    return { db, control, as, own, other, ownKey, otherKey, nobodysKey: nobodys.body.data };
  }

  test('changes no client, not even its own, whatever its scopes', async () => {
    const { control, as, own, other } = await setUp();
    const calls = [
      ['POST', '/api/v1/api-clients', { name: 'x', contactEmail: 'a@b.c' }],
      ['POST', '/api/clients/register', { clientName: 'x', clientType: 'internal', contactEmail: 'a@b.c' }],
      ...[own, other].flatMap((id) => [
        ['PUT', `/api/v1/api-clients/${id}`, { rateLimitTier: 'enterprise' }] as const,
        ['PUT', `/api/v1/clients/${id}`, { ipWhitelist: null }] as const,
        ['DELETE', `/api/v1/api-clients/${id}`, undefined] as const,
        ['POST', `/api/v1/clients/${id}/approve`, undefined] as const,
        ['POST', `/api/v1/clients/${id}/reject`, undefined] as const,
        ['POST', `/api/v1/clients/${id}/suspend`, undefined] as const,
        ['POST', `/api/v1/clients/${id}/reactivate`, undefined] as const,
      ]),
    ] as const;
    for (const [method, path, body] of calls) {
      const answer = await control.call(method, path, { as, body });
      assert.deepEqual([answer.status, answer.body.code], [403, 'insufficient_scope'], `${method} ${path}`);
    }
  });

  test('sees its own client and the keys of it, and no others', async () => {
    const { control, as, own, other, ownKey, otherKey, nobodysKey } = await setUp();
    const idsOf = async (path: string): Promise<string[]> =>
      (await control.call('GET', path, { as })).body.data.map(({ id }: { id: string }) => id);
    assert.deepEqual(await idsOf('/api/v1/api-clients'), [own]);
    assert.deepEqual(await idsOf('/api/v1/keys'), [ownKey.id]);
    assert.deepEqual(await idsOf(`/api/v1/keys?clientId=${other}`), []);
    assert.deepEqual(await idsOf(`/api/v1/api-clients/${own}/api-keys`), [ownKey.id]);
    assert.equal((await control.call('GET', `/api/clients/${own}`, { as })).status, 200);
    const hidden = [
      ['GET', `/api/v1/api-clients/${other}`],
      ['GET', `/api/v1/api-clients/${other}/dashboard`],
      ['GET', `/api/v1/clients/${other}`],
      ['GET', `/api/v1/api-clients/${other}/api-keys`],
      ['GET', `/api/v1/api-clients/${other}/api-keys/${otherKey.id}`],
      ['DELETE', `/api/v1/api-clients/${other}/api-keys/${otherKey.id}`],
      ['GET', `/api/v1/api-clients/${own}/api-keys/${otherKey.id}`],
      ...[otherKey, nobodysKey].flatMap(({ id }) => [
        ['GET', `/api/v1/keys/${id}`] as const,
        ['PUT', `/api/v1/keys/${id}`, { name: 'x' }] as const,
        ['DELETE', `/api/v1/keys/${id}`] as const,
        ['GET', `/keys/${id}`] as const,
      ]),
    ] as const;
    for (const [method, path, body] of hidden) {
      const answer = await control.call(method, path, { as, body });
      assert.equal(answer.status, 404, `${method} ${path}`);
    }
  });

  test('makes keys of its own client only, which stop with it', async () => {
    const { db, control, as, own, other } = await setUp();
    for (const path of ['/api/v1/keys', '/keys']) {
      const made = await control.call('POST', path, { as, body: { name: 'k' } });
      assert.equal(made.status, 201, made.text);
      const text = made.body.data?.apiKey ?? made.body.key;
      const credential = await loadCredential(db, parsePublicId(text) ?? '', {});
      assert.equal(credential?.principal.clientId, own, path);
    }
    for (const path of ['/api/v1/keys', '/api/v1/api-keys']) {
      const refused = await control.call('POST', path, { as, body: { name: 'k', clientId: other } });
      assert.deepEqual([refused.status, refused.body.errors[0].path], [400, 'body.clientId']);
    }
  });

  test('gives no limits, neither to a new key nor to itself', async () => {
    const { control, as, own, ownKey } = await setUp();
    const rateLimit = { requestsPerMinute: 1_000_000 };
    const calls = [
      ['POST', '/api/v1/keys', { name: 'k', rateLimit }],
      ['POST', '/api/v1/api-keys', { name: 'k', clientId: own, rateLimit }],
      ['POST', '/api/v1/api-keys', { name: 'k', clientId: own, rateLimitOverride: 1_000_000 }],
      ['PUT', `/api/v1/keys/${ownKey.id}`, { rateLimit }],
    ] as const;
    for (const [method, path, body] of calls) {
      const answer = await control.call(method, path, { as, body });
      assert.deepEqual([answer.status, answer.body.code], [403, 'insufficient_scope'], path);
    }
    const plain = await control.call('POST', '/api/v1/keys', { as, body: { name: 'k' } });
    assert.equal(plain.body.data.rateLimit.requestsPerMinute, 30);
  });
});
