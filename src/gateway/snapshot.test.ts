import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Type } from 'typebox';
import { createEndpoint, createGateway } from '../../test/harness/data-plane.ts';
import { apiKey } from '../policies/api-key.ts';
import { scopes } from '../policies/scopes.ts';
import { createRouter, isMethod } from './router.ts';
import { checkSchema, checkSnapshot, type EndpointConfig, type GatewayConfig } from './snapshot.ts';

const POLICIES = [apiKey, scopes];
const URL = 'http://127.0.0.1:9000';

const MANAGEMENT: GatewayConfig = {
  id: null,
  tenantId: 'ten_root',
  name: 'management',
  routePrefix: '',
  services: [{ name: 'control', targets: [{ url: 'unix:/run/tollgate/control' }], stripPrefix: false }],
  endpoints: [
    ['POST', '/setup'],
    ['GET', '/api/v1/keys'],
    ['POST', '/api/v1/keys'],
    ['GET', '/api/v1/keys/{id}'],
    ['GET', '/api/v1/gateways/{id}/endpoints'],
    ['POST', '/api/v1/gateways/{id}/deploy'],
    ['GET', '/console/*'],
  ].map(([method = '', path = '']) => createEndpoint({ id: null, method, path, service: 'control' })),
};

const check = (...gateways: readonly unknown[]): string[] =>
  checkSnapshot({ version: 1, gateways: [MANAGEMENT, ...gateways] }, POLICIES).map(
    ({ path, message }) => `${path}: ${message}`,
  );

/** The faults of one endpoint, without the path that leads to it. */
function checkEndpoint(differences: Partial<EndpointConfig>, gateway: Partial<GatewayConfig> = {}): string[] {
  const faults = check(createGateway(URL, { endpoints: [createEndpoint(differences)], ...gateway }));
  return faults.map((fault) => fault.replace('gateways[1].endpoints[0].', ''));
}

test('a sound snapshot has no faults', () => {
  const policies = [
    { name: 'scopes', config: { required: ['orders:read'] } },
    { name: 'api-key', config: {} },
  ];
  assert.deepEqual(checkEndpoint({ policies }, { routePrefix: '/shop/v1.2' }), []);
  assert.deepEqual(check(), []);
  assert.deepEqual(checkSnapshot({ version: 0, gateways: [] }, POLICIES), []);
});

describe('a snapshot of another form', () => {
  const cases: readonly [what: string, config: unknown, path: string][] = [
    ['null', null, ''],
    ['a list', [], ''],
    ['without its version', { gateways: [] }, 'version'],
    ['with an unknown member', { version: 1, gateways: [], extra: 1 }, 'extra'],
    ['whose gateways are no list', { version: 1, gateways: {} }, 'gateways'],
    ['with a gateway that is null', { version: 1, gateways: [null] }, 'gateways[0]'],
  ];
  for (const [what, config, path] of cases) {
    test(`is refused at ${JSON.stringify(path)}: ${what}`, () => {
      assert.deepEqual(
        checkSnapshot(config, POLICIES).map((fault) => fault.path),
        [path],
      );
    });
  }

  const endpoint = createEndpoint();
  const gateway = createGateway(URL);
  const deep: readonly [gateway: unknown, path: string][] = [
    [{ ...gateway, cors: true }, 'gateways[1].cors'],
    [{ ...gateway, routePrefix: undefined }, 'gateways[1].routePrefix'],
    [{ ...gateway, endpoints: [endpoint, { ...endpoint, cache: {} }] }, 'gateways[1].endpoints[1].cache'],
    [{ ...gateway, endpoints: [{ ...endpoint, timeoutMs: 0 }] }, 'gateways[1].endpoints[0].timeoutMs'],
    [{ ...gateway, endpoints: [{ ...endpoint, timeoutMs: 1.5 }] }, 'gateways[1].endpoints[0].timeoutMs'],
    [
      { ...gateway, endpoints: [{ ...endpoint, policies: [{ name: 'api-key', config: {}, when: 1 }] }] },
      'gateways[1].endpoints[0].policies[0].when',
    ],
    [
      { ...gateway, endpoints: [{ ...endpoint, policies: [{ name: 'api-key' }] }] },
      'gateways[1].endpoints[0].policies[0].config',
    ],
    [{ ...gateway, services: [{ name: 'echo', targets: [], stripPrefix: true }] }, 'gateways[1].services[0].targets'],
    [
      { ...gateway, services: [{ name: 'echo', targets: [{ url: URL, weight: 1001 }], stripPrefix: true }] },
      'gateways[1].services[0].targets[0].weight',
    ],
  ];
  for (const [config, path] of deep) {
    test(`is refused at ${path}`, () => {
      assert.deepEqual(
        checkSnapshot({ version: 1, gateways: [MANAGEMENT, config] }, POLICIES).map((fault) => fault.path),
        [path],
      );
    });
  }
});

