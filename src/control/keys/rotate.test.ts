import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createTestControl,
  keyPrincipal,
  NOW_MS,
  operatorPrincipal,
  type TestControl,
} from '../../../test/harness/control.ts';
import type { Json } from '../../../test/harness/api.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { findKeyRefusal } from '../../lib/key-state.ts';
import { hashKeyText, isKeyHash, parsePublicId } from '../../lib/key-text.ts';
import { loadCredential } from '../publish/credentials.ts';

const DAY_MS = 86_400_000;

async function make(control: TestControl, body: object): Promise<{ id: string; apiKey: string }> {
  const answer = await control.call('POST', '/api/v1/keys', { body: { name: 'a', ...body } });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data;
}

async function rotate(control: TestControl, id: string, body: object = {}): Promise<Json> {
  const answer = await control.call('POST', `/api/v1/keys/${id}/rotate`, { body });
  assert.equal(answer.status, 200, answer.text);
  return answer.body.data;
}

/** What a call with the key would be refused with at that moment, as the gateway threads see it. */
async function refusalOf({ services }: TestControl, text: string, nowMs: number): Promise<string | undefined> {
  const credential = await loadCredential(services.db, parsePublicId(text) ?? '', {});
  assert.ok(credential !== undefined && isKeyHash(credential.hash, hashKeyText(text, services.hmacSecret)));
  return findKeyRefusal(credential, nowMs);
}

