import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, NOW_MS, operatorPrincipal, type TestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';
import { loadSnapshot } from '../publish/snapshots.ts';

const SERVICE = { name: 'orders', targets: [{ url: 'http://127.0.0.1:9000' }] };
const NOTHING = { added: [], removed: [], changed: [] };

async function make(control: TestControl, gateway: object, ...endpoints: readonly object[]): Promise<string> {
  const made = await control.call('POST', '/api/v1/gateways', { body: { upstreamServices: [SERVICE], ...gateway } });
  assert.equal(made.status, 201, made.text);
  const path = `/api/v1/gateways/${made.body.data.id}`;
  const nowMs = control.services.clock.nowMs();
  for (const [i, body] of endpoints.entries()) {
    // A millisecond apart: within one, their order is left to chance.
    control.setNow(nowMs + i);
    assert.equal((await control.call('POST', `${path}/endpoints`, { body })).status, 201);
  }
  control.setNow(nowMs);
  return path;
}

async function deploy(control: TestControl, path: string): Promise<void> {
  const answer = await control.call('POST', `${path}/deploy`);
  assert.equal(answer.status, 200, answer.text);
}

forEachDatabase('revisions', (open) => {
  test('are listed with author, time and what they changed; one is shown with the draft it was made of', async () => {
    const control = createTestControl(await open());
    const path = await make(control, { name: 'shop' }, { method: 'GET', path: '/a' });
    await deploy(control, path);
    await control.call('POST', `${path}/endpoints`, { body: { method: 'GET', path: '/b', summary: 'B' } });
    control.setNow(NOW_MS + 1_000);
    await deploy(control, path);
    const { body } = await control.call('GET', `${path}/revisions`);
    const [{ id, ...second }, first] = body.data;
    assert.match(id, /^rev_/);
    assert.deepEqual(second, {
      revision: 2,
      isLive: true,
      createdAt: new Date(NOW_MS + 1_000).toISOString(),
      createdBy: 'usr_operator',
      changes: { added: 1, removed: 0, changed: 0 },
    });
    assert.deepEqual([first.revision, first.isLive, first.changes.added], [1, false, 1]);
    const one = await control.call('GET', `${path}/revisions/2`);
    assert.deepEqual(one.body.data.changes, { added: ['GET /shop/b'], removed: [], changed: [] });
    assert.deepEqual(one.body.data.document, {
      name: 'shop',
      routePrefix: '/shop',
      upstreamServices: [SERVICE],
      endpoints: [
        { method: 'GET', path: '/a' },
        { method: 'GET', path: '/b', summary: 'B' },
      ],
    });
    assert.equal((await control.call('GET', `${path}/revisions/3`)).status, 404);
    assert.equal((await control.call('GET', `${path}/revisions/0`)).status, 400);
  });

  test('are paged by their numbers', async () => {
    const control = createTestControl(await open());
    const path = await make(control, { name: 'shop' });
    for (let i = 0; i < 12; i++) await deploy(control, path);
    const first = await control.call('GET', `${path}/revisions?pageSize=5`);
    const numbers = (data: { revision: number }[]): number[] => data.map(({ revision }) => revision);
    assert.deepEqual(numbers(first.body.data), [12, 11, 10, 9, 8]);
    const next = await control.call('GET', `${path}/revisions?pageSize=5&cursor=${first.body.meta.nextCursor}`);
    assert.deepEqual(numbers(next.body.data), [7, 6, 5, 4, 3]);
    const up = await control.call('GET', `${path}/revisions?sortOrder=asc&pageSize=3`);
    assert.deepEqual([numbers(up.body.data), up.body.meta.total], [[1, 2, 3], 12]);
  });

  test('are compared with the draft and with each other, in the words of the caller', async () => {
    const control = createTestControl(await open());
    const path = await make(control, { name: 'shop' }, { method: 'GET', path: '/a' }, { method: 'GET', path: '/b' });
    const untold = await control.call('GET', `${path}/diff`);
    assert.deepEqual([untold.body.data.from, untold.body.data.to], ['live', 'draft']);
    assert.deepEqual(untold.body.data.routes.added, ['GET /shop/a', 'GET /shop/b']);
    await deploy(control, path);
    assert.deepEqual((await control.call('GET', `${path}/diff`)).body.data, {
      from: '1',
      to: 'draft',
      routes: NOTHING,
      fields: [],
    });
    const [a, b] = (await control.call('GET', `${path}/endpoints?sortBy=path`)).body.data;
    await control.call('PUT', `${path}/endpoints/${a.id}`, { body: { timeoutSeconds: 5 } });
    await control.call('DELETE', `${path}/endpoints/${b.id}`);
    const timed = { ...SERVICE, timeout: 100 };
    await control.call('PUT', path, { body: { upstreamServices: [timed], description: 'All of it' } });
    const expected = {
      routes: { added: [], removed: ['GET /shop/b'], changed: ['GET /shop/a'] },
      fields: [
        { path: 'description', after: 'All of it' },
        { path: 'endpoints["GET /a"].timeoutSeconds', after: 5 },
        {
          path: 'endpoints["GET /b"]',
          before: {
            method: 'GET',
            path: '/b',
            tags: [],
            requiredScopes: [],
            deprecated: false,
            goneAfterSunset: false,
            isActive: true,
          },
        },
        { path: 'upstreamServices.orders.timeout', after: 100 },
      ],
    };
    assert.deepEqual((await control.call('GET', `${path}/diff`)).body.data, { from: '1', to: 'draft', ...expected });
    await deploy(control, path);
    const between = await control.call('GET', `${path}/diff?from=1&to=2`);
    assert.deepEqual(between.body.data, { from: '1', to: '2', ...expected });
    const back = await control.call('GET', `${path}/diff?from=live&to=1`);
    assert.deepEqual(back.body.data.routes.added, ['GET /shop/b']);
    for (const query of ['from=0', 'to=newest', 'from=1.5']) {
      assert.equal((await control.call('GET', `${path}/diff?${query}`)).status, 400, query);
    }
    assert.equal((await control.call('GET', `${path}/diff?to=9`)).status, 404);
  });

  test('come back as new ones; the draft stays unless it is to be restored', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const path = await make(control, { name: 'shop' }, { method: 'GET', path: '/a', summary: 'A' });
    await deploy(control, path);
    const live = (await loadSnapshot(db, control.services.management)).gateways;
    const [a] = (await control.call('GET', `${path}/endpoints`)).body.data;
    await control.call('PUT', `${path}/endpoints/${a.id}`, { body: { path: '/broken', summary: null } });
    await deploy(control, path);

    control.setNow(NOW_MS + 1_000);
    const back = await control.call('POST', `${path}/rollback`, { body: {} });
    assert.equal(back.status, 200, back.text);
    const { revision, restored, changes } = back.body.data;
    assert.deepEqual([revision, restored], [3, 1]);
    assert.deepEqual(changes, { added: ['GET /shop/a'], removed: ['GET /shop/broken'], changed: [] });
    assert.deepEqual((await loadSnapshot(db, control.services.management)).gateways, live);
    assert.deepEqual(control.dataPlane.published.at(-1)?.gateways, live);
    assert.equal((await control.call('GET', `${path}/endpoints/${a.id}`)).body.data.path, '/broken');
    const { body } = await control.call('GET', `${path}/revisions/3`);
    assert.deepEqual([body.data.restored, body.data.isLive], [1, true]);

    await control.call('POST', `${path}/rollback`, { body: { revision: 1, restoreDraft: true } });
    const [restoredEndpoint] = (await control.call('GET', `${path}/endpoints`)).body.data;
    assert.deepEqual([restoredEndpoint.path, restoredEndpoint.summary], ['/a', 'A']);
    assert.deepEqual((await control.call('GET', `${path}/diff`)).body.data.fields, []);
  });

  test('do not come back where something else stands by now, or where there are none', async () => {
    const control = createTestControl(await open());
    const path = await make(control, { name: 'shop', routePrefix: '/p' }, { method: 'GET', path: '/a' });
    for (const body of [{}, { revision: 1 }]) {
      assert.equal((await control.call('POST', `${path}/rollback`, { body })).status, 404);
    }
    await deploy(control, path);
    assert.equal((await control.call('POST', `${path}/rollback`, { body: {} })).status, 404);
    await control.call('PUT', path, { body: { routePrefix: '/q' } });
    await deploy(control, path);
    await deploy(control, await make(control, { name: 'other', routePrefix: '/p' }, { method: 'GET', path: '/a' }));
    const refused = await control.call('POST', `${path}/rollback`, { body: { revision: 1 } });
    assert.deepEqual([refused.status, refused.body.code], [422, 'undeployable']);
    assert.match(refused.text, /published by gateway \\"other\\" already/);
  });

  test('of another tenant are not there', async () => {
    const control = createTestControl(await open());
    const path = await make(control, { name: 'shop' }, { method: 'GET', path: '/a' });
    await deploy(control, path);
    const as = operatorPrincipal({ tenantId: 'ten_other' });
    for (const [method, rest] of [
      ['GET', '/revisions'],
      ['GET', '/revisions/1'],
      ['GET', '/diff'],
      ['POST', '/rollback'],
    ] as const) {
      const answer = await control.call(method, path + rest, { as, ...(method === 'POST' && { body: {} }) });
      assert.deepEqual([answer.status, answer.body.code], [404, 'not_found'], rest);
    }
  });
});