describe('a path', () => {
  const sound = [
    '/',
    '/a',
    '/a/',
    '/a/{id}',
    '/{a}/{b}/c',
    '/a/*',
    '/*',
    '/a%20b/caf%C3%A9',
    '/v1.0/~user/a-b_c',
    '/.well-known/x',
    "/!$&'()+,;=@",
    '//',
  ];
  for (const path of sound) test(`may be ${path}`, () => assert.deepEqual(checkEndpoint({ path }), []));

  const unsound: readonly [path: string, fault: string][] = [
    ['', 'must begin with a slash'],
    ['a', 'must begin with a slash'],
    ['*', 'must begin with a slash'],
    ['http://h/a', 'must begin with a slash'],
    ['/..', 'must not have dot segments'],
    ['/a/./b', 'must not have dot segments'],
    ['/a/*/b', 'may have a * only as its last segment'],
    ['/a*', 'may have a * only as its last segment'],
    ['/a/{x}/{x}', 'names the parameter {x} twice'],
    ['/a/{}', 'has a segment "{}" that is neither plain text nor one {parameter}'],
    ['/a/{x}y', 'has a segment "{x}y" that is neither plain text nor one {parameter}'],
    ['/a/{x-y}', 'has a segment "{x-y}" that is neither plain text nor one {parameter}'],
    ['/a/:x', 'has a segment ":x" that is neither plain text nor one {parameter}'],
    ['/a?b', 'has a segment "a?b" that is neither plain text nor one {parameter}'],
    ['/a#b', 'has a segment "a#b" that is neither plain text nor one {parameter}'],
    ['/a b', 'has a segment "a b" that is neither plain text nor one {parameter}'],
    ['/ä', 'has a segment "ä" that is neither plain text nor one {parameter}'],
    ['/%2e%2e', 'has a segment "%2e%2e" that is neither plain text nor one {parameter}'],
    ['/a%2Fb', 'has a segment "a%2Fb" that is neither plain text nor one {parameter}'],
    ['/a%2A', 'has a segment "a%2A" that is neither plain text nor one {parameter}'],
    ['/%7Bx%7D', 'has a segment "%7Bx%7D" that is neither plain text nor one {parameter}'],
    ['/%61', 'has a segment "%61" that is neither plain text nor one {parameter}'],
    ['/%', 'must be percent-encoded UTF-8'],
    ['/%zz', 'must be percent-encoded UTF-8'],
    ['/%ff', 'must be percent-encoded UTF-8'],
  ];
  for (const [path, fault] of unsound) {
    test(`is refused: ${path}`, () => assert.deepEqual(checkEndpoint({ path }), [`path: ${fault}`]));
  }
});

describe('a prefix', () => {
  for (const routePrefix of ['', '/a', '/a/b-c.d', '/v1.0', '/..a', '/...']) {
    test(`may be ${JSON.stringify(routePrefix)}`, () => assert.deepEqual(checkEndpoint({}, { routePrefix }), []));
  }
  for (const routePrefix of [
    '/',
    'a',
    '/a/',
    '//a',
    '/a//b',
    '/..',
    '/a/./b',
    '/a/..',
    '/{x}',
    '/a b',
    '/*',
    '/%61',
    '/ä',
  ]) {
    test(`is refused: ${routePrefix}`, () => {
      assert.deepEqual(checkEndpoint({}, { routePrefix }), [
        'gateways[1].routePrefix: must begin with a slash, not end with one, and hold plain segments only',
      ]);
    });
  }
});

