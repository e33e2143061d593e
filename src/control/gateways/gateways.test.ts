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

const SHOP = {
  name: 'My Shöp',
  baseUrl: 'https://api.example.com',
  upstreamServices: [
    { name: 'orders', targets: [{ url: 'http://127.0.0.1:9000/base' }], timeout: 5_000, stripPrefix: true },
  ],
  securitySettings: { authenticationRequired: false },
};

async function make(control: TestControl, body: object): Promise<string> {
  const answer = await control.call('POST', '/api/v1/gateways', { body });
  assert.equal(answer.status, 201, answer.text);
  return answer.body.data.id;
}

forEachDatabase('gateways', (open) => {
  test('are made with the defaults of the contract, and their prefix of the name', async () => {
    const control = createTestControl(await open());
    const answer = await control.call('POST', '/api/gateways', { body: SHOP });
    assert.equal(answer.status, 201);
    const { id, ...rest } = answer.body.data;
    assert.match(id, /^gw_/);
    assert.deepEqual(rest, {
      name: 'My Shöp',
      baseUrl: 'https://api.example.com',
      version: 'v1',
      hosts: [],
      routePrefix: '/my-shop',
      upstreamServices: SHOP.upstreamServices,
      loadBalancingStrategy: 'round_robin',
      securitySettings: { authenticationRequired: false, rateLimitingEnabled: true },
      timeoutSeconds: 30,
      status: 'active',
      createdAt: '2026-03-01T12:00:00.000Z',
      updatedAt: '2026-03-01T12:00:00.000Z',
    });
    assert.deepEqual((await control.call('GET', `/api/v1/gateways/${id}`)).body.data, answer.body.data);
  });

  test('are made or changed by PUT without an id, told apart by their name', async () => {
    const control = createTestControl(await open());
    const made = await control.call('PUT', '/api/gateways', { body: SHOP });
    assert.equal(made.status, 201);
    control.setNow(NOW_MS + 1);
    const changed = await control.call('PUT', '/api/gateways', { body: { name: 'MY SHöP', timeoutSeconds: 5 } });
    assert.equal(changed.status, 200, changed.text);
    assert.equal(changed.body.data.id, made.body.data.id);
    assert.deepEqual([changed.body.data.timeoutSeconds, changed.body.data.name], [5, 'MY SHöP']);
    const as = keyPrincipal(['gateways:update']);
    const refused = await control.call('PUT', '/api/gateways', { as, body: { name: 'new' } });
    assert.deepEqual([refused.status, refused.body.code], [403, 'insufficient_scope']);
  });

  test('change by what is given; the rest stays, null clears', async () => {
    const control = createTestControl(await open());
    const id = await make(control, { ...SHOP, description: 'x' });
    const answer = await control.call('PUT', `/api/v1/gateways/${id}`, {
      body: { routePrefix: '/', description: null, version: 'v2' },
    });
    assert.equal(answer.status, 200);
    const { routePrefix, description, version, upstreamServices, baseUrl } = answer.body.data;
    assert.deepEqual([routePrefix, description, version, baseUrl], ['/', undefined, 'v2', SHOP.baseUrl]);
    assert.deepEqual(upstreamServices, SHOP.upstreamServices);
    assert.deepEqual(control.dataPlane.published, []);
  });

  test('have names of their own', async () => {
    const control = createTestControl(await open());
    await make(control, { name: 'shop' });
    const other = await make(control, { name: 'other' });
    const again = await control.call('POST', '/api/v1/gateways', { body: { name: 'SHOP' } });
    assert.deepEqual([again.status, again.body.code], [409, 'name_taken']);
    const renamed = await control.call('PUT', `/api/v1/gateways/${other}`, { body: { name: 'Shop' } });
    assert.deepEqual([renamed.status, renamed.body.code], [409, 'name_taken']);
    assert.equal((await control.call('GET', `/api/v1/gateways/${other}`)).body.data.name, 'other');
  });

  const refusals = [
    { body: { name: '東京' }, path: 'body.routePrefix' },
    { body: { name: 'x', routePrefix: 'x' }, path: 'body.routePrefix' },
    { body: { name: 'x', routePrefix: '/x/' }, path: 'body.routePrefix' },
    { body: { name: 'x', routePrefix: '/a/../b' }, path: 'body.routePrefix' },
    { body: { name: 'x', routePrefix: '/a b' }, path: 'body.routePrefix' },
    { body: { name: 'x', loadBalancingStrategy: 'random' }, path: 'body.loadBalancingStrategy' },
    { body: { name: 'x', timeoutSeconds: 3_601 }, path: 'body.timeoutSeconds' },
    { body: { name: 'x', status: 'paused' }, path: 'body.status' },
    { body: { name: 'x', cors: {} }, path: 'body.cors.allowOrigins' },
    { body: { name: 'x', cors: { allowOrigins: ['app.test'] } }, path: 'body.cors.allowOrigins[0]' },
    { body: { name: 'x', cors: { allowOrigins: ['https://a.test/x'] } }, path: 'body.cors.allowOrigins[0]' },
    {
      body: { name: 'x', cors: { allowOrigins: ['*'], allowCredentials: true } },
      path: 'body.cors.allowCredentials',
    },
    { body: { name: 'x', hosts: ['API.test'] }, path: 'body.hosts[0]' },
    { body: { name: 'x', hosts: ['a.test:80'] }, path: 'body.hosts[0]' },
    { body: { name: 'x', hosts: ['*'] }, path: 'body.hosts[0]' },
    { body: { name: 'x', hosts: ['a.*.test'] }, path: 'body.hosts[0]' },
    { body: { name: 'x', versioning: {} }, path: 'body.versioning.by' },
    { body: { name: 'x', version: 'a b', versioning: { by: 'path' } }, path: 'body.version' },
    { body: { name: 'x', version: '..', versioning: { by: 'path' } }, path: 'body.version' },
    { body: { name: 'x', versioning: { by: 'path', isDefault: true } }, path: 'body.versioning.isDefault' },
    { body: { name: 'x', versioning: { by: 'header', name: 'a b' } }, path: 'body.versioning.name' },
    {
      body: { name: 'x', securitySettings: { headers: { contentSecurityPolicy: 'a\r\nx: y' } } },
      path: 'body.securitySettings.headers.contentSecurityPolicy',
    },
    {
      body: { name: 'x', securitySettings: { headers: { frameOptions: 'ALLOWALL' } } },
      path: 'body.securitySettings.headers.frameOptions',
    },
    { body: { name: 'x', circuitBreaker: { threshold: 1 } }, path: 'body.circuitBreaker.threshold' },
    { body: { name: 'x', securitySettings: { authRequired: true } }, path: 'body.securitySettings.authRequired' },
    {
      body: { name: 'x', upstreamServices: [{ name: 'a b', targets: [{ url: 'http://h' }] }] },
      path: 'body.upstreamServices[0].name',
    },
    { body: { name: 'x', upstreamServices: [{ name: 'a', targets: [] }] }, path: 'body.upstreamServices[0].targets' },
    {
      body: { name: 'x', upstreamServices: [{ name: 'a', targets: [{ url: 'http://h', weight: -1 }] }] },
      path: 'body.upstreamServices[0].targets[0].weight',
    },
    ...[
      'ftp://h',
      'h:80',
      '//h',
      'http://',
      'http://u:p@h',
      'http://u@h',
      'http://h?x',
      'http://h#x',
      'unix:/run/control.sock',
      'javascript:1',
      'http+srv://h',
      'http+srv://_api._tcp.h:80',
      'ftp+srv://_api._tcp.h',
    ].map((url) => ({
      body: { name: 'x', upstreamServices: [{ name: 'a', targets: [{ url }] }] },
      path: 'body.upstreamServices[0].targets[0].url',
    })),
  ];
  test('are refused with the path of what is wrong', async () => {
    const control = createTestControl(await open());
    for (const { body, path } of refusals) {
      const answer = await control.call('POST', '/api/v1/gateways', { body });
      assert.deepEqual([answer.status, answer.body.errors?.[0].path], [400, path], JSON.stringify(body));
    }
  });

  test('are refused with every fault at once', async () => {
    const control = createTestControl(await open());
    const service = { name: 'a', targets: [{ url: 'http://h' }] };
    const answer = await control.call('POST', '/api/v1/gateways', {
      body: { upstreamServices: [service, service], timeout: 1 },
    });
    assert.deepEqual(answer.body.errors, [
      { path: 'body.name', message: 'is required' },
      { path: 'body.timeout', message: 'is not known here' },
      { path: 'body.upstreamServices[1].name', message: 'a is there twice' },
    ]);
  });

  test('are listed, searched and paged', async () => {
    const control = createTestControl(await open());
    for (const [i, name] of ['beta', 'Alpha', 'gamma'].entries()) {
      control.setNow(NOW_MS + i);
      await make(control, { name, status: i === 2 ? 'inactive' : 'active' });
    }
    const names = async (query: string): Promise<string[]> => {
      const { body } = await control.call('GET', `/api/v1/gateways?${query}`);
      return body.data.map(({ name }: { name: string }) => name);
    };
    assert.deepEqual(await names(''), ['gamma', 'Alpha', 'beta']);
    assert.deepEqual(await names('sortBy=name&sortOrder=asc'), ['Alpha', 'beta', 'gamma']);
    assert.deepEqual(await names('search=A&sortBy=name'), ['gamma', 'beta', 'Alpha']);
    assert.deepEqual(await names('status=inactive'), ['gamma']);
    const first = await control.call('GET', '/api/v1/gateways?sortBy=name&sortOrder=asc&pageSize=2');
    assert.deepEqual(await names(`sortBy=name&sortOrder=asc&pageSize=2&cursor=${first.body.meta.nextCursor}`), [
      'gamma',
    ]);
  });

  test('and endpoints of another tenant are not there: 404 for every call, nothing in lists', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    await db
      .insertInto('tenants')
      .values({ id: 'ten_other', name: 'Other', slug: 'other', created_at: new Date() })
      .execute();
    const id = await make(control, SHOP);
    const endpoint = await control.call('POST', `/api/v1/gateways/${id}/endpoints`, {
      body: { method: 'GET', path: '/a' },
    });
    const as = operatorPrincipal({ tenantId: 'ten_other' });
    const one = `/api/v1/gateways/${id}`;
    const other = `${one}/endpoints/${endpoint.body.data.id}`;
    const calls: [string, string, object?][] = [
      ['GET', one],
      ['PUT', one, { name: 'mine' }],
      ['PUT', one, { status: 'inactive' }],
      ['DELETE', one],
      ['POST', `${one}/deploy`],
      ['GET', `${one}/endpoints`],
      ['POST', `${one}/endpoints`, { method: 'GET', path: '/b' }],
      ['GET', other],
      ['PUT', other, { path: '/c' }],
      ['DELETE', other],
    ];
    for (const [method, path, body] of calls) {
      const answer = await control.call(method, path, { as, body });
      assert.deepEqual([answer.status, answer.body.code], [404, 'not_found'], `${method} ${path}`);
    }
    const list = await control.call('GET', '/api/v1/gateways', { as });
    assert.deepEqual([list.body.data, list.body.meta.total], [[], 0]);
    const theirs = await control.call('PUT', '/api/v1/gateways', { as, body: { name: SHOP.name } });
    assert.equal(theirs.status, 201);
    assert.deepEqual((await control.call('GET', one)).body.data.name, SHOP.name);
    assert.equal((await control.call('GET', other)).body.data.path, '/a');
  });

  test('need the permission: 403 names it', async () => {
    const control = createTestControl(await open());
    const id = await make(control, { name: 'a' });
    const calls: [string, string, string][] = [
      ['POST', '/api/v1/gateways', 'gateways:create'],
      ['PUT', '/api/v1/gateways', 'gateways:update'],
      ['GET', '/api/v1/gateways', 'gateways:read'],
      ['GET', `/api/v1/gateways/${id}`, 'gateways:read'],
      ['PUT', `/api/v1/gateways/${id}`, 'gateways:update'],
      ['DELETE', `/api/v1/gateways/${id}`, 'gateways:delete'],
      ['POST', `/api/v1/gateways/${id}/deploy`, 'gateways:update'],
      ['GET', `/api/v1/gateways/${id}/endpoints`, 'gateways:read'],
      ['POST', `/api/v1/gateways/${id}/endpoints`, 'gateways:update'],
    ];
    const as = keyPrincipal(['admin:keys:*', 'keys:*', 'gateway:*']);
    for (const [method, path, needs] of calls) {
      const answer = await control.call(method, path, { as, body: method === 'GET' ? undefined : {} });
      assert.deepEqual([answer.status, answer.body.code], [403, 'insufficient_scope']);
      assert.match(answer.body.detail, new RegExp(`admin:${needs} or ${needs}`));
    }
  });
});

