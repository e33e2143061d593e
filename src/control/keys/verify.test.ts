import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createTestControl,
  keyPrincipal,
  NOW_MS,
  type Answered,
  type TestControl,
} from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { forgeKeyText } from '../../../test/harness/forged-key.ts';
import { principalOf } from '../../../test/harness/principal.ts';
import type { Principal } from '../../gateway/ports.ts';
import { digestOf } from '../../lib/foreign-key-text.ts';
import { newKeyText, parsePublicId } from '../../lib/key-text.ts';
import { pepperIdOf } from '../../lib/pepper.ts';

const SIDECAR = keyPrincipal(['admin:keys:verify']);

interface Made {
  readonly id: string;
  readonly apiKey: string;
}

async function make(control: TestControl, path: string, body: object): Promise<Made> {
  const answer = await control.call('POST', `/api/v1${path}`, { body });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data;
}

const makeKey = (control: TestControl, body: object = {}): Promise<Made> =>
  make(control, '/keys', { name: 'a', ...body });

function verify(control: TestControl, key: string, as: Principal = SIDECAR): Promise<Answered> {
  return control.call('POST', '/api/v1/keys/verify', { as, body: { key } });
}

forEachDatabase('POST /keys/verify', (open) => {
  test('tells whoever brings the text all that a gateway has to hold its caller to', async () => {
    const control = createTestControl(await open());
    const { id, apiKey } = await makeKey(control, {
      name: 'billing',
      scopes: ['read:orders'],
      rateLimit: { requestsPerMinute: 60, requestsPerDay: 5, burst: 10 },
      allowedIps: ['10.0.0.0/8'],
      expiresAt: '2026-04-01T00:00:00Z',
    });
    const { status, body } = await verify(control, apiKey);
    assert.equal(status, 200);
    assert.deepEqual(body.data, {
      isValid: true,
      key: {
        id,
        name: 'billing',
        kind: 'key',
        status: 'active',
        expiresAt: '2026-04-01T00:00:00.000Z',
        scopes: ['orders:read'],
        limits: [
          { of: 'key', algorithm: 'sliding', window: 'minute', limit: 60 },
          { of: 'key', algorithm: 'fixed', window: 'day', limit: 5 },
          { of: 'key', algorithm: 'bucket', window: 'minute', limit: 60, burst: 10 },
        ],
        allowedIps: ['10.0.0.0/8'],
      },
    });
  });

  test('tells of the key of a client what the client leaves of it', async () => {
    const control = createTestControl(await open());
    const { id } = await make(control, '/api-clients', {
      name: 'c',
      contactEmail: 'a@b.c',
      scopes: ['leads:read'],
    });
    const terms = {
      rateLimits: { requestsPerHour: 7 },
      monthlyQuota: 9,
      ipWhitelist: ['192.0.2.1'],
      allowedEndpoints: ['GET /leads/*'],
    };
    const changed = await control.call('PUT', `/api/v1/clients/${id}`, { body: terms });
    assert.equal(changed.status, 200, changed.text);
    const { apiKey } = await makeKey(control, { clientId: id, scopes: ['leads:read'] });
    const { key } = (await verify(control, apiKey)).body.data;
    assert.deepEqual(key.client, {
      id,
      status: 'active',
      ipWhitelist: ['192.0.2.1'],
      allowedEndpoints: ['GET /leads/*'],
    });
    assert.deepEqual(key.limits, [
      { of: 'client', algorithm: 'fixed', window: 'hour', limit: 7 },
      { of: 'client', algorithm: 'fixed', window: 'month', limit: 9 },
    ]);

    await control.call('POST', `/api/v1/clients/${id}/suspend`);
    const suspended = (await verify(control, apiKey)).body.data;
    assert.deepEqual([suspended.isValid, suspended.reason], [false, 'client_suspended']);
    assert.equal(suspended.key.client.status, 'suspended');
  });

  test('tells why a key that proves itself does not work, in the codes that callers get', async () => {
    const control = createTestControl(await open());
    const revoked = await makeKey(control);
    await control.call('DELETE', `/api/v1/keys/${revoked.id}`);
    const expired = await makeKey(control, { expiresAt: '2026-03-01T12:00:01Z' });
    const rotated = await makeKey(control);
    await control.call('POST', `/api/v1/keys/${rotated.id}/rotate`, { body: { deprecationPeriod: 1 } });
    assert.equal((await verify(control, rotated.apiKey)).body.data.key.status, 'deprecated');
    control.setNow(NOW_MS + 1_000);
    const cases: [string, string][] = [
      [revoked.apiKey, 'key_revoked'],
      [expired.apiKey, 'key_expired'],
      [rotated.apiKey, 'key_superseded'],
    ];
    for (const [key, reason] of cases) {
      const { isValid, reason: told } = (await verify(control, key)).body.data;
      assert.deepEqual([isValid, told], [false, reason]);
    }
  });

  test('tells nothing of a key to one who does not bring all of it', async () => {
    const control = createTestControl(await open());
    const { apiKey } = await makeKey(control, { name: 'of a secret name' });
    for (const text of [
      newKeyText('tg_test').text,
      apiKey.slice(0, -1),
      forgeKeyText(parsePublicId(apiKey) ?? ''),
      'x',
      'x'.repeat(512),
    ])
      assert.deepEqual((await verify(control, text)).body.data, { isValid: false, reason: 'invalid_key' }, text);
  });

  test('knows a key from elsewhere', async () => {
    const control = createTestControl(await open());
    const text = 'ins_abc123_xxxxxxxxxxxxxxxxxxxxxx';
    const keys = [{ hash: digestOf(text), keyPrefix: 'ins_abc1', name: 'a', scopes: ['leads:read'] }];
    const imported = await control.call('POST', '/api/v1/keys/import', { body: { keys } });
    const { isValid, key } = (await verify(control, text)).body.data;
    assert.deepEqual([isValid, key.id], [true, imported.body.data.keys[0].id]);
    assert.equal((await verify(control, `${text}x`)).body.data.isValid, false);
  });

  test('needs a permission of its own, or that to read keys', async () => {
    const control = createTestControl(await open());
    const { apiKey } = await makeKey(control);
    for (const scope of ['admin:keys:verify', 'keys:read', 'admin:keys:read', '*'])
      assert.equal((await verify(control, apiKey, keyPrincipal([scope]))).status, 200, scope);
    for (const scope of ['keys:create', 'orders:read', 'admin:logs:read'])
      assert.equal((await verify(control, apiKey, keyPrincipal([scope]))).status, 403, scope);
    const nobody = await control.call('POST', '/api/v1/keys/verify', { as: null, body: { key: apiKey } });
    assert.equal(nobody.status, 401);
  });

  test('knows no key of another tenant, and for the key of a client none of another client', async () => {
    const control = createTestControl(await open());
    const { apiKey } = await makeKey(control);
    const stranger = keyPrincipal(['*'], { tenantId: 'ten_other' });
    assert.deepEqual((await verify(control, apiKey, stranger)).body.data, { isValid: false, reason: 'invalid_key' });

    const client = { contactEmail: 'a@b.c', scopes: ['admin:keys:verify'] };
    const first = await make(control, '/api-clients', { ...client, name: 'first' });
    const second = await make(control, '/api-clients', { ...client, name: 'second' });
    const ofFirst = await makeKey(control, { clientId: first.id, scopes: ['admin:keys:verify'] });
    const ofSecond = await makeKey(control, { clientId: second.id });
    const as = await principalOf(control, ofFirst.apiKey);
    assert.equal((await verify(control, ofFirst.apiKey, as)).body.data.isValid, true);
    assert.equal((await verify(control, ofSecond.apiKey, as)).body.data.isValid, false);
    assert.equal((await verify(control, apiKey, as)).body.data.isValid, false);
  });

  test('hashes a key anew that was proved under the previous pepper', async () => {
    const { db } = await open();
    const before = createTestControl({ db });
    const { id, apiKey } = await makeKey(before);
    const old = before.services.hmacSecret;
    const control = createTestControl({ db }, { hmacSecret: 'the new pepper', previousHmacSecret: old });
    assert.equal((await verify(control, apiKey)).body.data.isValid, true);
    const { pepper } = await db.selectFrom('keys').select('pepper').where('id', '=', id).executeTakeFirstOrThrow();
    assert.equal(pepper, pepperIdOf('the new pepper'));
    const after = createTestControl({ db }, { hmacSecret: 'the new pepper' });
    assert.equal((await verify(after, apiKey)).body.data.isValid, true);
  });
});