describe('a target', () => {
  const checkTarget = (url: string): string[] =>
    check(createGateway(url)).map((fault) => fault.replace('gateways[1].services[0].targets[0].', ''));

  for (const url of [
    'http://h',
    'https://h:8443',
    'http://127.0.0.1:1/base/',
    'http://[::1]:80',
    'HTTP://H/',
    'http+srv://_api._tcp.example.com',
    'https+srv://_api._tcp.h/base',
  ]) {
    test(`may be ${url}`, () => assert.deepEqual(checkTarget(url), []));
  }
  const unsound: readonly [url: string, fault: string][] = [
    ['', 'must be an http:// or https:// URL'],
    ['h:80', 'must be an http:// or https:// URL'],
    ['/path', 'must be an http:// or https:// URL'],
    ['http://', 'must be an http:// or https:// URL'],
    ['http://h:99999', 'must be an http:// or https:// URL'],
    ['ftp://h', 'must be an http:// or https:// URL'],
    ['file:///etc/passwd', 'must be an http:// or https:// URL'],
    // The control plane's own door is not a tenant's.
    ['unix:/run/tollgate/control', 'must be an http:// or https:// URL'],
    ['UNIX:/run/tollgate/control', 'must be an http:// or https:// URL'],
    ['http://user:pass@h', 'must not hold credentials'],
    ['http://user@h', 'must not hold credentials'],
    ['http+srv://_api._tcp.h:81', 'must not name a port: SRV records tell it'],
    ['http+srv://h', 'must name a service, such as http+srv://_api._tcp.example.com'],
    ['https+srv://user@_api._tcp.h', 'must not hold credentials'],
    ['ftp+srv://_api._tcp.h', 'must be an http:// or https:// URL'],
    ['http://h/?a=b', 'must not have a query or a fragment'],
    ['http://h/#a', 'must not have a query or a fragment'],
  ];
  for (const [url, fault] of unsound) {
    test(`is refused: ${JSON.stringify(url)}`, () => assert.deepEqual(checkTarget(url), [`url: ${fault}`]));
  }
});

test('every fault is told at once, each with its path', () => {
  const faulty = createGateway('ftp://h', {
    routePrefix: 'shop',
    services: [
      { name: 'echo', targets: [{ url: URL }, { url: 'nowhere' }], stripPrefix: false },
      { name: 'echo', targets: [{ url: URL }], stripPrefix: false },
    ],
    endpoints: [
      createEndpoint({ method: 'FETCH', path: 'x', service: 'ghost', policies: [{ name: 'api-kye', config: {} }] }),
      createEndpoint({
        policies: [
          { name: 'api-key', config: { a: 1, b: 2 } },
          { name: 'scopes', config: {} },
        ],
      }),
    ],
  });
  assert.deepEqual(check(faulty), [
    'gateways[1].routePrefix: must begin with a slash, not end with one, and hold plain segments only',
    'gateways[1].services[0].targets[1].url: must be an http:// or https:// URL',
    'gateways[1].services[1].name: "echo" is there twice',
    'gateways[1].endpoints[0].service: there is no service "ghost" in this gateway',
    'gateways[1].endpoints[0].method: must be one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    'gateways[1].endpoints[0].path: must begin with a slash',
    'gateways[1].endpoints[0].policies[0].name: there is no policy "api-kye"',
    'gateways[1].endpoints[1].policies[0].config.a: is not known here',
    'gateways[1].endpoints[1].policies[0].config.b: is not known here',
    'gateways[1].endpoints[1].policies[1].config.required: is required',
  ]);
});

describe('two routes to one place', () => {
  test('are refused in one gateway', () => {
    const endpoints = [createEndpoint({ path: '/a/{id}' }), createEndpoint({ path: '/a/{other}' })];
    assert.deepEqual(check(createGateway(URL, { endpoints })), [
      'gateways[1].endpoints[1].path: GET /a/{other} is in this gateway twice',
    ]);
  });

  test('are refused in two gateways, however prefix and path share the work', () => {
    const first = createGateway(URL, {
      name: 'first',
      routePrefix: '/shop',
      endpoints: [createEndpoint({ path: '/a/{id}' })],
    });
    const second = createGateway(URL, { name: 'second', endpoints: [createEndpoint({ path: '/shop/a/{x}' })] });
    assert.deepEqual(check(first, second), [
      'gateways[2].endpoints[0].path: GET /shop/a/{x} is published by gateway "first" already',
    ]);
  });

  test('are refused when they differ in the spelling of an encoded byte', () => {
    const endpoints = [createEndpoint({ path: '/caf%C3%A9' }), createEndpoint({ path: '/caf%c3%a9' })];
    assert.equal(check(createGateway(URL, { endpoints })).length, 1);
  });

  test('are sound with two methods, or with text beside a parameter', () => {
    const endpoints = [
      createEndpoint({ path: '/a/{id}' }),
      createEndpoint({ path: '/a/{id}', method: 'PUT' }),
      createEndpoint({ path: '/a/b' }),
      createEndpoint({ path: '/a/*' }),
    ];
    assert.deepEqual(check(createGateway(URL, { endpoints })), []);
  });
});

