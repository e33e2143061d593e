import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestControl, type Answered, type TestControl } from '../../../test/harness/control.ts';
import { forEachDatabase } from '../../../test/harness/databases.ts';

const serviceOf = (name: string, more: object = {}) => ({ name, targets: [{ url: `http://${name}.test` }], ...more });
const SERVICES = [serviceOf('stable'), serviceOf('canary', { timeout: 700 }), serviceOf('shadow')];

const TRAFFIC = {
  split: [
    { service: 'canary', when: { header: { name: 'X-Canary', value: '1' } } },
    { service: 'canary', when: { clientIds: ['cli_1'] } },
    { service: 'stable', weight: 95 },
    { service: 'canary', weight: 5 },
  ],
  mirror: { service: 'shadow', percent: 2.5 },
};

const shopOf = (endpoint: object, services: readonly object[] = SERVICES) => ({
  gateways: [
    {
      name: 'shop',
      upstreamServices: services,
      endpoints: [{ method: 'GET', path: '/orders', ...endpoint }],
    },
  ],
});

const apply = (control: TestControl, body: object): Promise<Answered> =>
  control.call('POST', '/api/v1/gateways/apply', { body });

async function idOf(control: TestControl): Promise<string> {
  return (await control.call('GET', '/api/v1/gateways')).body.data[0].id;
}

const liveOf = (control: TestControl) => control.dataPlane.published.at(-1)?.gateways[1]?.endpoints[0];

