import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../../test/harness/api.ts';
import { createTestControl, keyPrincipal, operatorPrincipal, type TestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { credentialOf } from '../../../test/harness/principal.ts';
import { DEFAULT_TENANT_ID } from '../../db/schema.ts';
import type { GatewayConfig } from '../../gateway/snapshot.ts';

const BASE = '/api/v1/rate-limits';
const DEFAULTS = { requestsPerMinute: 100, requestsPerHour: 1_000, requestsPerDay: 10_000 };
const UPSTREAM = [{ name: 'orders', targets: [{ url: 'http://127.0.0.1:9000' }] }];

async function make(control: TestControl, path: string, body: object): Promise<Json> {
  const made = await control.call('POST', `/api/v1${path}`, { body });
  assert.ok(made.status < 300, made.text);
  return made.body.data;
}

async function makeClient(
  control: TestControl,
  body: object = {},
): Promise<{ id: string; keyId: string; key: string }> {
  const { id } = await make(control, '/api-clients', { name: 'Acme', contactEmail: 'a@b.c', ...body });
  const { id: keyId, key } = await make(control, '/api-keys', { name: 'k', clientId: id });
  return { id, keyId, key };
}

async function makeEndpoint(control: TestControl, body: object = {}): Promise<{ gatewayId: string; id: string }> {
  const gateway = await make(control, '/gateways', { name: 'shop', routePrefix: '/shop', upstreamServices: UPSTREAM });
  const path = `/gateways/${gateway.id}`;
  const { id } = await make(control, `${path}/endpoints`, { method: 'GET', path: '/orders', ...body });
  await make(control, `${path}/deploy`, {});
  return { gatewayId: gateway.id, id };
}

/** What the data plane is told of the limits of the endpoint. */
function configOf(gateways: readonly GatewayConfig[], id: string): unknown {
  const endpoint = gateways.flatMap(({ endpoints }) => endpoints).find((candidate) => candidate.id === id);
  return endpoint?.policies.find(({ name }) => name === 'rate-limit')?.config;
}

forEachDatabase('what is said of limits', (open) => {
  test('of a key takes the place of what it was made with, as a whole, and is taken back', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { id, apiKey } = await make(control, '/keys', { name: 'x', rateLimit: { requestsPerMinute: 1_000 } });
    const path = `${BASE}/keys/${id}`;
    const before = await control.call('GET', path);
    assert.deepEqual(before.body.data, {
      id,
      override: { requestsPerMinute: 1_000 },
      effective: { requestsPerMinute: 1_000 },
    });
    control.dataPlane.forgotten.length = 0;
    const put = await control.call('PUT', path, { body: { requestsPerHour: 60, burst: 7 } });
    assert.deepEqual(put.body.data, {
      id,
      override: { requestsPerHour: 60, burst: 7 },
      effective: { requestsPerHour: 60, burst: 7 },
    });
    const credential = await credentialOf(control, apiKey);
    assert.deepEqual(control.dataPlane.forgotten, [credential?.publicId]);
    assert.deepEqual(credential?.principal.limits, [
      { window: 'hour', limit: 60 },
      { algorithm: 'bucket', window: 'hour', limit: 60, burst: 7 },
    ]);
    const gone = await control.call('DELETE', path);
    assert.deepEqual(gone.body.data, { id, override: {}, effective: DEFAULTS });
    assert.deepEqual((await control.call('GET', `/api/v1/keys/${id}`)).body.data.rateLimit, DEFAULTS);
  });

  test('of the key of a client stands beside the client’s, or takes the place of its minute', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { keyId, key } = await makeClient(control, { rateLimits: { requestsPerMinute: 5, requestsPerDay: 50 } });
    const limits = async () => (await credentialOf(control, key))?.principal.limits;
    const day = { window: 'day', limit: 50, of: 'client' };
    await control.call('PUT', `${BASE}/keys/${keyId}`, { body: { rateLimitOverride: 200 } });
    assert.deepEqual(await limits(), [{ window: 'minute', limit: 200 }, day]);
    const shown = await control.call('PUT', `${BASE}/keys/${keyId}`, { body: { requestsPerMinute: 3 } });
    assert.deepEqual(shown.body.data.override, { requestsPerMinute: 3 });
    assert.deepEqual(await limits(), [
      { window: 'minute', limit: 3 },
      { window: 'minute', limit: 5, of: 'client' },
      day,
    ]);
  });

  test('of a client takes the place of its tier, and the tier comes back when it is taken back', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { id } = await makeClient(control, { rateLimitTier: 'free', monthlyQuota: 9 });
    const path = `${BASE}/clients/${id}`;
    const free = { requestsPerMinute: 30, requestsPerHour: 500, requestsPerDay: 5_000 };
    const about = { id, tier: 'free', monthlyQuota: 9 };
    assert.deepEqual((await control.call('GET', path)).body.data, { ...about, override: {}, effective: free });
    const own = { requestsPerDay: 7 };
    const put = await control.call('PUT', path, { body: own });
    assert.deepEqual(put.body.data, { ...about, override: own, effective: own });
    assert.deepEqual((await control.call('GET', `/api/v1/api-clients/${id}`)).body.data.rateLimits, own);
    assert.deepEqual((await control.call('DELETE', path)).body.data, { ...about, override: {}, effective: free });
  });

  test('of an endpoint holds at once, without a deploy, on whatever revision is live', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { gatewayId, id } = await makeEndpoint(control, { rateLimit: { requestsPerMinute: 5 } });
    const path = `${BASE}/endpoints/${id}`;
    const config = async () => configOf((await control.services.loadSnapshot()).gateways, id);
    assert.deepEqual((await control.call('GET', path)).body.data, { id, gatewayId, override: {} });
    const published = control.dataPlane.published.length;
    const body = { requestsPerHour: 9, cost: 3, perClient: { requestsPerMinute: 2 }, expose: false };
    const put = await control.call('PUT', path, { body });
    assert.deepEqual(put.body.data, { id, gatewayId, override: body });
    assert.equal(control.dataPlane.published.length, published + 1);
    assert.deepEqual(configOf(control.dataPlane.published.at(-1)?.gateways ?? [], id), {
      id,
      endpoint: { id, windows: [{ window: 'hour', limit: 9, expose: false }] },
      cost: 3,
      perClient: [{ window: 'minute', limit: 2, expose: false }],
    });
    // A new deploy changes nothing of it.
    await make(control, `/gateways/${gatewayId}/deploy`, {});
    assert.deepEqual(await config(), configOf(control.dataPlane.published.at(-1)?.gateways ?? [], id));
    // Without windows, those of the deployed endpoint go on.
    await control.call('PUT', path, { body: { cost: 2 } });
    const deployed = { endpoint: { id, windows: [{ window: 'minute', limit: 5 }] } };
    assert.deepEqual(await config(), { ...deployed, cost: 2 });
    await control.call('DELETE', path);
    assert.deepEqual(await config(), deployed);
  });

  test('of each client at an endpoint needs no limits of the endpoint itself', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { id } = await makeEndpoint(control);
    const body = { perClient: { requestsPerMinute: 2 } };
    assert.equal((await control.call('PUT', `${BASE}/endpoints/${id}`, { body })).status, 200);
    const { gateways } = await control.services.loadSnapshot();
    const perClient = [{ window: 'minute', limit: 2 }];
    assert.deepEqual(configOf(gateways, id), { endpoint: null, id, perClient });
  });

  test('of a tenant multiplies the limits in it, adds its own, and moves days and months to its time zone', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const path = `${BASE}/tenants/${DEFAULT_TENANT_ID}`;
    const { id, apiKey } = await make(control, '/keys', { name: 'x' });
    const endpoint = await makeEndpoint(control, { rateLimit: { requestsPerDay: 5 } });
    assert.deepEqual((await control.call('GET', path)).body.data, { id: DEFAULT_TENANT_ID, override: {} });
    const body = { requestsPerDay: 5_000, multiplier: 0.5, timeZone: 'America/New_York' };
    const put = await control.call('PUT', path, { body });
    assert.deepEqual(put.body.data, { id: DEFAULT_TENANT_ID, override: body });
    const timeZone = 'America/New_York';
    assert.deepEqual((await credentialOf(control, apiKey))?.principal.limits, [
      { window: 'minute', limit: 50 },
      { window: 'hour', limit: 500 },
      { window: 'day', limit: 5_000, timeZone },
      { window: 'day', limit: 5_000, of: 'tenant', timeZone },
    ]);
    assert.equal((await control.call('GET', `/api/v1/keys/${id}`)).body.data.rateLimit.requestsPerMinute, 50);
    assert.deepEqual(configOf(control.dataPlane.published.at(-1)?.gateways ?? [], endpoint.id), {
      endpoint: { id: endpoint.id, windows: [{ window: 'day', limit: 5, timeZone }] },
    });
    assert.deepEqual((await control.call('DELETE', path)).body.data.override, {});
    assert.equal((await control.call('GET', `/api/v1/keys/${id}`)).body.data.rateLimit.requestsPerMinute, 100);
  });

  test('is changed only while it is what whoever changes it knows', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const client = await makeClient(control, { rateLimitTier: 'free' });
    const endpoint = await makeEndpoint(control);
    const paths = [
      `keys/${client.keyId}`,
      `clients/${client.id}`,
      `endpoints/${endpoint.id}`,
      `tenants/${DEFAULT_TENANT_ID}`,
    ].map((tail) => `${BASE}/${tail}`);
    for (const path of paths) {
      const etag = String((await control.call('GET', path)).headers['etag']);
      const headers = { 'if-match': etag };
      const unchanged = await control.call('GET', path, { headers: { 'if-none-match': etag } });
      assert.equal(unchanged.status, 304, path);
      const put = await control.call('PUT', path, { body: { requestsPerDay: 1 }, headers });
      assert.equal(put.status, 200, `${path} ${put.text}`);
      assert.equal((await control.call('PUT', path, { body: { requestsPerDay: 2 }, headers })).status, 412, path);
      assert.equal((await control.call('DELETE', path, { headers })).status, 412, path);
      const now = { 'if-match': String(put.headers['etag']) };
      assert.equal((await control.call('DELETE', path, { headers: now })).status, 200, path);
    }
  });

  test('by a tier shows in the ETag of who has it, and stands in the way of no change of theirs', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { id } = await makeClient(control, { rateLimitTier: 'free' });
    const path = `${BASE}/clients/${id}`;
    const etag = String((await control.call('GET', path)).headers['etag']);
    await control.call('PUT', `${BASE}/tiers/free`, { body: { requestsPerDay: 1 } });
    assert.equal((await control.call('GET', path, { headers: { 'if-none-match': etag } })).status, 200);
    const headers = { 'if-match': etag };
    assert.equal((await control.call('PUT', path, { body: { requestsPerDay: 2 }, headers })).status, 200);
  });

  test('that cannot be counted is refused with every fault, each with its path', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const client = await makeClient(control);
    const endpoint = await makeEndpoint(control);
    const wrong = { requestsPerMinute: 0, requestsPerHour: -1, requestsPerDay: 1.5, requestsPerMonth: 2 ** 31 };
    const common = ['requestsPerMinute', 'requestsPerHour', 'requestsPerDay', 'requestsPerMonth', 'requestsPerSecond'];
    const cases: readonly [path: string, body: object, paths: readonly string[]][] = [
      [`keys/${client.keyId}`, { rateLimitOverride: 0 }, ['rateLimitOverride']],
      [`clients/${client.id}`, { cost: 1 }, ['cost']],
      [
        `endpoints/${endpoint.id}`,
        { cost: 0, perClient: { burst: 1, requestsPerYear: 2 }, expose: 'no' },
        ['cost', 'perClient.requestsPerYear', 'expose'],
      ],
      [`tenants/${DEFAULT_TENANT_ID}`, { multiplier: 0, timeZone: 'Mars/Olympus' }, ['multiplier', 'timeZone']],
    ];
    for (const [tail, body, paths] of cases) {
      const path = `${BASE}/${tail}`;
      const refused = await control.call('PUT', path, { body: { ...wrong, requestsPerSecond: 1, ...body } });
      assert.equal(refused.status, 400, path);
      assert.deepEqual(
        new Set(refused.body.errors.map((fault: Json) => fault.path)),
        new Set([...common, ...paths].map((name) => `body.${name}`)),
      );
      assert.ok(refused.body.errors.every(({ message }: Json) => typeof message === 'string' && message !== ''));
      assert.equal((await control.call('PUT', path, { body: {} })).body.errors[0].path, 'body', path);
      const burst = await control.call('PUT', path, { body: { requestsPerDay: 1, burst: 1 } });
      assert.equal(burst.body.errors[0].path, 'body.burst', path);
    }
    const perClient = { perClient: { requestsPerDay: 1, burst: 1 } };
    const nested = await control.call('PUT', `${BASE}/endpoints/${endpoint.id}`, { body: perClient });
    assert.equal(nested.body.errors[0].path, 'body.perClient.burst');
  });

  test('is nobody’s to say of themselves: keys of clients change no limits, tenants none of their own', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const client = await makeClient(control);
    const endpoint = await makeEndpoint(control);
    const ofClient = keyPrincipal(['*'], { clientId: client.id });
    for (const tail of [`keys/${client.keyId}`, `clients/${client.id}`, `endpoints/${endpoint.id}`]) {
      const path = `${BASE}/${tail}`;
      assert.equal((await control.call('GET', path, { as: ofClient })).status, 200, tail);
      const put = await control.call('PUT', path, { as: ofClient, body: { requestsPerDay: 9 } });
      assert.deepEqual([put.status, put.body.code], [403, 'insufficient_scope'], tail);
      assert.equal((await control.call('DELETE', path, { as: ofClient })).status, 403, tail);
    }
    const { id: tenantId } = await make(control, '/tenants', { name: 'Acme', slug: 'acme' });
    const theirs = operatorPrincipal({ tenantId });
    const path = `${BASE}/tenants/${tenantId}`;
    assert.equal((await control.call('GET', path, { as: theirs })).status, 200);
    for (const as of [theirs, keyPrincipal(['*'])]) {
      const put = await control.call('PUT', path, { as, body: { multiplier: 2 } });
      assert.ok(['platform_only', 'not_found'].includes(put.body.code), put.text);
    }
    assert.equal((await control.call('PUT', path, { body: { multiplier: 2 } })).status, 200);
  });

  test('needs a permission, which is told', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { id } = await make(control, '/keys', { name: 'x' });
    const path = `${BASE}/keys/${id}`;
    const reader = operatorPrincipal({ scopes: ['admin:rate-limits:read'] });
    assert.equal((await control.call('GET', path, { as: reader })).status, 200);
    const body = { requestsPerDay: 1 };
    const refused = await control.call('PUT', path, { as: reader, body });
    assert.match(refused.body.detail, /needs admin:rate-limits:update or rate-limits:update/);
    const writer = operatorPrincipal({ scopes: ['admin:rate-limits:update'] });
    assert.equal((await control.call('PUT', path, { as: writer, body })).status, 200);
    assert.equal((await control.call('GET', path, { as: operatorPrincipal({ scopes: [] }) })).status, 403);
  });

  test('of a revoked key, or of the key of somebody mightier, stays as it is', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const { id } = await make(control, '/keys', { name: 'x' });
    await control.call('DELETE', `/api/v1/keys/${id}`);
    const body = { requestsPerDay: 1 };
    assert.equal((await control.call('PUT', `${BASE}/keys/${id}`, { body })).body.code, 'key_is_revoked');
    const ada = { name: 'Ada', email: 'ada@example.com', role: 'SUPER_ADMIN' };
    const operator = await make(control, '/operators', ada);
    const keys = await control.call('GET', `/api/v1/keys?owner=${ada.email}`);
    assert.equal(keys.body.data.length, 1, operator.id);
    const as = operatorPrincipal({ scopes: ['admin:rate-limits:*'] });
    const put = await control.call('PUT', `${BASE}/keys/${keys.body.data[0].id}`, { as, body });
    assert.equal(put.body.code, 'beyond_reach');
  });
});