forEachDatabase('what a gateway says for all its endpoints', (open) => {
  test('goes on the air with the next deploy: hosts, version, CORS, security headers, deprecation', async () => {
    const control = createTestControl(await open());
    const path = await make(
      control,
      {
        name: 'shop',
        version: 'v2',
        hosts: ['api.test', '*.shop.test'],
        versioning: { by: 'header', isDefault: true },
        cors: { allowOrigins: ['https://app.test'], allowCredentials: true },
        securitySettings: {
          authenticationRequired: false,
          headers: { contentTypeOptions: 'nosniff', strictTransportSecurity: 'max-age=1' },
        },
      },
      {
        method: 'GET',
        path: '/a',
        deprecated: true,
        sunsetDate: '2027-01-01',
        successor: '/v3/a',
        goneAfterSunset: true,
      },
      { method: 'GET', path: '/b', deprecationDate: '2026-05-01T00:00:00Z' },
    );
    control.setNow(NOW_MS + 60_000);
    await deploy(control, path);
    const live = control.dataPlane.published.at(-1)?.gateways[1];
    assert.deepEqual([live?.hosts, live?.routePrefix], [['api.test', '*.shop.test'], '/shop']);
    assert.deepEqual(live?.version, { by: 'header', name: 'X-API-Version', value: 'v2', isDefault: true });
    assert.deepEqual(
      live?.policies?.map(({ name }) => name),
      ['vary', 'security-headers', 'cors'],
    );
    assert.deepEqual(live?.policies?.[1]?.config, {
      fields: [
        { name: 'strict-transport-security', value: 'max-age=1', isForTlsOnly: true },
        { name: 'x-content-type-options', value: 'nosniff', isForTlsOnly: false },
      ],
    });
    assert.deepEqual(
      live?.endpoints.toSorted((a, b) => (a.path < b.path ? -1 : 1)).map(({ policies }) => policies),
      [
        [
          {
            name: 'deprecation',
            config: {
              // Since it was said, not since the deploy: the next one must not move it.
              deprecatedAtMs: NOW_MS,
              sunsetAtMs: Date.UTC(2027, 0, 1),
              successor: '/v3/a',
              isGoneAfterSunset: true,
            },
          },
          { name: 'rate-limit', config: { endpoint: null } },
        ],
        [
          {
            name: 'deprecation',
            config: {
              deprecatedAtMs: Date.UTC(2026, 4, 1),
              sunsetAtMs: null,
              successor: null,
              isGoneAfterSunset: false,
            },
          },
          { name: 'rate-limit', config: { endpoint: null } },
        ],
      ],
    );
  });

  test('puts a version by path behind the prefix', async () => {
    const control = createTestControl(await open());
    const path = await make(
      control,
      { name: 'shop', version: 'v2', versioning: { by: 'path' } },
      { method: 'GET', path: '/a' },
    );
    await deploy(control, path);
    const live = control.dataPlane.published.at(-1)?.gateways[1];
    assert.deepEqual([live?.routePrefix, live?.version, live?.policies], ['/shop/v2', undefined, undefined]);
  });

  test('may be said by two gateways on one path for two versions or hosts, and not for the same', async () => {
    const control = createTestControl(await open());
    const gateway = (name: string, more: object) =>
      make(control, { name, routePrefix: '/p', ...more }, { method: 'GET', path: '/a' });
    const by = 'header';
    await deploy(control, await gateway('one', { version: '1', versioning: { by, isDefault: true } }));
    await deploy(control, await gateway('two', { version: '2', versioning: { by } }));
    await deploy(control, await gateway('host', { hosts: ['a.test'] }));
    for (const [name, more] of [
      ['second default', { version: '3', versioning: { by, isDefault: true } }],
      ['v2 again', { version: 'V2', versioning: { by, name: 'x-api-version' } }],
      ['all versions', {}],
      ['same host', { hosts: ['b.test', 'a.test'] }],
    ] as const) {
      const refused = await control.call('POST', `${await gateway(name, more)}/deploy`);
      assert.equal(refused.status, 422, name);
      assert.equal(refused.body.errors[0].path, 'endpoints[0].path', name);
    }
  });

  test('is refused with the field that is wrong', async () => {
    const control = createTestControl(await open());
    const path = await make(
      control,
      { name: 'shop' },
      { method: 'GET', path: '/a', goneAfterSunset: true, authRequired: false },
    );
    const { body } = await control.call('POST', `${path}/deploy`);
    assert.deepEqual(body.errors, [{ path: 'endpoints[0].goneAfterSunset', message: 'GET /a: needs a sunsetDate' }]);
  });
});

