import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fakeApi, problem, type Told } from './fake-api.fixture.ts';

const api = fakeApi();

const SHOP = { name: 'shop', upstreamServices: [{ name: 'a', targets: [{ url: 'http://127.0.0.1:9000' }] }] };

function file(name: string, content: unknown): string {
  const path = join(api.folder(), name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function planned(plan: unknown[], more: object = {}): Told {
  return { body: { success: true, data: { planId: 'plan_1', plan, isApplied: false, deployments: [], ...more } } };
}

const CREATED = [
  { action: 'create', gateway: 'shop' },
  { action: 'create', gateway: 'shop', endpoint: 'GET /orders' },
  { action: 'deploy', gateway: 'shop' },
];
const DONE = planned(CREATED, { isApplied: true, deployments: [{ gatewayId: 'gw_1', revision: 1 }] });

describe('tollgate apply', () => {
  test('shows the plan, asks, and does exactly what was shown', async () => {
    api.tell(planned(CREATED), DONE);
    const ran = await api.run(['apply', '-f', file('a.yaml', { gateways: [SHOP] })], { isTTY: true, input: 'yes\n' });
    assert.deepEqual(ran.out.split('\n'), [
      '+ create shop',
      '+ create shop GET /orders',
      '> deploy shop',
      'Done: gw_1 is live as revision 1.',
      '',
    ]);
    assert.deepEqual(
      api.asked.map(({ body }) => body),
      [
        { gateways: [SHOP], prune: false, dryRun: true },
        { gateways: [SHOP], prune: false, expectedPlan: 'plan_1' },
      ],
    );
    assert.match(ran.err, /Only yes means yes/);
  });

  for (const answer of ['no\n', 'y\n', '']) {
    test(`changes nothing when the answer is ${JSON.stringify(answer)}`, async () => {
      api.tell(planned(CREATED));
      const ran = await api.run(['apply', '-f', file('a.yaml', { gateways: [SHOP] })], { isTTY: true, input: answer });
      assert.deepEqual([ran.code, api.asked.length], [1, 1]);
      assert.match(ran.err, /nothing was changed/);
    });
  }

  test('asks for nothing and sends nothing where nobody can answer and --yes is missing', async () => {
    api.tell(planned(CREATED));
    const ran = await api.run(['apply', '-f', file('a.yaml', { gateways: [SHOP] })]);
    assert.deepEqual([ran.code, api.asked.length], [2, 0]);
    assert.match(ran.err, /give --yes/);
  });

  test('with --yes does not ask; with --prune deletes what is not declared', async () => {
    api.tell(planned(CREATED), DONE);
    const ran = await api.run(['apply', '-f', file('a.yaml', { gateways: [] }), '--yes', '--prune']);
    assert.equal(ran.code, 0, ran.err);
    assert.deepEqual(api.asked[1]?.body, { gateways: [], prune: true, expectedPlan: 'plan_1' });
  });

  test('with --dry-run, and where nothing is to change, stops after the plan', async () => {
    api.tell(planned(CREATED));
    assert.equal((await api.run(['apply', '-f', file('a.yaml', { gateways: [] }), '--dry-run'])).code, 0);
    assert.equal(api.asked.length, 1);
    api.tell(planned([{ action: 'keep', gateway: 'shop', endpoint: 'GET /old' }]));
    const ran = await api.run(['apply', '-f', file('a.yaml', { gateways: [] }), '--yes']);
    assert.equal(api.asked.length, 1);
    assert.match(ran.out, /^ {2}keep shop GET \/old .*--prune deletes it\)\nNothing to change\.$/m);
  });

  test('makes one declaration of several files, and tells faults in their terms', async () => {
    const errors = [{ path: 'body.gateways[1].routePrefix', message: 'must begin with /' }];
    api.tell(problem(400, 'invalid_request', errors));
    const [first, second] = [file('one.yaml', { gateways: [SHOP] }), file('two.yaml', 'gateways:\n  - name: b\n')];
    const ran = await api.run(['apply', '-f', first, '--file', second, '--yes']);
    assert.equal(ran.code, 1);
    assert.match(ran.err, /two\.yaml: gateways\[0\]\.routePrefix must begin with \//);
  });

  for (const [what, text, complaint] of [
    ['neither YAML nor JSON', '{"gateways": [', /neither YAML nor JSON/],
    ['no declaration', 'gateway: []', /must have `gateways`/],
    ['what goes round in circles', 'gateways: &all\n  - name: a\n    endpoints: *all', /deeper than 100 levels/],
    ['what has no ground', `{"gateways": ${'['.repeat(5000)}${']'.repeat(5000)}}`, /deeper than 100 levels/],
    ['a field that is not known', 'gateways: []\nversion: 2', /version is not known here/],
  ] as const) {
    test(`refuses ${what} without a call`, async () => {
      api.tell(planned([]));
      const ran = await api.run(['apply', '-f', file('bad.yaml', text), '--yes']);
      assert.deepEqual([ran.code, api.asked.length], [2, 0]);
      assert.match(ran.err, complaint);
    });
  }
});

describe('references in declarations', () => {
  const declared = (url: string): string => file('ref.yaml', { gateways: [{ ...SHOP, baseUrl: url }] });
  const env = (): Record<string, string> => ({ TOLLGATE_URL: api.url(), TOLLGATE_API_KEY: 'tg', SECRET: 's3cret' });

  test('are put in from the environment and from files beside the declaration', async () => {
    api.tell(planned([]));
    file('key.txt', 'from-file\n');
    await api.run(['diff', '-f', declared('http://${env:SECRET}.example/${file:key.txt}?$${x}')], { env: env() });
    const body = JSON.stringify(api.asked[0]?.body);
    assert.match(body, /http:\/\/s3cret\.example\/from-file\?\$\{x\}/);
  });

  test('stand in plans and refusals in place of their values, and hide what was there before', async () => {
    const fields = [
      { path: 'baseUrl', before: 'http://older-secret', after: 'http://s3cret' },
      { path: 'description', before: 'was s3cret', after: 'open' },
    ];
    const plan = [{ action: 'update', gateway: 'shop', fields }];
    for (const json of [[], ['--json']]) {
      api.tell(planned(plan));
      const ran = await api.run(['diff', '-f', declared('http://${env:SECRET}'), ...json], { env: env() });
      assert.ok(!/s3cret|older-secret/.test(ran.out + ran.err), ran.out);
      assert.match(ran.out, /http:\/\/\$\{env:SECRET\}/);
      api.tell(problem(400, 'invalid_request', [{ path: 'body.gateways[0].baseUrl', message: 'cannot be s3cret' }]));
      const refused = await api.run(['apply', '--yes', '-f', declared('${env:SECRET}'), ...json], { env: env() });
      assert.equal(refused.code, 1);
      assert.ok(!/s3cret/.test(refused.out + refused.err), refused.err);
    }
  });

  test('lead to no more than there is room for, whatever a file says of its length', async () => {
    file('long.txt', 'x'.repeat(70_000));
    const ran = await api.run(['diff', '-f', declared('${file:/dev/zero} ${file:long.txt}')], { env: env() });
    assert.equal(ran.code, 2);
    assert.match(ran.err, /\$\{file:\/dev\/zero\} leads to a file of more than/);
    assert.match(ran.err, /\$\{file:long\.txt\} leads to a file of more than/);
  });

  test('that lead nowhere are told all at once, before anything is sent', async () => {
    api.tell(planned([]));
    const ran = await api.run(['diff', '-f', declared('${env:NOWHERE} ${file:/none} ${DEMO} ${vault:x} ${open')]);
    assert.deepEqual([ran.code, api.asked.length], [2, 0]);
    for (const told of [
      /set NOWHERE in the environment/,
      /cannot be read/,
      /\$\{DEMO\} is no ref/,
      /\$\{vault:x\} is no ref/,
      /\$\{open is no ref/,
    ])
      assert.match(ran.err, told);
  });
});

describe('tollgate diff', () => {
  test('ends with 7 on a difference when it is asked to, and with 0 else', async () => {
    const path = file('a.yaml', { gateways: [SHOP] });
    api.tell(planned(CREATED));
    assert.equal((await api.run(['diff', '-f', path])).code, 0);
    assert.equal((await api.run(['diff', '-f', path, '--exit-code'])).code, 7);
    api.tell(planned([]));
    assert.equal((await api.run(['diff', '-f', path, '--exit-code'])).code, 0);
  });

  test('shows fields before and after', async () => {
    const fields = [
      { path: 'timeoutSeconds', before: 30, after: 10 },
      { path: 'cors', after: { allowOrigins: ['*'] } },
    ];
    api.tell(planned([{ action: 'update', gateway: 'shop', fields }]));
    const ran = await api.run(['diff', '-f', file('a.yaml', { gateways: [SHOP] })]);
    assert.match(
      ran.out,
      /~ update shop\n {4}timeoutSeconds: 30 → 10\n {4}cors: nothing → \{"allowOrigins":\["\*"\]\}/,
    );
  });
});

describe('tollgate export', () => {
  test('writes every page of gateways as a declaration that can be applied as it is', async () => {
    const page = (id: string, nextCursor: string | null): Told => ({
      body: { success: true, data: [{ id }], meta: { nextCursor } },
    });
    const one = (name: string): Told => ({ body: { success: true, data: { name, description: '${env:X}: yes' } } });
    api.tell(page('gw_1', 'c'), page('gw_2', null), one('a'), one('b'));
    const ran = await api.run(['export']);
    assert.equal(ran.code, 0, ran.err);
    api.tell(planned([]));
    await api.run(['diff', '-f', file('exported.yaml', ran.out)]);
    const description = '${env:X}: yes';
    assert.deepEqual(api.asked[0]?.body, {
      gateways: [
        { name: 'a', description },
        { name: 'b', description },
      ],
      prune: false,
      dryRun: true,
    });
  });

  test('writes those that are named', async () => {
    api.tell({ body: { success: true, data: { name: 'a' } } });
    assert.equal(
      (await api.run(['export', '--gateway', 'gw_7', '--json'])).out.trim(),
      JSON.stringify({ gateways: [{ name: 'a' }] }, null, 2),
    );
    assert.deepEqual(
      api.asked.map(({ path }) => path),
      ['/gateways/gw_7/declaration'],
    );
  });
});

describe('tollgate validate', () => {
  test('asks no Tollgate, and tells every fault', async () => {
    api.tell(planned([]));
    const path = file('a.yaml', { gateways: [SHOP] });
    const faults = [
      { path: 'gateways[0].endpoints[1].path', message: 'must begin with /' },
      { path: 'gateways[0].name', message: 'is required' },
    ];
    const ran = await api.run(['validate', '-f', path], { faults, env: {} });
    assert.deepEqual([ran.code, api.asked.length], [1, 0]);
    assert.match(
      ran.err,
      /gateways\[0\]\.endpoints\[1\]\.path must begin with \/\n {2}gateways\[0\]\.name is required/,
    );
    assert.deepEqual((await api.run(['validate', '-f', path], { env: {} })).out, `${path}: sound\n`);
  });
});

describe('tollgate explain', () => {
  test('asks with method, path, host and headers, and shows the way in order', async () => {
    api.tell({
      body: {
        success: true,
        data: {
          outcome: 'forwarded',
          detail: 'Goes to the service a of gateway shop.',
          gateway: { id: 'gw_1', name: 'shop' },
          endpoint: { id: 'ep_1', method: 'GET', path: '/shop/orders' },
          policies: [
            { stage: 'authenticate', name: 'api-key', config: {} },
            { stage: 'limit', name: 'rate-limit', config: { endpoint: null } },
          ],
          service: {
            name: 'a',
            targets: ['http://127.0.0.1:9000', 'http://b'],
            weights: [1, 9],
            loadBalancingStrategy: 'weighted',
            stripPrefix: false,
            path: '/v1/orders',
            timeoutMs: 30_000,
            retries: 1,
            circuitBreaker: { failureThreshold: 5 },
          },
          traffic: {
            split: [
              { service: 'b', when: { header: { name: 'x-canary' } } },
              { service: 'a', weight: 999 },
              { service: 'b', weight: 1 },
            ],
            mirror: { service: 'c', percent: 2.5 },
          },
        },
      },
    });
    const words = ['explain', 'GET', '/shop/orders', '--host', 'x', '-H', 'Accept: a, b', '--header', 'X-V: 2'];
    const ran = await api.run(words);
    const asked = new URL(api.asked[0]?.path ?? '', 'http://x').searchParams;
    assert.deepEqual([asked.get('method'), asked.get('path'), asked.get('host')], ['GET', '/shop/orders', 'x']);
    assert.deepEqual(asked.getAll('header'), ['Accept: a, b', 'X-V: 2']);
    assert.deepEqual(ran.out.split('\n'), [
      'Goes to the service a of gateway shop.',
      'outcome       forwarded',
      'gateway       shop (gw_1)',
      'endpoint      GET /shop/orders (ep_1)',
      'authenticate  api-key',
      'limit         rate-limit {"endpoint":null}',
      'service       a, waits 30000 ms',
      'path          /v1/orders',
      'strategy      weighted',
      'retries       1',
      'breaker       {"failureThreshold":5}',
      'target        http://127.0.0.1:9000',
      'target        http://b (weight 9)',
      'split         b when {"header":{"name":"x-canary"}}',
      'split         99.9 % to a',
      'split         0.1 % to b',
      'mirror        2.5 % to c',
      '',
    ]);
  });
});

describe('tollgate gateways', () => {
  test('rollback sends what was told, and nothing else', async () => {
    api.tell({});
    await api.run(['gateways', 'rollback', 'gw_1', '--revision', '3', '--restore-draft']);
    await api.run(['gateways', 'rollback', 'gw_1']);
    assert.deepEqual(
      api.asked.map(({ body }) => body),
      [{ revision: 3, restoreDraft: true }, {}],
    );
  });

  test('import sends the document as it is, and tells what could not be carried over', async () => {
    const notCarried = [{ what: 'request bodies', why: 'not yet', count: 2, places: [] }];
    api.tell({
      body: { success: true, data: { gatewayId: 'gw_1', declaration: {}, steps: CREATED.slice(0, 2), notCarried } },
    });
    const ran = await api.run(['gateways', 'import', '-f', file('openapi.yaml', 'openapi: 3.1.0\n'), '--name', 'x']);
    assert.deepEqual(api.asked[0]?.body, { name: 'x', document: 'openapi: 3.1.0\n', dryRun: false });
    assert.match(ran.out, /\+ create shop GET \/orders/);
    assert.match(ran.err, /not carried over: request bodies \(2\): not yet\n.*gateways deploy gw_1/);
  });

  test('health shows every target in a line, and all of it with --json', async () => {
    const well = { weight: 1, status: 'up', reasons: [], inFlight: 0 };
    const orders = [
      { ...well, url: 'http://a', inFlight: 3, circuitBreaker: 'closed' },
      { ...well, url: 'http://b', address: '10.0.0.1', port: 81, status: 'down', reasons: ['check', 'circuit_open'] },
    ];
    const data = {
      gatewayId: 'gw_1',
      status: 'degraded',
      threads: 2,
      services: [
        { name: 'orders', status: 'degraded', targets: orders },
        { name: 'users', status: 'healthy', targets: [{ ...well, url: 'http://c', address: '10.0.0.2', weight: 0.5 }] },
      ],
    };
    api.tell({ body: { success: true, data } });
    const ran = await api.run(['gateways', 'health', 'gw_1']);
    assert.equal(api.asked[0]?.path, '/gateways/gw_1/health');
    assert.deepEqual(ran.out.split('\n'), [
      'gw_1 is degraded (2 gateway threads)',
      'SERVICE  TARGET    ADDRESS           WEIGHT  STATUS  REASONS              CIRCUIT BREAKER  IN FLIGHT',
      'orders   http://a  -                 1       up      -                    closed           3',
      'orders   http://b  10.0.0.1 port 81  1       down    check, circuit_open  -                0',
      'users    http://c  10.0.0.2          0.5     up      -                    -                0',
      '',
    ]);
    const json = await api.run(['gateways', 'health', 'gw_1', '--json']);
    assert.deepEqual(JSON.parse(json.out), data);
    api.tell({ body: { success: true, data: { ...data, status: 'off_air', threads: 1, services: [] } } });
    const off = await api.run(['gateways', 'health', 'gw_1']);
    assert.equal(off.out, 'gw_1 is off_air (1 gateway thread)\n');
  });

  test('diff shows routes and fields', async () => {
    const routes = { added: ['GET /a'], removed: ['GET /b'], changed: [] };
    const data = { from: '1', to: 'live', routes, fields: [{ path: 'name', before: 'a', after: 'b' }] };
    api.tell({ body: { success: true, data } });
    const ran = await api.run(['gateways', 'diff', 'gw_1', '--from', '1', '--to', 'live']);
    assert.equal(ran.out, '1 → live\n+ GET /a\n- GET /b\n    name: "a" → "b"\n');
  });
});
