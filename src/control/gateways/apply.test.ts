import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createTestControl,
  keyPrincipal,
  NOW_MS,
  operatorPrincipal,
  type Answered,
  type CallOptions,
  type TestControl,
} from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { readVersion } from '../../db/installation.ts';

const SERVICE = { name: 'orders', targets: [{ url: 'http://127.0.0.1:9000' }] };
const SHOP = {
  name: 'shop',
  upstreamServices: [SERVICE],
  endpoints: [
    { method: 'GET', path: '/orders', summary: 'All orders', operationId: 'listOrders' },
    { method: 'GET', path: '/orders/:id', requiredScopes: ['orders:read'], operationId: 'getOrder' },
  ],
};

function apply(control: TestControl, body: object, options: CallOptions = {}): Promise<Answered> {
  return control.call('POST', '/api/v1/gateways/apply', { ...options, body });
}

async function applied(control: TestControl, body: object): Promise<Answered['body']> {
  const answer = await apply(control, body);
  assert.equal(answer.status, 200, answer.text);
  return answer.body.data;
}

/** The plan in short: `create shop GET /a`. */
function shorten(data: { plan: { action: string; gateway: string; endpoint?: string }[] }): string[] {
  return data.plan.map(({ action, gateway, endpoint }) => [action, gateway, endpoint ?? ''].join(' ').trim());
}

async function exported(control: TestControl): Promise<unknown[]> {
  const { body } = await control.call('GET', '/api/v1/gateways?sortBy=name&sortOrder=asc');
  const documents: unknown[] = [];
  for (const { id } of body.data) {
    documents.push((await control.call('GET', `/api/v1/gateways/${id}/declaration`)).body.data);
  }
  return documents;
}

