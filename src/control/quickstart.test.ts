import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createTestControl } from '../../test/harness/control.ts';
import { forEachDatabase } from '../../test/harness/databases.ts';
import { readVersion } from '../db/installation.ts';
import { fillQuickstart } from './quickstart.ts';

const YAML = `
gateways:
  - name: demo
    upstreamServices: [{ name: echo, targets: [{ url: "\${URL}" }] }]
    endpoints:
      - { method: GET, path: /echo, authRequired: false }
  - name: other
`;
const URLS = { URL: 'http://127.0.0.1:9' };

forEachDatabase('the quick start', (open) => {
  test('fills an empty store and puts it on the air', async () => {
    const control = createTestControl(await open());
    assert.equal(await fillQuickstart(control.services, YAML, URLS), true);
    const [snapshot] = control.dataPlane.published;
    const live = snapshot?.gateways.slice(1).map(({ name, services }) => [name, services]);
    assert.deepEqual(Object.fromEntries(live ?? []), {
      demo: [
        {
          name: 'echo',
          targets: [{ url: 'http://127.0.0.1:9' }],
          stripPrefix: false,
          retry: { attempts: 1, statuses: [502, 503, 504] },
        },
      ],
      other: [],
    });
    const { body } = await control.call('GET', '/api/v1/gateways?sortBy=name&sortOrder=asc');
    assert.deepEqual(
      body.data.map(({ name, deployed }: { name: string; deployed: { revision: number } }) => [
        name,
        deployed.revision,
      ]),
      [
        ['demo', 1],
        ['other', 1],
      ],
    );
  });

  test('leaves a store alone that has or ever had a gateway, whatever stands in the file', async () => {
    const { db } = await open();
    const control = createTestControl({ db });
    const made = await control.call('POST', '/api/v1/gateways', { body: { name: 'mine' } });
    assert.equal(await fillQuickstart(control.services, YAML, URLS), false);
    await control.call('DELETE', `/api/v1/gateways/${made.body.data.id}`);
    const version = await readVersion(db);
    assert.equal(await fillQuickstart(control.services, 'rubbish', {}), false);
    assert.equal(await readVersion(db), version);
    assert.deepEqual((await control.call('GET', '/api/v1/gateways')).body.data, []);
  });

  test('fills once when two nodes start at the same moment', async () => {
    const control = createTestControl(await open());
    const filled = await Promise.all([
      fillQuickstart(control.services, YAML, URLS),
      fillQuickstart(control.services, YAML, URLS),
    ]);
    assert.deepEqual(filled.toSorted(), [false, true]);
    assert.equal((await control.call('GET', '/api/v1/gateways')).body.meta.total, 2);
  });

  test('refuses a wrong file with every fault, and leaves the store empty', async () => {
    const control = createTestControl(await open());
    const faulty = 'gateways: [{ name: a, port: 1, endpoints: [{ method: GET, path: "/a/{b}/{b}" }, { path: "/b" }] }]';
    await assert.rejects(
      fillQuickstart(control.services, faulty, {}),
      /gateways\[0\]\.port is not known here.*endpoints\[1\]\.method is required/,
    );
    await assert.rejects(fillQuickstart(control.services, YAML, {}), /nothing is given for \$\{URL\}/);
    await assert.rejects(
      fillQuickstart(control.services, 'gateways: [{ name: a, endpoints: [{ method: GET, path: /a }] }]', {}),
      /deployed/,
    );
    assert.equal((await control.call('GET', '/api/v1/gateways')).body.meta.total, 0);
  });

  test('takes the file that Tollgate ships', async () => {
    const control = createTestControl(await open());
    const yaml = await readFile(new URL('../../examples/quickstart.yaml', import.meta.url), 'utf8');
    assert.equal(await fillQuickstart(control.services, yaml, { DEMO_URL: 'http://127.0.0.1:9' }), true);
  });
});