describe('a route beside the management API', () => {
  /** A path that both a route and a managed one would match, or undefined. */
  const shadows: readonly string[] = [
    '/setup',
    '/api/v1/keys',
    '/api/v1/keys/special',
    '/api/v1/keys/{x}',
    '/api/v1/keys/key_0123',
    '/api/v1/gateways/{gateway}/endpoints',
    '/api/v1/gateways/special/endpoints',
    '/api/v1/gateways/special/deploy',
    // Text where the managed path has a parameter takes all that lies below it.
    '/api/v1/gateways/special/{rest}',
    '/api/v1/gateways/special/*',
    '/console/*',
    '/console/{x}',
    '/console/a/b/c',
    '/console/',
  ];
  for (const path of shadows) {
    for (const method of ['GET', 'DELETE']) {
      test(`is refused: ${method} ${path}`, () => {
        assert.deepEqual(checkEndpoint({ method, path }), [
          `path: ${method} ${path} would shadow a route of the management API; choose another prefix`,
        ]);
      });
    }
  }

  test('is refused whichever part of it the prefix is', () => {
    for (const [routePrefix, path] of [
      ['/api', '/v1/keys'],
      ['/api/v1/keys', '/{x}'],
      ['/api/v1/gateways/gw_1', '/*'],
    ]) {
      assert.equal(checkEndpoint({ path: path ?? '' }, { routePrefix: routePrefix ?? '' }).length, 1);
    }
  });

  const harmless = [
    '/setups',
    '/setup/x',
    '/api/v1/keyz',
    '/api/v1/keys/{x}/more',
    '/api/v2/keys',
    '/consoles/*',
    '/console',
    '/API/v1/keys',
  ];
  for (const path of harmless) test(`is sound: ${path}`, () => assert.deepEqual(checkEndpoint({ path }), []));

  test('is sound where the management API wins', () => {
    for (const path of [
      '/*',
      '/{a}',
      '/{a}/{b}/{c}',
      '/api/*',
      '/api/{v}/keys',
      '/api/v1/*',
      '/api/v1/{r}',
      '/api/v1/gateways/{id}/*',
    ]) {
      assert.deepEqual(checkEndpoint({ path }), [], path);
    }
  });

  test('never takes a request from it, whatever route was let through', () => {
    const words = ['api', 'v1', 'keys', 'gateways', 'endpoints', 'special', '{a}', '*', ''];
    let admitted = 0;
    for (const path of walkPaths(words, 5)) {
      if (checkEndpoint({ path }).length > 0) continue;
      admitted++;
      const routes = [...MANAGEMENT.endpoints, createEndpoint({ path })].flatMap((endpoint) =>
        isMethod(endpoint.method)
          ? [{ method: endpoint.method, path: endpoint.path, value: endpoint, isReserved: endpoint.id === null }]
          : [],
      );
      const router = createRouter(routes);
      for (const asked of [
        '/setup',
        '/api/v1/keys',
        '/api/v1/keys/special',
        '/api/v1/gateways/special/endpoints',
        '/console/api',
      ]) {
        const found = router.find({
          method: asked === '/setup' ? 'POST' : 'GET',
          path: asked,
          host: undefined,
          headers: [],
        });
        assert.ok(!('miss' in found) && found.id === null, `${path} takes ${asked}`);
      }
    }
    assert.ok(admitted > 100);
  });
});

/** A sample of the paths of at most so many of these segments. */
function* walkPaths(words: readonly string[], depth: number): Generator<string> {
  let state = 1;
  for (let i = 0; i < 3000; i++) {
    const segments: string[] = [];
    const length = 1 + (i % depth);
    for (let j = 0; j < length; j++) {
      state = (state * 48_271) % 2_147_483_647;
      const word = words[state % words.length] ?? '';
      if (word === '*' && j < length - 1) segments.push('x');
      else segments.push(word === '{a}' ? `{a${j}}` : word);
    }
    yield `/${segments.join('/')}`;
  }
}

test('the check of a schema names members that are missing, unknown or wrong', () => {
  const schema = Type.Object(
    { a: Type.Array(Type.Object({ b: Type.Integer() }, { additionalProperties: false })) },
    { additionalProperties: false },
  );
  assert.deepEqual(checkSchema(schema, { a: [{ b: 1 }, { c: 1 }, { b: 'x' }], d: 1 }, 'config'), [
    { path: 'config.d', message: 'is not known here' },
    { path: 'config.a[1].b', message: 'is required' },
    { path: 'config.a[1].c', message: 'is not known here' },
    { path: 'config.a[2].b', message: 'must be integer' },
  ]);
  assert.deepEqual(checkSchema(schema, {}, ''), [{ path: 'a', message: 'is required' }]);
});