forEachDatabase('endpoints', (open) => {
  test('are made, read, changed and deleted', async () => {
    const control = createTestControl(await open());
    const gateway = await make(control, SHOP);
    const path = `/api/v1/gateways/${gateway}/endpoints`;
    const body = {
      method: 'GET',
      path: '/users/:id',
      operationId: 'getUser',
      summary: 'A user',
      tags: ['users'],
      service: 'orders',
      timeoutSeconds: 3,
      authRequired: true,
      requiredScopes: ['read:users'],
      rateLimit: { requestsPerMinute: 10 },
    };
    const made = await control.call('POST', path, { body });
    assert.equal(made.status, 201);
    const { id, gatewayId, createdAt: _createdAt, updatedAt: _updatedAt, ...rest } = made.body.data;
    assert.match(id, /^ep_/);
    assert.equal(gatewayId, gateway);
    assert.deepEqual(rest, {
      ...body,
      path: '/users/{id}',
      deprecated: false,
      goneAfterSunset: false,
      isActive: true,
    });
    assert.deepEqual((await control.call('GET', `${path}/${id}`)).body, made.body);

    const changed = await control.call('PUT', `${path}/${id}`, {
      body: {
        upstreamUrl: 'http://h/x',
        authRequired: null,
        rateLimit: null,
        timeoutSeconds: null,
        summary: null,
        operationId: null,
      },
    });
    assert.equal(changed.status, 200, changed.text);
    const { service, upstreamUrl, authRequired, rateLimit, timeoutSeconds, summary, operationId } = changed.body.data;
    assert.deepEqual([service, upstreamUrl], [undefined, 'http://h/x']);
    assert.deepEqual(
      [authRequired, rateLimit, timeoutSeconds, summary, operationId],
      [undefined, undefined, undefined, undefined, undefined],
    );

    const deleted = await control.call('DELETE', `${path}/${id}`);
    assert.deepEqual(deleted.body.data, { id, deleted: true });
    assert.equal((await control.call('GET', `${path}/${id}`)).status, 404);
    assert.equal((await control.call('DELETE', `${path}/${id}`)).status, 404);
  });

  test('are there once for each method and path, in both spellings', async () => {
    const control = createTestControl(await open());
    const path = `/api/v1/gateways/${await make(control, SHOP)}/endpoints`;
    await control.call('POST', path, { body: { method: 'GET', path: '/users/{id}', operationId: 'a' } });
    const again = await control.call('POST', path, { body: { method: 'GET', path: '/users/:id' } });
    assert.deepEqual([again.status, again.body.code], [409, 'endpoint_exists']);
    const named = await control.call('POST', path, { body: { method: 'GET', path: '/b', operationId: 'a' } });
    assert.deepEqual([named.status, named.body.code], [409, 'name_taken']);
    assert.equal((await control.call('POST', path, { body: { method: 'PUT', path: '/users/:id' } })).status, 201);
  });

  const refusals = [
    { body: { method: 'TRACE', path: '/a' }, path: 'body.method' },
    { body: { method: 'GET', path: 'a' }, path: 'body.path' },
    { body: { method: 'GET', path: '/a b' }, path: 'body.path' },
    { body: { method: 'GET', path: '/a/*/b' }, path: 'body.path' },
    { body: { method: 'GET', path: '/a/{id}/{id}' }, path: 'body.path' },
    { body: { method: 'GET', path: '/a/x{id}' }, path: 'body.path' },
    { body: { method: 'GET', path: '/a/../b' }, path: 'body.path' },
    { body: { method: 'GET', path: '/a?b' }, path: 'body.path' },
    { body: { method: 'GET', path: '/a', service: 'x', upstreamUrl: 'http://h' }, path: 'body.upstreamUrl' },
    { body: { method: 'GET', path: '/a', upstreamUrl: 'file:///etc/passwd' }, path: 'body.upstreamUrl' },
    { body: { method: 'GET', path: '/a', requiredScopes: ['A'] }, path: 'body.requiredScopes[0]' },
    { body: { method: 'GET', path: '/a', rateLimit: {} }, path: 'body.rateLimit' },
    { body: { method: 'GET', path: '/a', cache: {} }, path: 'body.cache' },
    { body: { method: 'GET', path: '/a', sunsetDate: 'soon' }, path: 'body.sunsetDate' },
    { body: { method: 'GET', path: '/a', successor: '/b> rel' }, path: 'body.successor' },
    {
      body: { method: 'GET', path: '/a', deprecationDate: '2026-02-01', sunsetDate: '2026-01-01' },
      path: 'body.sunsetDate',
    },
  ];
  test('are refused with the path of what is wrong', async () => {
    const control = createTestControl(await open());
    const path = `/api/v1/gateways/${await make(control, SHOP)}/endpoints`;
    for (const { body, path: fault } of refusals) {
      const answer = await control.call('POST', path, { body });
      assert.deepEqual([answer.status, answer.body.errors?.[0].path], [400, fault], JSON.stringify(body));
    }
  });

  test('are listed in the order in which they were made, or by path', async () => {
    const control = createTestControl(await open());
    const path = `/api/v1/gateways/${await make(control, SHOP)}/endpoints`;
    for (const [i, route] of ['/c', '/a', '/b'].entries()) {
      control.setNow(NOW_MS + i);
      await control.call('POST', path, { body: { method: i === 2 ? 'PUT' : 'GET', path: route } });
    }
    const paths = async (query: string): Promise<string[]> => {
      const { body } = await control.call('GET', `${path}?${query}`);
      return body.data.map((endpoint: { path: string }) => endpoint.path);
    };
    assert.deepEqual(await paths(''), ['/c', '/a', '/b']);
    assert.deepEqual(await paths('sortBy=path'), ['/a', '/b', '/c']);
    assert.deepEqual(await paths('method=PUT'), ['/b']);
    assert.deepEqual(await paths('search=C'), ['/c']);
  });
});