forEachDatabase('the rotation of a key', (open) => {
  test('is what journey 6 calls it: a new key, and the old one deprecated for the period', async () => {
    const control = createTestControl(await open());
    const old = await make(control, { scopes: ['orders:read'], owner: 'ops', metadata: { a: 1 } });
    control.setNow(NOW_MS + 1_000);
    const { newKey, oldKey } = await rotate(control, old.id, { deprecationPeriod: 86_400 });
    assert.deepEqual(oldKey, { id: old.id, status: 'deprecated', expiresAt: '2026-03-02T12:00:01.000Z' });
    assert.notEqual(newKey.id, old.id);
    assert.notEqual(newKey.apiKey, old.apiKey);
    const { name, scopes, owner, metadata, status, createdAt, expiresAt } = newKey;
    assert.deepEqual(
      { name, scopes, owner, metadata, status, createdAt, expiresAt },
      {
        name: 'a',
        scopes: ['orders:read'],
        owner: 'ops',
        metadata: { a: 1 },
        status: 'active',
        createdAt: '2026-03-01T12:00:01.000Z',
        expiresAt: undefined,
      },
    );
    const shown = (await control.call('GET', `/api/v1/keys/${old.id}`)).body.data;
    assert.deepEqual(
      [shown.status, shown.deprecatedAt, shown.replacedBy],
      ['deprecated', '2026-03-01T12:00:01.000Z', newKey.id],
    );
    assert.deepEqual(control.dataPlane.forgotten, [parsePublicId(old.apiKey)]);
  });

  test('is what the guide calls it on the compact surface, without the old secret', async () => {
    const control = createTestControl(await open());
    const old = await make(control, {
      name: 'Service API Key',
      owner: 'Example Service',
      scopes: ['read:data', 'write:data'],
      expiresInDays: 365,
    });
    control.setNow(NOW_MS + 10 * DAY_MS);
    const { status, body, text } = await control.call('POST', `/keys/${old.id}/rotate`, {
      body: { transitionPeriodDays: 7 },
    });
    assert.equal(status, 200);
    assert.deepEqual(body, {
      oldKey: { id: old.id, status: 'deprecated', expiresAt: NOW_MS + 17 * DAY_MS },
      newKey: {
        id: body.newKey.id,
        key: body.newKey.key,
        name: 'Service API Key',
        owner: 'Example Service',
        scopes: ['read:data', 'write:data'],
        status: 'active',
        createdAt: NOW_MS + 10 * DAY_MS,
        expiresAt: NOW_MS + 375 * DAY_MS,
      },
    });
    assert.ok(!text.includes(old.apiKey));
  });

  test('lets both keys work until the end of the grace; then the old one is revoked, by the time alone', async () => {
    const control = createTestControl(await open());
    const old = await make(control, {});
    const { newKey, oldKey } = await rotate(control, old.id, { deprecationPeriod: 60 });
    const endMs = NOW_MS + 60_000;
    assert.equal(await refusalOf(control, newKey.apiKey, endMs), undefined);
    assert.equal(await refusalOf(control, old.apiKey, endMs - 1), undefined);
    assert.equal(await refusalOf(control, old.apiKey, endMs), 'key_superseded');
    const statusAt = async (nowMs: number): Promise<Json> => {
      control.setNow(nowMs);
      const { data } = (await control.call('GET', `/api/v1/keys/${old.id}`)).body;
      return [data.status, data.revokedAt];
    };
    assert.deepEqual(await statusAt(endMs - 1), ['deprecated', undefined]);
    assert.deepEqual(await statusAt(endMs), ['revoked', oldKey.expiresAt]);
    const listed = async (status: string): Promise<string[]> => {
      const { data } = (await control.call('GET', `/api/v1/keys?status=${status}`)).body;
      return data.map(({ id }: Json) => id);
    };
    assert.deepEqual(await listed('revoked'), [old.id]);
    assert.deepEqual(await listed('deprecated'), []);
    assert.deepEqual(await listed('active'), [newKey.id]);
    assert.deepEqual(await listed('expired'), []);
    control.setNow(endMs - 1);
    assert.deepEqual(await listed('deprecated'), [old.id]);
    assert.deepEqual(await listed('revoked'), []);
    control.setNow(endMs);
    const again = await control.call('DELETE', `/api/v1/keys/${old.id}`);
    assert.deepEqual(again.body.data, { id: old.id, status: 'revoked', revokedAt: oldKey.expiresAt });
  });

  test('takes a day when no period is told, and revokes at once when it is none', async () => {
    const control = createTestControl(await open());
    const patient = await rotate(control, (await make(control, {})).id);
    assert.equal(patient.oldKey.expiresAt, '2026-03-02T12:00:00.000Z');
    const leaked = await make(control, {});
    const { oldKey } = await rotate(control, leaked.id, { deprecationPeriod: 0 });
    assert.deepEqual(oldKey, { id: leaked.id, status: 'revoked', expiresAt: '2026-03-01T12:00:00.000Z' });
    assert.equal(await refusalOf(control, leaked.apiKey, NOW_MS), 'key_superseded');
  });

  test('lengthens no life: a date stays, days begin anew, the grace ends with the old key', async () => {
    const control = createTestControl(await open());
    const dated = await make(control, { expiresAt: '2026-03-01T13:00:00Z' });
    const { newKey, oldKey } = await rotate(control, dated.id, { deprecationPeriod: 86_400 });
    assert.equal(newKey.expiresAt, '2026-03-01T13:00:00.000Z');
    assert.equal(oldKey.expiresAt, '2026-03-01T13:00:00.000Z');

    const counted = await make(control, { expiresInDays: 30 });
    control.setNow(NOW_MS + 20 * DAY_MS);
    const first = await rotate(control, counted.id);
    assert.equal(Date.parse(first.newKey.expiresAt), NOW_MS + 50 * DAY_MS);
    control.setNow(NOW_MS + 30 * DAY_MS);
    const second = await rotate(control, first.newKey.id);
    assert.equal(Date.parse(second.newKey.expiresAt), NOW_MS + 60 * DAY_MS);

    const changed = await make(control, { expiresInDays: 30 });
    await control.call('PUT', `/api/v1/keys/${changed.id}`, { body: { expiresAt: '2026-06-01' } });
    assert.equal((await rotate(control, changed.id)).newKey.expiresAt, '2026-06-01T00:00:00.000Z');
  });

  test('keeps where and for what the key works', async () => {
    const control = createTestControl(await open());
    const terms = { environment: 'test', allowedIps: ['10.0.0.0/8'], rateLimit: { requestsPerHour: 7 } };
    const old = await make(control, terms);
    assert.match(old.apiKey, /^tg_test_test_/);
    const { newKey } = await rotate(control, old.id);
    assert.match(newKey.apiKey, /^tg_test_test_/);
    const { environment, allowedIps, rateLimit } = newKey;
    assert.deepEqual({ environment, allowedIps, rateLimit }, terms);
    const credential = await loadCredential(control.services.db, parsePublicId(newKey.apiKey) ?? '', {});
    assert.deepEqual(credential?.allowedIps, ['10.0.0.0/8']);
  });

  test('keeps the client of a key, who may rotate its own and no other', async () => {
    const control = createTestControl(await open());
    const makeClient = async (): Promise<string> => {
      const body = { name: 'c', contactEmail: 'a@b.c', scopes: ['leads:read', 'keys:*'], rateLimitTier: 'basic' };
      return (await control.call('POST', '/api/v1/api-clients', { body })).body.data.id;
    };
    const [clientId, otherId] = [await makeClient(), await makeClient()];
    const own = await make(control, { clientId, scopes: ['leads:read'] });
    const foreign = await make(control, { clientId: otherId, scopes: ['leads:read'] });
    const as = keyPrincipal(['leads:read', 'keys:update'], { clientId });
    const rotated = await control.call('POST', `/api/v1/keys/${own.id}/rotate`, { as, body: {} });
    assert.equal(rotated.status, 200, rotated.text);
    const { newKey } = rotated.body.data;
    assert.deepEqual([newKey.clientId, newKey.rateLimit.requestsPerMinute], [clientId, 60]);
    const refused = await control.call('POST', `/api/v1/keys/${foreign.id}/rotate`, { as, body: {} });
    assert.equal(refused.status, 404);
  });

  test('is refused with a code of its own for each key that it is not for', async () => {
    const control = createTestControl(await open());
    const revoked = await make(control, {});
    await control.call('DELETE', `/api/v1/keys/${revoked.id}`);
    const deprecated = await make(control, {});
    await rotate(control, deprecated.id, { deprecationPeriod: 7_200 });
    const superseded = await make(control, {});
    await rotate(control, superseded.id, { deprecationPeriod: 1 });
    const expired = await make(control, { expiresAt: '2026-03-01T12:30:00Z' });
    control.setNow(NOW_MS + 3_600_000);
    const cases = [
      { id: revoked.id, code: 'key_is_revoked' },
      { id: superseded.id, code: 'key_is_revoked' },
      { id: deprecated.id, code: 'key_is_deprecated' },
      { id: expired.id, code: 'key_is_expired' },
    ];
    for (const { id, code } of cases) {
      const answer = await control.call('POST', `/api/v1/keys/${id}/rotate`, { body: {} });
      assert.deepEqual([answer.status, answer.body.code], [409, code]);
    }
    const gone = await control.call('POST', '/api/v1/keys/key_nothing/rotate', { body: {} });
    assert.deepEqual([gone.status, gone.body.code], [404, 'not_found']);
    for (const method of ['PUT', 'DELETE']) {
      const body = method === 'PUT' ? { name: 'b' } : undefined;
      const answer = await control.call(method, `/api/v1/keys/${expired.id}`, { body });
      assert.deepEqual([answer.status, answer.body.code], [409, 'key_is_expired'], method);
    }
  });

  test('is refused with the path of what is wrong', async () => {
    const control = createTestControl(await open());
    const { id } = await make(control, {});
    const cases: [object, string][] = [
      [{ deprecationPeriod: -1 }, 'body.deprecationPeriod'],
      [{ deprecationPeriod: 1.5 }, 'body.deprecationPeriod'],
      [{ deprecationPeriod: 366 * 86_400 }, 'body.deprecationPeriod'],
      [{ deprecationPeriod: '60' }, 'body.deprecationPeriod'],
      [{ transitionPeriodDays: 366 }, 'body.transitionPeriodDays'],
      [{ transitionPeriodDays: 1, deprecationPeriod: 1 }, 'body.transitionPeriodDays'],
      [{ transitionPeriod: 1 }, 'body.transitionPeriod'],
    ];
    for (const [body, path] of cases) {
      const answer = await control.call('POST', `/api/v1/keys/${id}/rotate`, { body });
      assert.deepEqual([answer.status, answer.body.errors?.[0]?.path], [400, path], JSON.stringify(body));
    }
  });

  test('gives nobody a key that can do more than they may give away', async () => {
    const control = createTestControl(await open());
    const { id } = await make(control, { scopes: ['orders:read', 'requests:read'] });
    const refused = await control.call('POST', `/api/v1/keys/${id}/rotate`, {
      as: keyPrincipal(['keys:update', 'orders:read']),
      body: {},
    });
    assert.deepEqual([refused.status, refused.body.code], [403, 'scope_not_grantable']);
    assert.deepEqual(
      refused.body.errors.map(({ path }: Json) => path),
      ['key.scopes[1]'],
    );
    const without = await control.call('POST', `/api/v1/keys/${id}/rotate`, {
      as: keyPrincipal(['orders:read', 'requests:read']),
      body: {},
    });
    assert.deepEqual([without.status, without.body.code], [403, 'insufficient_scope']);
    assert.equal((await control.call('GET', `/api/v1/keys/${id}`)).body.data.status, 'active');
    const allowed = await control.call('POST', `/api/v1/keys/${id}/rotate`, {
      as: keyPrincipal(['keys:update', 'orders:*', 'requests:read']),
      body: {},
    });
    assert.equal(allowed.status, 200);
  });

  test("hands an operator's key to that operator, or to who manages operators, and to nobody else", async () => {
    const control = createTestControl(await open());
    const setup = await control.call('POST', '/setup', { as: null, body: { name: 'A', email: 'a@b.c' } });
    const path = `/api/v1/keys/${setup.body.keyId}/rotate`;
    const keyAdmin = operatorPrincipal({ operatorId: 'usr_other', scopes: ['admin:keys:*'] });
    const refused = await control.call('POST', path, { as: keyAdmin, body: {} });
    assert.deepEqual([refused.status, refused.body.code], [403, 'insufficient_scope']);
    const userAdmin = operatorPrincipal({ operatorId: 'usr_other', scopes: ['admin:keys:*', 'admin:users:*'] });
    const escalating = await control.call('POST', path, { as: userAdmin, body: {} });
    assert.deepEqual([escalating.status, escalating.body.code], [403, 'scope_not_grantable']);
    const own = await control.call('POST', path, {
      as: operatorPrincipal({ operatorId: setup.body.id, keyId: setup.body.keyId }),
      body: {},
    });
    assert.equal(own.status, 200, own.text);
    assert.equal(own.body.data.newKey.operatorId, setup.body.id);
    // The old one is about to end: the new one is the last that works.
    const last = await control.call('DELETE', `/api/v1/keys/${own.body.data.newKey.id}`);
    assert.deepEqual([last.status, last.body.code], [409, 'last_operator_key']);
  });

  test('happens once when it is asked for twice at the same time', async () => {
    const control = createTestControl(await open());
    const { id } = await make(control, {});
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => control.call('POST', `/api/v1/keys/${id}/rotate`, { body: {} })),
    );
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 409, 409, 409, 409]);
    assert.equal((await control.call('GET', '/api/v1/keys?status=active')).body.meta.total, 1);
  });

  test('lets the grace be changed or ended, but not made endless', async () => {
    const control = createTestControl(await open());
    const old = await make(control, {});
    await rotate(control, old.id, { deprecationPeriod: 60 });
    const longer = await control.call('PUT', `/api/v1/keys/${old.id}`, { body: { expiresAt: '2026-03-05' } });
    assert.deepEqual([longer.status, longer.body.data.status], [200, 'deprecated']);
    assert.equal(await refusalOf(control, old.apiKey, NOW_MS + 120_000), undefined);
    const endless = await control.call('PUT', `/api/v1/keys/${old.id}`, { body: { expiresAt: null } });
    assert.deepEqual([endless.status, endless.body.code], [409, 'key_is_deprecated']);
    const ended = await control.call('DELETE', `/api/v1/keys/${old.id}`);
    assert.equal(ended.body.data.revokedAt, '2026-03-01T12:00:00.000Z');
    assert.equal(await refusalOf(control, old.apiKey, NOW_MS), 'key_revoked');
  });

  test('of a key of another tenant is 404, on both surfaces', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { id } = await make(control, {});
    await db
      .insertInto('tenants')
      .values({ id: 'ten_other', name: 'Other', slug: 'other', created_at: new Date() })
      .execute();
    const as = operatorPrincipal({ tenantId: 'ten_other' });
    for (const path of ['/api/v1/keys', '/keys']) {
      const answer = await control.call('POST', `${path}/${id}/rotate`, { as, body: {} });
      assert.deepEqual([answer.status, answer.body.code], [404, 'not_found']);
    }
  });
});
