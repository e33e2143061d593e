// Every declaration of examples/ as its reader uses it: checked by an editor's schema and by `validate`, applied, called, exported and applied again.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { createApi, type Json } from '../harness/api.ts';
import { createSandbox, type RunningTollgate, type Sandbox } from '../harness/tollgate.ts';
import { findDeadUrl, startUpstream, type Upstream } from '../harness/upstream.ts';

const FOLDER = new URL('../../examples/', import.meta.url);
const SCHEMA = new URL('../../docs/reference/declaration.schema.json', import.meta.url);
/** Is no declaration of its own: a node fills it in at its first start. */
const QUICK_START = 'quickstart.yaml';

interface Call {
  readonly line: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Scopes of the key that it is made with; no key unless told. */
  readonly scopes?: readonly string[];
  readonly status: number;
  /** What the service saw, where the call got there. */
  readonly seen?: string;
  /** Headers of the answer. */
  readonly answers?: Readonly<Record<string, string>>;
}

const SHOP = 'https://shop.example.com';
const PREFLIGHT = { origin: SHOP, 'access-control-request-method': 'POST' };

const CALLS: Readonly<Record<string, readonly Call[]>> = {
  'edge-gateway.yaml': [
    { line: 'GET /api/status', status: 200, seen: 'GET /status', answers: { 'x-content-type-options': 'nosniff' } },
    { line: 'GET /api/users/7', status: 401 },
    { line: 'GET /api/users/7', scopes: ['orders:read'], status: 403 },
    { line: 'GET /api/users/7', scopes: ['users:read'], status: 200, seen: 'GET /users/7' },
    { line: 'GET /api/orders/7/lines', scopes: ['orders:read'], status: 200, seen: 'GET /orders/7/lines' },
    { line: 'POST /api/orders', scopes: ['orders:write'], status: 200, seen: 'POST /orders' },
    {
      line: 'GET /api/customers/7',
      scopes: ['users:read'],
      status: 200,
      seen: 'GET /customers/7',
      answers: { deprecation: '@1767225600', sunset: 'Fri, 01 Jan 2100 00:00:00 GMT' },
    },
    {
      line: 'GET /api/users/7',
      headers: { origin: 'https://app.example.com' },
      status: 401,
      answers: { 'access-control-allow-origin': 'https://app.example.com' },
    },
  ],
  'service-mesh-hop.yaml': [
    { line: 'GET /orders/7', scopes: ['orders:read'], status: 404 },
    { line: 'GET /orders/7', headers: { host: 'orders.mesh.internal' }, status: 401 },
    {
      line: 'GET /orders/7',
      headers: { host: 'orders.mesh.internal' },
      scopes: ['orders:read'],
      status: 200,
      seen: 'GET /orders/7',
    },
    {
      line: 'POST /orders/7/invoice',
      headers: { host: 'orders.mesh.internal' },
      scopes: ['orders:read', 'orders:write'],
      status: 403,
    },
  ],
  'backend-for-frontend.yaml': [
    {
      line: 'GET /web/products/7',
      status: 200,
      seen: 'GET /products/7',
      answers: { 'referrer-policy': 'no-referrer' },
    },
    {
      line: 'OPTIONS /web/basket',
      headers: PREFLIGHT,
      status: 204,
      answers: { 'access-control-allow-origin': SHOP, 'access-control-allow-credentials': 'true' },
    },
    { line: 'GET /mobile/products', scopes: [], status: 200, seen: 'GET /products' },
    { line: 'GET /mobile/catalog', scopes: [], status: 400 },
    { line: 'GET /mobile/catalog', headers: { 'x-app-version': '2' }, scopes: [], status: 200, seen: 'GET /catalog' },
  ],
  'gradual-change.yaml': [
    {
      line: 'GET /shop/orders/7',
      headers: { 'x-canary': '1' },
      scopes: [],
      status: 200,
      seen: 'GET /canary/shop/orders/7',
      answers: { vary: 'x-canary' },
    },
    { line: 'POST /shop/orders', headers: { 'x-canary': '1' }, scopes: [], status: 200, seen: 'POST /shop/orders' },
  ],
  'sidecar.yaml': [
    { line: 'GET /healthz', status: 200, seen: 'GET /healthz' },
    { line: 'GET /anything/at/all?x=1', status: 401 },
    { line: 'GET /anything/at/all?x=1', scopes: [], status: 200, seen: 'GET /anything/at/all?x=1' },
    { line: 'DELETE /things/7', scopes: [], status: 200, seen: 'DELETE /things/7' },
  ],
};