forEachDatabase('a status', (open) => {
  test('holds at once, without a deploy: maintenance and deprecation stand in what is served', async () => {
    const control = createTestControl(await open());
    const path = await make(control, { name: 'shop', cors: { allowOrigins: ['*'] } }, { method: 'GET', path: '/a' });
    await deploy(control, path);
    const policies = (): unknown => control.dataPlane.published.at(-1)?.gateways[1]?.policies?.map(({ name }) => name);
    assert.deepEqual(policies(), ['cors']);
    control.setNow(NOW_MS + 5_000);
    await control.call('PUT', path, { body: { status: 'maintenance' } });
    assert.deepEqual(policies(), ['cors', 'maintenance']);
    await control.call('PUT', path, { body: { status: 'deprecated' } });
    assert.deepEqual(policies(), ['cors', 'deprecation']);
    assert.deepEqual(control.dataPlane.published.at(-1)?.gateways[1]?.policies?.[1]?.config, {
      deprecatedAtMs: NOW_MS + 5_000,
      sunsetAtMs: null,
      successor: null,
      isGoneAfterSunset: false,
    });
    await control.call('PUT', path, { body: { status: 'active' } });
    assert.deepEqual(policies(), ['cors']);
    const { body } = await control.call('GET', `${path}/diff`);
    assert.deepEqual(body.data.routes, NOTHING);
  });
});

