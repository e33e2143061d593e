import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, keyPrincipal, operatorPrincipal, type TestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { credentialOf } from '../../../test/harness/principal.ts';
import type { Json } from '../../../test/harness/api.ts';

const GOLD = '/api/v1/rate-limits/tiers/gold';
const FIRST = {
  free: { requestsPerMinute: 30, requestsPerHour: 500, requestsPerDay: 5_000 },
  basic: { requestsPerMinute: 60, requestsPerHour: 1_000, requestsPerDay: 10_000, burst: 10 },
  standard: { requestsPerMinute: 120, requestsPerHour: 5_000, requestsPerDay: 50_000, burst: 20 },
  professional: { requestsPerMinute: 200, requestsPerHour: 10_000, requestsPerDay: 100_000, burst: 35 },
  premium: { requestsPerMinute: 300, requestsPerHour: 15_000, requestsPerDay: 150_000, burst: 50 },
  enterprise: { requestsPerMinute: 600, requestsPerHour: 50_000, requestsPerDay: 500_000, burst: 100 },
};

async function makeClient(control: TestControl, body: object): Promise<Json> {
  const all = { name: 'Acme', contactEmail: 'ada@example.com', ...body };
  return control.call('POST', '/api/v1/api-clients', { body: all });
}

forEachDatabase('tiers', (open) => {
  test('are those of the contract from the start, for everybody to know, the least first', async () => {
    const control = createTestControl(await open());
    const listed = await control.call('GET', '/api/v1/rate-limits', { as: keyPrincipal([]) });
    assert.deepEqual(listed.body.data, FIRST);
    assert.deepEqual(Object.keys(listed.body.data), Object.keys(FIRST));
    const one = await control.call('GET', '/api/v1/rate-limits/tiers/basic', { as: keyPrincipal([]) });
    const { createdAt, updatedAt, ...rest } = one.body.data;
    assert.deepEqual(rest, { name: 'basic', ...FIRST.basic });
    assert.equal(createdAt, updatedAt);
    assert.equal((await control.call('GET', '/api/v1/rate-limits', { as: null })).status, 401);
    assert.equal((await control.call('GET', GOLD)).body.code, 'not_found');
  });

  test('are made, changed as a whole, and deleted', async () => {
    const control = createTestControl(await open());
    const made = await control.call('PUT', GOLD, { body: { requestsPerMinute: 5, burst: 2 } });
    assert.equal(made.status, 201, made.text);
    const changed = await control.call('PUT', GOLD, { body: { requestsPerMonth: 9 } });
    assert.equal(changed.status, 200);
    assert.equal((await control.call('GET', '/api/v1/rate-limits')).body.data.gold.requestsPerMinute, undefined);
    assert.deepEqual((await control.call('GET', '/api/v1/rate-limits')).body.data.gold, { requestsPerMonth: 9 });
    const gone = await control.call('DELETE', GOLD);
    assert.deepEqual(gone.body.data, { name: 'gold', deleted: true });
    assert.equal((await control.call('DELETE', GOLD)).status, 404);
  });

  test('change only while they are what whoever changes them knows', async () => {
    const control = createTestControl(await open());
    const only = { 'if-none-match': '*' };
    const made = await control.call('PUT', GOLD, { body: { requestsPerMinute: 5 }, headers: only });
    const etag = String(made.headers['etag']);
    assert.equal(String((await control.call('GET', GOLD)).headers['etag']), etag);
    assert.equal((await control.call('PUT', GOLD, { body: { requestsPerMinute: 6 }, headers: only })).status, 412);
    control.setNow(Date.parse('2026-03-02'));
    const known = { 'if-match': etag };
    assert.equal((await control.call('PUT', GOLD, { body: { requestsPerMinute: 6 }, headers: known })).status, 200);
    assert.equal((await control.call('PUT', GOLD, { body: { requestsPerMinute: 7 }, headers: known })).status, 412);
    assert.equal((await control.call('DELETE', GOLD, { headers: known })).status, 412);
    assert.equal((await control.call('GET', GOLD)).body.data.requestsPerMinute, 6);
  });

  test('hold what they say now for the keys of their clients, and every thread asks anew', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const client = await makeClient(control, { rateLimitTier: 'basic', monthlyQuota: 50 });
    const clientId: string = client.body.data.id;
    const key = await control.call('POST', '/api/v1/api-keys', { body: { name: 'k', clientId } });
    const limits = async () => (await credentialOf(control, key.body.data.key))?.principal.limits;
    const month = { window: 'month', limit: 50, of: 'client' };
    assert.deepEqual(await limits(), [
      { window: 'minute', limit: 60, of: 'client' },
      { window: 'hour', limit: 1_000, of: 'client' },
      { window: 'day', limit: 10_000, of: 'client' },
      { algorithm: 'bucket', window: 'minute', limit: 60, burst: 10, of: 'client' },
      month,
    ]);
    control.dataPlane.forgotten.length = 0;
    await control.call('PUT', '/api/v1/rate-limits/tiers/basic', { body: { requestsPerHour: 7 } });
    assert.deepEqual(control.dataPlane.forgotten, ['all']);
    assert.deepEqual(await limits(), [{ window: 'hour', limit: 7, of: 'client' }, month]);
    const shown = await control.call('GET', `/api/v1/keys/${key.body.data.id}`);
    assert.deepEqual(shown.body.data.rateLimit, { requestsPerHour: 7 });
    const dashboard = await control.call('GET', `/api/v1/api-clients/${clientId}/dashboard`);
    assert.deepEqual(dashboard.body.data.limits, {
      tier: 'basic',
      monthlyQuota: 50,
      rateLimit: { requestsPerHour: 7 },
    });
  });

  test('are not deleted while a client of any tenant has one: 409 tells who', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    await control.call('PUT', GOLD, { body: { requestsPerMinute: 5 } });
    const tenant = await control.call('POST', '/api/v1/tenants', { body: { name: 'Acme', slug: 'acme' } });
    const tenantId: string = tenant.body.data.id;
    const headers = { 'x-tenant-id': tenantId };
    const body = { name: 'Theirs', contactEmail: 'a@b.c', rateLimitTier: 'gold' };
    const client = await control.call('POST', '/api/v1/api-clients', { body, headers });
    const id: string = client.body.data.id;
    const refused = await control.call('DELETE', GOLD);
    assert.deepEqual([refused.status, refused.body.code], [409, 'tier_in_use']);
    assert.deepEqual(refused.body.usedBy, [{ id, tenantId, name: 'Theirs' }]);
    assert.equal(refused.body.total, 1);
    assert.match(refused.body.detail, new RegExp(`^1 client has this tier: ${id}\\.$`));
    await control.call('PUT', `/api/v1/api-clients/${id}`, { body: { rateLimitTier: null }, headers });
    assert.equal((await control.call('DELETE', GOLD)).status, 200);
  });

  test('are told who has them as far as twenty', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    for (let i = 0; i < 21; i++) await makeClient(control, { name: `c${i}`, rateLimitTier: 'free' });
    const refused = await control.call('DELETE', '/api/v1/rate-limits/tiers/free');
    assert.equal(refused.body.usedBy.length, 20);
    assert.equal(refused.body.total, 21);
    assert.match(refused.body.detail, /, …\.$/);
  });

  test('are the platform’s alone to change', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const strangers = [
      operatorPrincipal({ tenantId: 'ten_other' }),
      keyPrincipal(['*']),
      keyPrincipal(['*'], { clientId: 'cli_1' }),
    ];
    for (const as of strangers) {
      for (const method of ['PUT', 'DELETE']) {
        const answer = await control.call(method, GOLD, {
          as,
          ...(method === 'PUT' && { body: { requestsPerDay: 1 } }),
        });
        assert.deepEqual([answer.status, answer.body.code], [403, 'platform_only']);
      }
    }
    const as = operatorPrincipal({ scopes: ['admin:keys:*', 'admin:rate-limits:read'] });
    const body = { requestsPerDay: 1 };
    assert.equal((await control.call('PUT', GOLD, { as, body })).body.code, 'insufficient_scope');
    const mayUpdate = operatorPrincipal({ scopes: ['admin:rate-limits:update'] });
    assert.equal((await control.call('PUT', GOLD, { as: mayUpdate, body })).status, 201);
    assert.equal((await control.call('DELETE', GOLD, { as: mayUpdate })).body.code, 'insufficient_scope');
  });

  test('are refused with every fault at once, each with its path', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const body = {
      requestsPerMinute: 0,
      requestsPerHour: -1,
      requestsPerDay: 1.5,
      requestsPerMonth: 2 ** 31,
      requestsPerWeek: 3,
      burst: '4',
    };
    const { status, body: answer } = await control.call('PUT', GOLD, { body });
    assert.equal(status, 400);
    const faults = Object.fromEntries(answer.errors.map(({ path, message }: Json) => [path, message]));
    assert.deepEqual(faults, {
      'body.requestsPerMinute': 'must be at least 1',
      'body.requestsPerHour': 'must be at least 1',
      'body.requestsPerDay': 'must be a whole number',
      'body.requestsPerMonth': `must be at most ${2 ** 31 - 1}`,
      'body.requestsPerWeek': 'is not known here',
      'body.burst': 'must be a whole number',
    });
    assert.equal((await control.call('PUT', GOLD, { body: {} })).body.errors[0].message, 'must name at least 1 field');
    const burst = await control.call('PUT', GOLD, { body: { requestsPerDay: 1, burst: 1 } });
    assert.deepEqual(
      burst.body.errors.map(({ path }: Json) => path),
      ['body.burst'],
    );
    const name = await control.call('PUT', '/api/v1/rate-limits/tiers/Gold%20Plus', { body: { requestsPerDay: 1 } });
    assert.equal(name.body.errors[0].path, 'params.name');
  });

  test('are at most a hundred', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    for (let i = 6; i < 100; i++) {
      const made = await control.call('PUT', `/api/v1/rate-limits/tiers/t${i}`, { body: { requestsPerDay: 1 } });
      assert.equal(made.status, 201);
    }
    const refused = await control.call('PUT', GOLD, { body: { requestsPerDay: 1 } });
    assert.equal(refused.status, 400);
    assert.match(refused.body.errors[0].message, /at most 100 tiers/);
    const body = { requestsPerDay: 2 };
    assert.equal((await control.call('PUT', '/api/v1/rate-limits/tiers/t50', { body })).status, 200);
  });

  test('must be there for a client to have them: every fault of both spellings with its path', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const allowedEndpoints = ['ep_0000000000000000000000000a'];
    const refused = await makeClient(control, { rateLimitTier: 'golden', allowedEndpoints });
    assert.equal(refused.status, 400, refused.text);
    assert.deepEqual(
      refused.body.errors.map(({ path }: Json) => path),
      ['body.allowedEndpoints[0]', 'body.rateLimitTier'],
    );
    assert.match(refused.body.errors[1].message, /^there is no such tier; there are free, basic, standard/);
    const client = await makeClient(control, {});
    const path = `/api/v1/clients/${client.body.data.id}`;
    const changed = await control.call('PUT', path, { body: { subscriptionTier: 'golden' } });
    assert.equal(changed.body.errors[0].path, 'body.subscriptionTier');
    assert.equal((await control.call('PUT', path, { body: { subscriptionTier: 'premium' } })).status, 200);
  });

  test('of a client stand beside its monthly quota, which is a whole number and can be cleared', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    for (const monthlyQuota of [0, -1, 1.5, 2 ** 31, '5']) {
      const refused = await makeClient(control, { monthlyQuota });
      assert.equal(refused.body.errors[0].path, 'body.monthlyQuota', String(monthlyQuota));
    }
    const client = await makeClient(control, { monthlyQuota: 2 ** 31 - 1 });
    const path = `/api/clients/${client.body.data.id}`;
    assert.equal((await control.call('GET', path)).body.data.monthlyQuota, 2 ** 31 - 1);
    assert.equal((await control.call('PUT', path, { body: { monthlyQuota: 5 } })).body.data.monthlyQuota, 5);
    assert.equal((await control.call('PUT', path, { body: { monthlyQuota: null } })).body.data.monthlyQuota, undefined);
  });
});