forEachDatabase('the traffic of an endpoint', (open) => {
  test('goes on the air as it is said, each service with its own time', async () => {
    const control = createTestControl(await open());
    const answer = await apply(control, shopOf({ traffic: TRAFFIC }));
    assert.equal(answer.status, 200, answer.text);
    const live = liveOf(control);
    assert.equal(live?.service, 'stable', 'the one with the most weight, where none is named');
    assert.deepEqual(live?.traffic, {
      split: [
        { service: 'canary', timeoutMs: 700, when: { header: { name: 'x-canary', value: '1' } } },
        { service: 'canary', timeoutMs: 700, when: { clientIds: ['cli_1'] } },
        { service: 'stable', timeoutMs: 30_000, weight: 95 },
        { service: 'canary', timeoutMs: 700, weight: 5 },
      ],
      mirror: { service: 'shadow', timeoutMs: 30_000, percent: 2.5 },
    });
    // A cache must not give others the answers of the canary.
    assert.deepEqual(live?.policies[0], { name: 'vary', config: { fields: ['x-canary'] } });
  });

  test('comes back from an export as it went in, and applied again changes nothing', async () => {
    const control = createTestControl(await open());
    await apply(control, shopOf({ traffic: TRAFFIC }));
    const id = await idOf(control);
    const { body } = await control.call('GET', `/api/v1/gateways/${id}/declaration`);
    assert.deepEqual(body.data.endpoints[0].traffic, TRAFFIC);
    for (const gateways of [[body.data], shopOf({ traffic: TRAFFIC }).gateways]) {
      const again = await apply(control, { gateways });
      assert.deepEqual([again.status, again.body.data.plan], [200, []], again.text);
    }
    assert.equal(control.dataPlane.published.length, 1);
  });

  test('is changed as a whole and cleared with null, and a deploy tells the routes that it changes', async () => {
    const control = createTestControl(await open());
    await apply(control, shopOf({ traffic: TRAFFIC }));
    const id = await idOf(control);
    const [endpoint] = (await control.call('GET', `/api/v1/gateways/${id}/endpoints`)).body.data;
    assert.deepEqual(endpoint.traffic, TRAFFIC);
    const path = `/api/v1/gateways/${id}/endpoints/${endpoint.id}`;
    const { mirror } = TRAFFIC;
    const changed = await control.call('PUT', path, { body: { service: 'stable', traffic: { mirror } } });
    assert.deepEqual(changed.body.data.traffic, { mirror });
    const kept = await control.call('PUT', path, { body: { summary: 'Orders' } });
    assert.deepEqual(kept.body.data.traffic, { mirror });
    await control.call('POST', `/api/v1/gateways/${id}/deploy`);
    const upstreamServices = [...SERVICES.slice(0, 2), serviceOf('shadow', { timeout: 9 })];
    await control.call('PUT', `/api/v1/gateways/${id}`, { body: { upstreamServices } });
    const deployed = await control.call('POST', `/api/v1/gateways/${id}/deploy`);
    assert.deepEqual(deployed.body.data.changes, { added: [], removed: [], changed: ['GET /shop/orders'] });
    const cleared = await control.call('PUT', path, { body: { traffic: null } });
    assert.equal(cleared.body.data.traffic, undefined);
    await control.call('POST', `/api/v1/gateways/${id}/deploy`);
    assert.equal(liveOf(control)?.traffic, undefined);
  });

  test('is refused with every fault, each at its place', async () => {
    const control = createTestControl(await open());
    const at = 'gateways[0].endpoints[0].traffic';
    const table: readonly (readonly [endpoint: object, ...faults: string[]])[] = [
      [
        { service: 'stable', traffic: { split: [{ service: 'stable' }, { service: 'canary', weight: 1, when: {} }] } },
        `${at}.split[1].when`,
      ],
      [
        { service: 'stable', traffic: { split: [{ service: 'stable' }, { service: 'canary', weight: 0 }] } },
        `${at}.split[0]`,
        `${at}.split`,
      ],
      [
        {
          service: 'stable',
          traffic: {
            split: [
              { service: 'stable', weight: 1 },
              { service: 'stable', weight: 2 },
              { service: 'canary', weight: 1, when: { clientIds: ['cli_1'] } },
              { service: 'canary', when: { header: { name: 'Authorization' } } },
            ],
          },
        },
        `${at}.split[2]`,
        `${at}.split[3].when.header.name`,
        `${at}.split[1].service`,
      ],
      [
        {
          service: 'stable',
          traffic: { split: [{ service: 'nobody', weight: 1 }], mirror: { service: 'no', percent: 1 } },
        },
        `${at}.split`,
        `${at}.split[0].service`,
        `${at}.mirror.service`,
      ],
      [{ traffic: { mirror: { service: 'shadow', percent: 1 } } }, 'gateways[0].endpoints[0].service'],
      [{ service: 'stable', traffic: { mirror: { service: 'stable', percent: 1 } } }, `${at}.mirror.service`],
      [{ service: 'stable', traffic: { mirror: { service: 'shadow', percent: 101 } } }, `${at}.mirror.percent`],
      [{ upstreamUrl: 'http://a.test', traffic: { split: [{ service: 'stable', weight: 1 }] } }, `${at}.split`],
      [
        {
          service: 'stable',
          authRequired: false,
          traffic: { split: [{ service: 'canary', when: { clientIds: ['cli_1'] } }] },
        },
        `${at}.split[0].when.clientIds`,
      ],
      [{ service: 'stable', traffic: {} }, at],
      [{ service: 'stable', traffic: { splits: [] } }, `${at}.splits`],
    ];
    for (const [endpoint, ...paths] of table) {
      const refused = await apply(control, shopOf(endpoint));
      const found = refused.body.errors?.map(({ path }: { path: string }) => path.replace(/^body\./, ''));
      const wanted = JSON.stringify(endpoint);
      assert.deepEqual([refused.status >= 400, found?.toSorted()], [true, paths.toSorted()], wanted + refused.text);
    }
    assert.equal(control.dataPlane.published.length, 0);
  });

  test('refuses a broken one before any deploy, and a missing service at the deploy', async () => {
    const control = createTestControl(await open());
    await apply(control, shopOf({ service: 'stable' }));
    const id = await idOf(control);
    const [endpoint] = (await control.call('GET', `/api/v1/gateways/${id}/endpoints`)).body.data;
    const path = `/api/v1/gateways/${id}/endpoints/${endpoint.id}`;
    const broken = await control.call('PUT', path, { body: { traffic: { split: [{ service: 'canary' }] } } });
    assert.deepEqual([broken.status, broken.body.errors[0].path], [400, 'body.traffic.split[0]']);
    const split = [
      { service: 'stable', weight: 1 },
      { service: 'gone', weight: 1 },
    ];
    assert.equal((await control.call('PUT', path, { body: { traffic: { split } } })).status, 200);
    const refused = await control.call('POST', `/api/v1/gateways/${id}/deploy`);
    assert.equal(refused.status, 422);
    assert.deepEqual(
      refused.body.errors.map((fault: { path: string }) => fault.path),
      ['endpoints[0].traffic.split[1].service'],
    );
  });

  test('is explained: where a request goes by its headers, and what hangs on weights and clients', async () => {
    const control = createTestControl(await open());
    await apply(control, shopOf({ traffic: TRAFFIC }));
    const explained = async (more: string) =>
      (await control.call('GET', `/api/v1/gateways/explain?path=/shop/orders${more}`)).body.data;
    const plain = await explained('');
    assert.deepEqual([plain.service.name, plain.traffic], ['stable', { ...TRAFFIC, split: lowered(TRAFFIC.split) }]);
    assert.equal(plain.detail, 'Goes to one of the services stable, canary of gateway shop.');
    const told = await explained('&header=x-canary:%201');
    assert.deepEqual([told.service.name, told.service.timeoutMs], ['canary', 700]);
    assert.equal(told.detail, 'Goes to the service canary of gateway shop.');
  });
});

/** Names of headers are the same in any case; what is served has them in small letters. */
function lowered(split: typeof TRAFFIC.split): unknown {
  return JSON.parse(JSON.stringify(split).replace('X-Canary', 'x-canary'));
}