describe('the examples', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml') && file !== QUICK_START);
  let sandbox: Sandbox;
  let tollgate: RunningTollgate;
  let upstream: Upstream;
  let deadUrl = '';
  let key = '';
  const seen: string[] = [];
  const keys = new Map<string, string>();

  const run = (args: readonly string[]): Promise<Json> =>
    sandbox.run(args, {
      TOLLGATE_URL: tollgate.url,
      TOLLGATE_API_KEY: key,
      ...Object.fromEntries(
        ['USERS', 'ORDERS', 'CATALOG', 'SERVICE', 'STABLE'].map((name) => [`${name}_URL`, upstream.url]),
      ),
      CANARY_URL: `${upstream.url}/canary`,
      // A shadow that is not there is missed by nobody.
      SHADOW_URL: deadUrl,
    });
  const keyWith = async (scopes: readonly string[]): Promise<string> => {
    const name = scopes.join(' ');
    const known = keys.get(name);
    if (known !== undefined) return known;
    const made = await createApi(tollgate.url, key).call('POST', '/api/v1/keys', { name: `a ${name}`, scopes });
    assert.equal(made.status, 201);
    keys.set(name, made.body.data.key);
    return made.body.data.key;
  };

  before(async () => {
    sandbox = await createSandbox();
    upstream = await startUpstream(({ method, url }, response) => {
      seen.push(`${method} ${url}`);
      response.end('{}');
    });
    deadUrl = await findDeadUrl();
    tollgate = await sandbox.start();
    const setup = await createApi(tollgate.url).call('POST', '/setup', { name: 'Ada', email: 'ada@example.com' });
    key = setup.body.apiKey;
  });
  after(async () => {
    await sandbox.remove();
    await upstream.close();
  });

  it('all have their calls in this test', () => {
    assert.deepEqual(files.toSorted(), Object.keys(CALLS).toSorted());
  });

  it('fit the schema for editors, which knows the fields that there are', () => {
    const check = new Ajv2020({ strict: false, validateFormats: false }).compile(
      JSON.parse(readFileSync(SCHEMA, 'utf8')),
    );
    for (const file of files) assert.ok(check(parse(readFileSync(new URL(file, FOLDER), 'utf8'))), file);
    assert.ok(!check({ gateways: [{ name: 'a', enpoints: [] }] }));
  });

  for (const [file, calls] of Object.entries(CALLS)) {
    it(`do as their comments say: ${file}`, async () => {
      const path = new URL(file, FOLDER).pathname;
      const sound = await run(['validate', '-f', path]);
      assert.equal(sound.code, 0, sound.log);
      // Whatever the example before has left is gone after it.
      const applied = await run(['apply', '-f', path, '--prune', '--yes']);
      assert.equal(applied.code, 0, applied.log);
      for (const call of calls) await expect(call);
    });

    it(`come back from an export as they went in: ${file}`, async () => {
      const exported = await run(['export']);
      const copy = join(sandbox.dataDir, file);
      writeFileSync(copy, exported.output);
      for (const source of [copy, new URL(file, FOLDER).pathname]) {
        const again = await run(['apply', '-f', source, '--prune', '--yes']);
        assert.deepEqual([again.code, again.output], [0, 'Nothing to change.\n'], again.log);
      }
    });
  }

  async function expect({ line, headers = {}, scopes, status, seen: atService, answers = {} }: Call): Promise<void> {
    seen.length = 0;
    const [method = '', path = ''] = line.split(' ');
    const own: Record<string, string> = scopes === undefined ? {} : { 'x-api-key': await keyWith(scopes) };
    const answer = await send(tollgate.url + path, method, { ...headers, ...own });
    assert.deepEqual([answer.status, ...seen], [status, ...(atService === undefined ? [] : [atService])], line);
    for (const [name, value] of Object.entries(answers)) assert.equal(answer.headers[name], value, `${line}: ${name}`);
  }
});

/** By node:http: fetch sets `Host` and `Origin` itself. */
async function send(url: string, method: string, headers: Readonly<Record<string, string>>): Promise<Reply> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  request(url, { method, headers, agent: false }, (response) => {
    response.resume().on('end', () => resolve({ status: response.statusCode, headers: response.headers }));
  })
    .on('error', reject)
    .end();
  return promise;
}

interface Reply {
  readonly status: number | undefined;
  readonly headers: Json;
}
