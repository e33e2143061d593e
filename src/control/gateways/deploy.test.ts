import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createTestControl,
  NOW_MS,
  operatorPrincipal,
  type Answered,
  type CallOptions,
  type TestControl,
} from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { DEFAULT_TENANT_ID } from '../../db/schema.ts';
import { loadSnapshot } from '../publish/snapshots.ts';

const SERVICE = { name: 'orders', targets: [{ url: 'http://127.0.0.1:9000' }] };

/** A gateway with its endpoints, not deployed. */
async function draft(
  control: TestControl,
  gateway: object,
  endpoints: readonly object[],
  options: CallOptions = {},
): Promise<string> {
  const made = await control.call('POST', '/api/v1/gateways', {
    ...options,
    body: { upstreamServices: [SERVICE], ...gateway },
  });
  assert.equal(made.status, 201, made.text);
  const { id } = made.body.data;
  for (const [i, body] of endpoints.entries()) {
    // A millisecond apart: within one, their order is left to chance.
    control.setNow(NOW_MS + i);
    const answer = await control.call('POST', `/api/v1/gateways/${id}/endpoints`, { ...options, body });
    assert.equal(answer.status, 201, answer.text);
  }
  control.setNow(NOW_MS);
  return id;
}

function deploy(control: TestControl, id: string, options: CallOptions = {}): Promise<Answered> {
  return control.call('POST', `/api/v1/gateways/${id}/deploy`, options);
}