forEachDatabase('a target', (open) => {
  const cases: readonly [url: string, allowed: boolean, refused: boolean][] = [
    ['http://169.254.169.254/latest', false, true],
    ['http://[fe80::1]:80', false, true],
    ['http://[fd00:ec2::254]', false, true],
    ['http://[::ffff:169.254.169.254]', false, true],
    ['http://2852039166', false, true],
    ['http://metadata.google.internal', false, true],
    ['http://127.0.0.1:9000', true, true],
    ['http://10.0.0.1', true, true],
    ['http://[::1]:9000', true, true],
    ['http://orders', true, true],
    ['https://orders.example.com', true, false],
  ];
  for (const privateTargets of ['allow', 'refuse'] as const) {
    test(`that no caller may be led to is refused at the deploy, private ones by setting: ${privateTargets}`, async () => {
      const { db } = await open();
      const control = createTestControl({ db }, { privateTargets });
      for (const [i, [url, allowed, refused]] of cases.entries()) {
        const services = [{ name: 'x', targets: [{ url: 'https://fine.example.com' }, { url }] }];
        const path = await make(control, { name: `g${i}`, upstreamServices: services }, { method: 'GET', path: '/a' });
        const isFine = privateTargets === 'allow' ? allowed : !refused;
        const answer = await control.call('POST', `${path}/deploy`);
        assert.equal(answer.status, isFine ? 200 : 422, url);
        if (!isFine) assert.equal(answer.body.errors[0].path, 'upstreamServices[0].targets[1].url');
      }
      const path = await make(
        control,
        { name: 'own' },
        { method: 'GET', path: '/a', upstreamUrl: 'http://169.254.1.1' },
      );
      const answer = await control.call('POST', `${path}/deploy`);
      const paths = answer.body.errors.map((fault: { path: string }) => fault.path);
      assert.ok(paths.includes('endpoints[0].upstreamUrl'), answer.text);
    });
  }
});
