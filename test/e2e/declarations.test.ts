// Gateways in files, from the first validate to the way back, with the program as a person and a pipeline call it.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, it, describe } from 'node:test';
import { createApi, type Json } from '../harness/api.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';
import { startUpstream, type Upstream } from '../harness/upstream.ts';

interface Ran {
  readonly code: number | null;
  readonly output: string;
  readonly log: string;
}

const SHOP = `gateways:
  - name: shop
    upstreamServices:
      - name: orders
        targets: [{ url: "\${env:ORDERS_URL}" }]
    endpoints:
      - { method: GET, path: /orders, authRequired: false }
      - { method: GET, path: "/orders/{id}" }
`;

describe('gateways in files', () => {
  let sandbox: Sandbox;
  let tollgate: RunningTollgate;
  let upstream: Upstream;
  let key = '';
  let shop: Json;

  const run = (line: string, env: Record<string, string> = {}): Promise<Ran> => {
    const more = { TOLLGATE_URL: tollgate.url, TOLLGATE_API_KEY: key, ORDERS_URL: upstream.url, ...env };
    return sandbox.run(line.split(' '), more);
  };
  const write = (name: string, text: string): string => {
    const path = join(sandbox.dataDir, name);
    writeFileSync(path, text);
    return path;
  };
  const status = async (path: string): Promise<number> => (await fetch(tollgate.url + path)).status;

  before(async () => {
    sandbox = await createSandbox();
    upstream = await startUpstream((_request, response) => response.end('[]'));
    tollgate = await sandbox.start();
    const setup = await createApi(tollgate.url).call('POST', '/setup', { name: 'Ada', email: 'ada@example.com' });
    key = setup.body.apiKey;
  });
  after(async () => {
    await sandbox.remove();
    await upstream.close();
  });

  it('are checked without a Tollgate, by the rules of a deploy', async () => {
    const nowhere = { TOLLGATE_URL: 'http://127.0.0.1:1', TOLLGATE_API_KEY: '' };
    const sound = await run(`validate -f ${write('api.yaml', SHOP)}`, nowhere);
    assert.deepEqual([sound.code, sound.log], [0, '']);
    const shadow = `${SHOP}  - name: root\n    routePrefix: /\n    upstreamServices: [{ name: a, targets: [{ url: "http://127.0.0.1:9" }] }]\n    endpoints: [{ method: GET, path: /health }, { method: GET, path: /shop/orders }]\n`;
    const refused = await run(`validate -f ${write('bad.yaml', shadow)}`, nowhere);
    assert.equal(refused.code, 1);
    assert.match(refused.log, /gateways\[1\]\.endpoints\[0\]\.path .*shadow a route of the management API/);
    assert.match(refused.log, /gateways\[1\]\.endpoints\[1\]\.path .*published by gateway "shop" already/);
    const settings = await run(`validate -f ${join(sandbox.dataDir, 'api.yaml')}`, {
      TOLLGATE_PRIVATE_TARGETS: 'refuse',
    });
    assert.deepEqual([settings.code, /private/.test(settings.log)], [1, true]);
  });

  it('are on the air when apply has ended, and apply changes nothing the second time', async () => {
    const file = join(sandbox.dataDir, 'api.yaml');
    assert.equal((await run(`diff -f ${file} --exit-code`)).code, 7);
    assert.equal((await run(`apply -f ${file}`)).code, 2, 'nobody can be asked');
    assert.equal(await status('/shop/orders'), 404);
    const applied = await run(`apply -f ${file} --yes`);
    assert.equal(applied.code, 0, applied.log);
    assert.equal(await status('/shop/orders'), 200);
    const again = await run(`apply -f ${file} --yes`);
    assert.deepEqual([again.code, again.output], [0, 'Nothing to change.\n']);
  });

  it('say in a plan which reference changes, not what it stands for', async () => {
    const ran = await run(`diff -f ${join(sandbox.dataDir, 'api.yaml')}`, { ORDERS_URL: 'http://127.0.0.1:7777' });
    assert.match(
      ran.output,
      /upstreamServices\.orders\.targets: "\(not shown\)" → \[\{"url":"\$\{env:ORDERS_URL\}"\}\]/,
    );
    assert.ok(!ran.output.includes(upstream.url) && !ran.output.includes('7777'));
  });

  it('come back from export, and applying that changes nothing', async () => {
    const exported = await run('export');
    assert.equal(exported.code, 0, exported.log);
    const ran = await run(`diff -f ${write('exported.yaml', exported.output)} --prune --exit-code`);
    assert.deepEqual([ran.code, ran.output], [0, 'Nothing to change.\n']);
  });

  it('are explained: what a request would meet, in order', async () => {
    const ran = await run('explain GET /shop/orders/7');
    assert.match(ran.output, /endpoint +GET \/shop\/orders\/\{id\}.*\n(.*\n)*authenticate +api-key\n/);
    assert.match((await run('explain GET /nowhere')).output, /Nothing is published at GET \/nowhere/);
  });

  it('have revisions, and a way back', async () => {
    [shop] = JSON.parse((await run('gateways list --json')).output);
    const text = readFileSync(join(sandbox.dataDir, 'api.yaml'), 'utf8').replace('path: /orders,', 'path: /purchases,');
    assert.equal((await run(`apply -f ${write('api.yaml', text)} --prune --yes`)).code, 0);
    assert.deepEqual([await status('/shop/orders'), await status('/shop/purchases')], [404, 200]);
    assert.match(
      (await run(`gateways diff ${shop.id} --from 1`)).output,
      /^1 → draft\n\+ GET \/shop\/purchases\n- GET \/shop\/orders\n/,
    );
    const back = await run(`gateways rollback ${shop.id} --restore-draft`);
    assert.equal(back.code, 0, back.log);
    assert.deepEqual([await status('/shop/orders'), await status('/shop/purchases')], [200, 404]);
    assert.match((await run(`gateways revisions ${shop.id}`)).output, /^REVISION.*\n3 +true.*\n2 +false.*\n1 +false/);
    assert.equal((await run(`gateways deploy ${shop.id}`)).code, 0);
  });

  it('come from OpenAPI documents, too', async () => {
    const document = {
      openapi: '3.1.0',
      info: { title: 'Pets', version: '1' },
      paths: { '/pets': { get: { responses: {} } } },
    };
    const path = write('openapi.json', JSON.stringify(document));
    const ran = await run(`gateways import -f ${path} --target ${upstream.url}`);
    assert.equal(ran.code, 0, ran.log);
    assert.match(ran.output, /\+ create Pets\n\+ create Pets GET \/pets\n/);
    const id = /gateways deploy (gw_\w+)/.exec(ran.log)?.[1] ?? '';
    assert.equal((await run(`gateways deploy ${id}`)).code, 0);
    assert.equal(await status('/pets/pets'), 401);
  });
});