forEachDatabase('a deploy', (open) => {
  test('puts the draft on the air as the data plane reads it', async () => {
    const control = createTestControl(await open());
    const id = await draft(
      control,
      { name: 'shop', upstreamServices: [{ ...SERVICE, timeout: 1_500, stripPrefix: true }], timeoutSeconds: 7 },
      [
        { method: 'GET', path: '/open', authRequired: false },
        {
          method: 'GET',
          path: '/open/limited',
          authRequired: false,
          rateLimit: { requestsPerMinute: 5 },
          timeoutSeconds: 2,
        },
        {
          method: 'POST',
          path: '/users/:id',
          requiredScopes: ['read:users'],
          rateLimit: { requestsPerDay: 9, requestsPerMinute: 1 },
        },
        { method: 'GET', path: '/files/*', upstreamUrl: 'https://files.example.com/root' },
        { method: 'GET', path: '/off', isActive: false },
      ],
    );
    const answer = await deploy(control, id);
    assert.equal(answer.status, 200, answer.text);
    const { revisionId, ...rest } = answer.body.data;
    assert.match(revisionId, /^rev_/);
    assert.deepEqual(rest, {
      gatewayId: id,
      revision: 1,
      deployedAt: new Date(NOW_MS).toISOString(),
      changes: {
        added: ['GET /shop/open', 'GET /shop/open/limited', 'POST /shop/users/{id}', 'GET /shop/files/*'],
        removed: [],
        changed: [],
      },
    });
    const [snapshot] = control.dataPlane.published;
    assert.equal(snapshot?.version, 7);
    assert.deepEqual(snapshot?.gateways[0], control.services.management);
    const live = snapshot?.gateways[1];
    const [open1, limited, users, files] = live?.endpoints ?? [];
    const retry = { attempts: 1, statuses: [502, 503, 504] };
    assert.deepEqual(live, {
      id,
      tenantId: DEFAULT_TENANT_ID,
      name: 'shop',
      routePrefix: '/shop',
      services: [
        { name: 'orders', targets: [{ url: 'http://127.0.0.1:9000' }], stripPrefix: true, retry },
        {
          name: 'https://files.example.com/root',
          targets: [{ url: 'https://files.example.com/root' }],
          stripPrefix: false,
          retry,
        },
      ],
      endpoints: [
        {
          id: open1?.id,
          method: 'GET',
          path: '/open',
          service: 'orders',
          timeoutMs: 1_500,
          policies: [{ name: 'rate-limit', config: { endpoint: null } }],
        },
        {
          id: limited?.id,
          method: 'GET',
          path: '/open/limited',
          service: 'orders',
          timeoutMs: 2_000,
          policies: [
            {
              name: 'rate-limit',
              config: { endpoint: { id: limited?.id, windows: [{ window: 'minute', limit: 5 }] } },
            },
          ],
        },
        {
          id: users?.id,
          method: 'POST',
          path: '/users/{id}',
          service: 'orders',
          timeoutMs: 1_500,
          policies: [
            { name: 'api-key', config: {} },
            { name: 'client', config: {} },
            { name: 'scopes', config: { required: ['read:users'] } },
            {
              name: 'rate-limit',
              config: {
                endpoint: {
                  id: users?.id,
                  windows: [
                    { window: 'minute', limit: 1 },
                    { window: 'day', limit: 9 },
                  ],
                },
              },
            },
          ],
        },
        {
          id: files?.id,
          method: 'GET',
          path: '/files/*',
          service: 'https://files.example.com/root',
          timeoutMs: 7_000,
          policies: [
            { name: 'api-key', config: {} },
            { name: 'client', config: {} },
            { name: 'rate-limit', config: { endpoint: null } },
          ],
        },
      ],
    });
    const shown = await control.call('GET', `/api/v1/gateways/${id}`);
    assert.deepEqual(shown.body.data.deployed, { revision: 1, revisionId, deployedAt: new Date(NOW_MS).toISOString() });
  });

  test('tells what changed since the last one, and numbers its revisions', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const id = await draft(control, { name: 'shop' }, [
      { method: 'GET', path: '/a' },
      { method: 'GET', path: '/b' },
      { method: 'GET', path: '/c' },
    ]);
    await deploy(control, id);
    const list = await control.call('GET', `/api/v1/gateways/${id}/endpoints`);
    const [a, b] = list.body.data;
    await control.call('PUT', `/api/v1/gateways/${id}/endpoints/${a.id}`, { body: { authRequired: false } });
    await control.call('DELETE', `/api/v1/gateways/${id}/endpoints/${b.id}`);
    await control.call('POST', `/api/v1/gateways/${id}/endpoints`, { body: { method: 'GET', path: '/d' } });
    const answer = await deploy(control, id);
    assert.equal(answer.body.data.revision, 2);
    assert.deepEqual(answer.body.data.changes, {
      added: ['GET /shop/d'],
      removed: ['GET /shop/b'],
      changed: ['GET /shop/a'],
    });
    const again = await deploy(control, id);
    assert.deepEqual(again.body.data.changes, { added: [], removed: [], changed: [] });
    const kept = await db.selectFrom('revisions').select(['number', 'created_by']).orderBy('number').execute();
    assert.deepEqual(
      kept,
      [1, 2, 3].map((number) => ({ number, created_by: 'usr_operator' })),
    );
  });

  test('alone makes changes live', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const id = await draft(control, { name: 'shop' }, [{ method: 'GET', path: '/a' }]);
    await deploy(control, id);
    const before = (await loadSnapshot(db, control.services.management)).gateways;
    await control.call('PUT', `/api/v1/gateways/${id}`, { body: { routePrefix: '/other' } });
    await control.call('POST', `/api/v1/gateways/${id}/endpoints`, { body: { method: 'GET', path: '/b' } });
    assert.deepEqual((await loadSnapshot(db, control.services.management)).gateways, before);
  });

  test('is refused with every fault, in the terms of the draft, and leaves what was live', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const taken = await draft(control, { name: 'taken', routePrefix: '/taken' }, [{ method: 'GET', path: '/x/{id}' }]);
    await deploy(control, taken);
    const services = [SERVICE, { ...SERVICE, name: 'users' }];
    const id = await draft(control, { name: 'shop', routePrefix: '/', upstreamServices: services }, [
      { method: 'GET', path: '/fine', service: 'orders' },
      { method: 'GET', path: '/off', service: 'nowhere', isActive: false },
      { method: 'GET', path: '/unsure' },
      { method: 'GET', path: '/lost', service: 'nowhere' },
      { method: 'GET', path: '/fine/{a}', service: 'orders' },
      { method: 'GET', path: '/fine/{b}', service: 'orders' },
      { method: 'POST', path: '/api/v1/keys', service: 'orders' },
      { method: 'GET', path: '/health', service: 'orders' },
      { method: 'GET', path: '/taken/x/{name}', service: 'orders' },
      { method: 'GET', path: '/scoped', service: 'orders', authRequired: false, requiredScopes: ['a:b'] },
    ]);
    const before = await loadSnapshot(db, control.services.management);
    const answer = await deploy(control, id);
    assert.deepEqual([answer.status, answer.body.code], [422, 'undeployable']);
    assert.deepEqual(answer.body.errors, [
      { path: 'endpoints[2].service', message: 'GET /unsure: name one of orders, users' },
      {
        path: 'endpoints[9].requiredScopes',
        message: 'GET /scoped: scopes can be asked only of callers with a key; set authRequired, or require no scopes',
      },
      { path: 'endpoints[3].service', message: 'GET /lost: there is no service "nowhere" in this gateway' },
      { path: 'endpoints[5].path', message: 'GET /fine/{b} is in this gateway twice' },
      {
        path: 'endpoints[6].path',
        message: 'POST /api/v1/keys would shadow a route of the management API; choose another prefix',
      },
      {
        path: 'endpoints[7].path',
        message: 'GET /health would shadow a route of the management API; choose another prefix',
      },
      { path: 'endpoints[8].path', message: 'GET /taken/x/{name} is published by gateway "taken" already' },
    ]);
    assert.deepEqual(await loadSnapshot(db, control.services.management), before);
    assert.equal(control.dataPlane.published.length, 1);
    assert.equal((await control.call('GET', `/api/v1/gateways/${id}`)).body.data.deployed, undefined);
  });

  test('of a gateway whose endpoints have no service says so', async () => {
    const control = createTestControl(await open());
    const id = await draft(control, { name: 'shop', upstreamServices: [] }, [{ method: 'GET', path: '/a' }]);
    const answer = await deploy(control, id);
    assert.deepEqual(answer.body.errors, [
      {
        path: 'endpoints[0].service',
        message: 'GET /a: the gateway has no service; give it one, or the endpoint an upstreamUrl',
      },
    ]);
  });

  test('does not tell one tenant how another calls its gateways', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    await db
      .insertInto('tenants')
      .values({ id: 'ten_other', name: 'Other', slug: 'other', created_at: new Date() })
      .execute();
    const as = operatorPrincipal({ tenantId: 'ten_other' });
    await deploy(
      control,
      await draft(control, { name: 'confidential', routePrefix: '/p' }, [{ method: 'GET', path: '/a' }]),
    );
    const refused = await deploy(
      control,
      await draft(control, { name: 'x', routePrefix: '/p' }, [{ method: 'GET', path: '/a' }], { as }),
      { as },
    );
    assert.equal(refused.status, 422);
    assert.doesNotMatch(refused.text, /confidential/);
  });

  test('of two gateways that want the same route at once lets one through', async () => {
    const control = createTestControl(await open());
    const ids = [];
    for (const name of ['one', 'two'])
      ids.push(await draft(control, { name, routePrefix: '/p' }, [{ method: 'GET', path: '/a' }]));
    const answers = await Promise.all(ids.map((id) => deploy(control, id)));
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 422]);
  });

  test('many times at once gives each its own number', async () => {
    const control = createTestControl(await open());
    const id = await draft(control, { name: 'shop' }, [{ method: 'GET', path: '/a' }]);
    const answers = await Promise.all(Array.from({ length: 6 }, () => deploy(control, id)));
    assert.deepEqual(answers.map(({ body }) => body.data.revision).toSorted(), [1, 2, 3, 4, 5, 6]);
  });

  test('ends with the gateway: deleted or inactive, it is off the air at once', async () => {
    const control = createTestControl(await open());
    const served = (): unknown =>
      control.dataPlane.published
        .at(-1)
        ?.gateways.slice(1)
        .map(({ name }) => name);
    const id = await draft(control, { name: 'shop' }, [{ method: 'GET', path: '/a' }]);
    await deploy(control, id);
    assert.deepEqual(served(), ['shop']);
    await control.call('PUT', `/api/v1/gateways/${id}`, { body: { status: 'inactive' } });
    assert.deepEqual(served(), []);
    await control.call('PUT', `/api/v1/gateways/${id}`, { body: { status: 'active' } });
    assert.deepEqual(served(), ['shop']);
    const deleted = await control.call('DELETE', `/api/v1/gateways/${id}`);
    assert.deepEqual(deleted.body.data, { id, deleted: true });
    assert.deepEqual(served(), []);
    assert.equal((await control.call('GET', `/api/v1/gateways/${id}`)).status, 404);
  });

  test('of an inactive gateway waits; it cannot come back over what took its routes meanwhile', async () => {
    const control = createTestControl(await open());
    const first = await draft(control, { name: 'first', routePrefix: '/p' }, [{ method: 'GET', path: '/a' }]);
    await deploy(control, first);
    await control.call('PUT', `/api/v1/gateways/${first}`, { body: { status: 'inactive' } });
    const second = await draft(control, { name: 'second', routePrefix: '/p' }, [{ method: 'GET', path: '/a' }]);
    assert.equal((await deploy(control, second)).status, 200);
    const refused = await control.call('PUT', `/api/v1/gateways/${first}`, { body: { status: 'active' } });
    assert.deepEqual([refused.status, refused.body.code], [422, 'undeployable']);
    assert.equal((await control.call('GET', `/api/v1/gateways/${first}`)).body.data.status, 'inactive');
  });
});