forEachDatabase('a declaration', (open) => {
  test('makes and deploys what is not there, and changes nothing when it is applied again', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const first = await applied(control, { gateways: [SHOP] });
    assert.deepEqual(shorten(first), [
      'create shop',
      'create shop GET /orders',
      'create shop GET /orders/{id}',
      'deploy shop',
    ]);
    assert.deepEqual([first.isApplied, first.deployments[0].changes.added.length], [true, 2]);
    assert.equal(control.dataPlane.published.at(-1)?.gateways[1]?.endpoints.length, 2);
    const version = await readVersion(db);
    const again = await applied(control, { gateways: [SHOP] });
    assert.deepEqual([again.plan, again.isApplied, again.deployments], [[], true, []]);
    assert.equal(await readVersion(db), version, 'nothing was written');
    assert.equal(control.dataPlane.published.length, 1);
  });

  test('changes what differs, keeps the ids of what stays, and tells every field', async () => {
    const control = createTestControl(await open());
    await applied(control, { gateways: [SHOP] });
    const { body } = await control.call('GET', '/api/v1/gateways');
    const before = await control.call('GET', `/api/v1/gateways/${body.data[0].id}/endpoints?sortBy=path`);
    const [list, get] = SHOP.endpoints;
    const changed = {
      ...SHOP,
      timeoutSeconds: 5,
      // The two swap their names, too.
      endpoints: [
        { ...list, summary: 'Orders', operationId: 'getOrder' },
        { ...get, operationId: 'listOrders' },
      ],
    };
    const data = await applied(control, { gateways: [changed] });
    assert.deepEqual(data.plan, [
      { action: 'update', gateway: 'shop', fields: [{ path: 'timeoutSeconds', before: 30, after: 5 }] },
      {
        action: 'update',
        gateway: 'shop',
        endpoint: 'GET /orders',
        fields: [
          { path: 'operationId', before: 'listOrders', after: 'getOrder' },
          { path: 'summary', before: 'All orders', after: 'Orders' },
        ],
      },
      {
        action: 'update',
        gateway: 'shop',
        endpoint: 'GET /orders/{id}',
        fields: [{ path: 'operationId', before: 'getOrder', after: 'listOrders' }],
      },
      { action: 'deploy', gateway: 'shop' },
    ]);
    const after = await control.call('GET', `/api/v1/gateways/${body.data[0].id}/endpoints?sortBy=path`);
    const ids = (answer: Answered): string[] => answer.body.data.map(({ id }: { id: string }) => id);
    assert.deepEqual(ids(after), ids(before));
  });

  test('says the whole of a gateway: what it leaves out has its default again, but for the status', async () => {
    const control = createTestControl(await open());
    await applied(control, { gateways: [{ ...SHOP, description: 'x', hosts: ['a.test'], timeoutSeconds: 7 }] });
    const { body } = await control.call('GET', '/api/v1/gateways');
    await control.call('PUT', `/api/v1/gateways/${body.data[0].id}`, { body: { status: 'maintenance' } });
    const data = await applied(control, { gateways: [SHOP] });
    assert.deepEqual(
      data.plan[0].fields.map(({ path }: { path: string }) => path),
      ['description', 'hosts', 'timeoutSeconds'],
    );
    const { description, hosts, timeoutSeconds, status } = (await control.call('GET', '/api/v1/gateways')).body.data[0];
    assert.deepEqual([description, hosts, timeoutSeconds, status], [undefined, [], 30, 'maintenance']);
    assert.deepEqual((await applied(control, { gateways: [SHOP] })).plan, []);
  });

  test('leaves what it does not declare, unless it is to be pruned', async () => {
    const control = createTestControl(await open());
    const other = { ...SHOP, name: 'other', endpoints: [] };
    await applied(control, { gateways: [SHOP, other] });
    const less = { gateways: [{ ...SHOP, endpoints: SHOP.endpoints.slice(0, 1) }] };
    assert.deepEqual(shorten(await applied(control, less)), ['keep shop GET /orders/{id}']);
    assert.equal((await exported(control)).length, 2);
    const pruned = await applied(control, { ...less, prune: true });
    assert.deepEqual(shorten(pruned), ['delete shop GET /orders/{id}', 'delete other', 'deploy shop']);
    assert.equal((await exported(control)).length, 1);
    assert.deepEqual(
      control.dataPlane.published
        .at(-1)
        ?.gateways.slice(1)
        .map(({ name, endpoints }) => [name, endpoints.length]),
      [['shop', 1]],
    );
  });

  test('is only planned in a dry run, and the plan is the one that comes true', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const version = await readVersion(db);
    const dry = await applied(control, { gateways: [SHOP], dryRun: true });
    assert.deepEqual([dry.isApplied, dry.deployments, dry.plan.length], [false, [], 4]);
    assert.deepEqual([await exported(control), await readVersion(db)], [[], version]);
    assert.equal(control.dataPlane.published.length, 0);
    const wet = await applied(control, { gateways: [SHOP], expectedPlan: dry.planId });
    assert.deepEqual(wet.plan, dry.plan);
    const late = await apply(control, { gateways: [{ ...SHOP, timeoutSeconds: 1 }], expectedPlan: dry.planId });
    assert.deepEqual([late.status, late.body.code], [409, 'plan_changed']);
    assert.equal((await control.call('GET', '/api/v1/gateways')).body.data[0].timeoutSeconds, 30);
  });

  test('that was exported says the same: applied, it changes nothing', async () => {
    const control = createTestControl(await open());
    const everything = {
      ...SHOP,
      description: 'All of it',
      baseUrl: 'https://api.example.com',
      version: 'v2',
      versioning: { by: 'header', name: 'Api-Version', isDefault: true },
      hosts: ['api.test', '*.shop.test'],
      routePrefix: '/',
      upstreamServices: [
        { ...SERVICE, timeout: 100, stripPrefix: true },
        { name: 'files', targets: [{ url: 'https://a.test' }, { url: 'https://b.test/x' }] },
      ],
      securitySettings: {
        authenticationRequired: false,
        rateLimitingEnabled: false,
        headers: { frameOptions: 'DENY', contentSecurityPolicy: "default-src 'none'" },
      },
      cors: {
        allowOrigins: ['https://app.test'],
        allowMethods: ['GET'],
        allowHeaders: ['x-one'],
        exposeHeaders: ['x-two'],
        allowCredentials: true,
        maxAgeSeconds: 5,
      },
      timeoutSeconds: 9,
      status: 'deprecated',
      endpoints: [
        {
          method: 'GET',
          path: '/a/*',
          operationId: 'a',
          summary: 's',
          description: 'd',
          tags: ['t'],
          service: 'files',
          timeoutSeconds: 2,
          authRequired: true,
          requiredScopes: ['a:b'],
          rateLimit: { requestsPerMinute: 1 },
          deprecated: true,
          deprecationDate: '2026-01-01',
          sunsetDate: '2027-01-01T00:00:00Z',
          successor: '/b',
          goneAfterSunset: true,
        },
        { method: 'POST', path: '/b', upstreamUrl: 'https://c.test', isActive: false },
      ],
    };
    await applied(control, { gateways: [everything, { ...SHOP, name: 'plain' }, { name: 'empty' }] });
    const documents = await exported(control);
    control.setNow(NOW_MS + 1_000);
    const again = await applied(control, { gateways: documents, prune: true });
    assert.deepEqual(again.plan, []);
    assert.deepEqual(documents[0], { name: 'empty', routePrefix: '/empty', endpoints: [] });
    assert.deepEqual(documents[1], {
      ...SHOP,
      name: 'plain',
      routePrefix: '/plain',
      endpoints: [SHOP.endpoints[0], { ...SHOP.endpoints[1], path: '/orders/{id}' }],
    });
    const {
      endpoints: [endpoint],
      ...rest
    } = everything;
    assert.deepEqual(documents[2], {
      ...rest,
      endpoints: [
        { ...endpoint, deprecationDate: '2026-01-01T00:00:00.000Z', sunsetDate: '2027-01-01T00:00:00.000Z' },
        everything.endpoints[1],
      ],
    });
  });

  test('may move a route from one gateway to another in one go', async () => {
    const control = createTestControl(await open());
    const [list, get] = SHOP.endpoints;
    const shop = { ...SHOP, routePrefix: '/p', endpoints: [list] };
    const other = { ...shop, name: 'other', endpoints: [get] };
    await applied(control, { gateways: [shop, other] });
    const moved = {
      gateways: [
        { ...shop, endpoints: [get] },
        { ...other, endpoints: [list] },
      ],
      prune: true,
    };
    const data = await applied(control, moved);
    assert.equal(data.deployments.length, 2);
  });

  test('is refused with every fault in its own terms, and nothing of it is done', async () => {
    const control = createTestControl(await open());
    const refused = await apply(control, {
      gateways: [
        { ...SHOP, name: 'fine' },
        {
          ...SHOP,
          endpoints: [
            { method: 'GET', path: '/a', service: 'nowhere' },
            { method: 'GET', path: '/b', upstreamUrl: 'http://169.254.169.254' },
            { method: 'GET', path: '/c' },
          ],
        },
        { ...SHOP, name: 'third', routePrefix: '/shop', endpoints: [{ method: 'GET', path: '/c' }] },
      ],
    });
    assert.deepEqual([refused.status, refused.body.code], [422, 'undeployable']);
    assert.deepEqual(
      refused.body.errors.map(({ path }: { path: string }) => path),
      ['gateways[1].endpoints[1].upstreamUrl', 'gateways[1].endpoints[0].service', 'gateways[2].endpoints[0].path'],
    );
    assert.deepEqual(await exported(control), []);
  });

  test('that is malformed is refused with the path of each fault', async () => {
    const control = createTestControl(await open());
    const cases: readonly [body: object, ...paths: string[]][] = [
      [{}, 'body.gateways'],
      [{ gateways: [{ name: 'a', port: 1 }], all: true }, 'body.all', 'body.gateways[0].port'],
      [{ gateways: [{ name: 'a' }, { name: 'A' }] }, 'body.gateways[1].name'],
      [
        {
          gateways: [
            {
              name: 'a',
              endpoints: [
                { method: 'GET', path: '/x/{a}', operationId: 'x' },
                { method: 'GET', path: '/x/:a', operationId: 'x' },
                { method: 'GET', path: '/y/{z}z' },
              ],
            },
          ],
        },
        'body.gateways[0].endpoints[1].path',
        'body.gateways[0].endpoints[1].operationId',
        'body.gateways[0].endpoints[2].path',
      ],
      [{ gateways: [{ name: 'a', endpoints: [{ method: 'GET' }] }] }, 'body.gateways[0].endpoints[0].path'],
      [
        { gateways: [{ name: 'a', cors: { allowOrigins: ['*'], allowCredentials: true } }] },
        'body.gateways[0].cors.allowCredentials',
      ],
    ];
    for (const [body, ...paths] of cases) {
      const answer = await apply(control, body);
      const found = answer.body.errors.map(({ path }: { path: string }) => path);
      assert.deepEqual([answer.status, found], [400, paths], JSON.stringify(body));
    }
  });

  test('needs the permissions that its plan needs', async () => {
    const control = createTestControl(await open());
    const as = keyPrincipal(['gateways:update']);
    const create = await apply(control, { gateways: [SHOP] }, { as });
    assert.deepEqual(
      [create.status, create.body.detail],
      [403, 'This call needs admin:gateways:create or gateways:create; the key does not hold it.'],
    );
    await applied(control, { gateways: [SHOP, { ...SHOP, name: 'other' }] });
    assert.equal((await apply(control, { gateways: [{ ...SHOP, timeoutSeconds: 3 }] }, { as })).status, 200);
    const prune = await apply(control, { gateways: [SHOP], prune: true }, { as });
    assert.match(prune.body.detail, /gateways:delete/);
    const none = await apply(control, { gateways: [] }, { as: keyPrincipal(['gateways:read']) });
    assert.equal(none.status, 403);
  });

  test('touches no other tenant: neither its gateways of the same name nor what it prunes', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    await db
      .insertInto('tenants')
      .values({ id: 'ten_other', name: 'Other', slug: 'other', created_at: new Date() })
      .execute();
    await applied(control, { gateways: [SHOP] });
    const before = await exported(control);
    const as = operatorPrincipal({ tenantId: 'ten_other' });
    const clash = await apply(control, { gateways: [SHOP], prune: true }, { as });
    assert.equal(clash.status, 422);
    assert.doesNotMatch(clash.text, /\\"shop\\"/);
    const theirs = await apply(control, { gateways: [{ ...SHOP, routePrefix: '/theirs' }], prune: true }, { as });
    assert.deepEqual(shorten(theirs.body.data).includes('delete shop'), false);
    assert.deepEqual(await exported(control), before);
    const { body } = await control.call('GET', '/api/v1/gateways');
    const foreign = await control.call('GET', `/api/v1/gateways/${body.data[0].id}/declaration`, { as });
    assert.equal(foreign.status, 404);
  });

  test('may have thousands of endpoints, and no more to a gateway than there may be', async () => {
    const control = createTestControl(await open());
    const endpoints = Array.from({ length: 1_999 }, (_, i) => ({ method: 'GET', path: `/a${i}` }));
    const data = await applied(control, { gateways: [{ ...SHOP, endpoints }] });
    assert.equal(data.plan.length, 2_001);
    const more = {
      gateways: [
        {
          ...SHOP,
          endpoints: [
            { method: 'GET', path: '/b' },
            { method: 'GET', path: '/c' },
          ],
        },
      ],
    };
    const refused = await apply(control, more);
    assert.deepEqual([refused.status, refused.body.errors[0].path], [400, 'body.gateways']);
    assert.equal((await apply(control, { ...more, prune: true })).status, 200);
  });
});
