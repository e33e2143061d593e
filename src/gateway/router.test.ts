import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { valuesOf } from '../../test/harness/data-plane.ts';
import { type PathRules, STRICT_PATHS } from './route-path.ts';
import { normalizeVersion } from './route-version.ts';
import { createRouter, isMethod, METHODS, openRouter, routeKeys, type Route, type Router } from './router.ts';

interface Leaf {
  readonly name: string;
}

/** A router whose values tell which route was found; `GET /a` for short, `GET host/a` for a host's own. */
function routerOf(...routes: readonly string[]): Router<Leaf> {
  return createRouter(routes.map((route) => toRoute(route)));
}

function routerBy(rules: Partial<PathRules>, ...routes: readonly string[]): Router<Leaf> {
  return createRouter(
    routes.map((route) => toRoute(route)),
    { ...STRICT_PATHS, ...rules },
  );
}

function toRoute(route: string, more: Partial<Route<Leaf>> = {}): Route<Leaf> {
  const [method = '', place = ''] = route.split(' ');
  assert.ok(isMethod(method));
  const slash = place.indexOf('/');
  const host = slash === 0 ? undefined : place.slice(0, slash);
  return { method, path: place.slice(slash), host, value: { name: route }, ...more };
}

/** What a request leads to: the route, or why it leads nowhere. */
function find(router: Router<Leaf>, request: string, ...headers: readonly string[]): string {
  const [method = '', path = ''] = request.split(' ');
  const host = valuesOf(headers, 'host')[0];
  const found = router.find({ method, path, host, headers });
  if (!('miss' in found)) return found.name;
  switch (found.miss) {
    case 'method':
    case 'options':
      return `${found.miss} ${found.allowed.join(' ')}`;
    case 'moved':
      return `moved ${found.path}`;
    case 'version':
      return `version ${found.offered.map(({ value }) => value).join(' ')}`;
    case 'ambiguous':
    case 'not-found':
      return found.miss;
  }
}

describe('the router', () => {
  const router = routerOf(
    'GET /',
    'GET /users',
    'POST /users',
    'GET /users/{id}',
    'GET /users/me',
    'DELETE /users/{id}',
    'GET /users/{id}/posts/{post}',
    'GET /users/me/{rest}',
    'GET /files/*',
    'GET /files/{name}/raw',
    'GET /files/index',
    'PUT /deep/{a}/{b}/{c}',
    'GET /trail/',
    'GET /caf%C3%A9/a%20b',
    "GET /odd/!$&'()+,;=@~",
  );

  const table: readonly [request: string, expected: string][] = [
    ['GET /', 'GET /'],
    ['GET /users', 'GET /users'],
    ['POST /users', 'POST /users'],
    ['GET /users/7', 'GET /users/{id}'],
    ['DELETE /users/7', 'DELETE /users/{id}'],
    ['GET /users/7/posts/8', 'GET /users/{id}/posts/{post}'],
    // Text before parameter before star.
    ['GET /users/me', 'GET /users/me'],
    ['GET /users/men', 'GET /users/{id}'],
    ['GET /users/me/posts', 'GET /users/me/{rest}'],
    ['GET /users/me/posts/8', 'GET /users/{id}/posts/{post}'],
    ['GET /files/index', 'GET /files/index'],
    ['GET /files/x/raw', 'GET /files/{name}/raw'],
    ['GET /files/x/y/z', 'GET /files/*'],
    ['GET /files/', 'GET /files/*'],
    ['GET /files', 'not-found'],
    ['PUT /deep/1/2/3', 'PUT /deep/{a}/{b}/{c}'],
    ['PUT /deep/1/2', 'not-found'],
    // A path is what it says: case and slashes are part of it.
    ['GET /Users', 'not-found'],
    // A parameter is not empty.
    ['GET /users/', 'not-found'],
    ['GET //users', 'not-found'],
    ['GET /trail', 'not-found'],
    ['GET /trail/', 'GET /trail/'],
    ['GET /nothing', 'not-found'],
    // Encoded text is the text.
    ['GET /%75sers', 'GET /users'],
    ['GET /users/%6De', 'GET /users/me'],
    ['GET /users/a%20b', 'GET /users/{id}'],
    ['GET /users/a%3Fb%23c', 'GET /users/{id}'],
    ['GET /caf%C3%A9/a%20b', 'GET /caf%C3%A9/a%20b'],
    ['GET /caf%c3%a9/a%20b', 'GET /caf%C3%A9/a%20b'],
    ['GET /caf%25C3%25A9/a%2520b', 'not-found'],
    ["GET /odd/!$&'()+,;=@~", "GET /odd/!$&'()+,;=@~"],
    // An encoded slash does not part segments.
    ['GET /users/a%2Fb', 'GET /users/{id}'],
    ['GET /users/a%2fb', 'GET /users/{id}'],
    ['GET /users%2F7', 'not-found'],
    [`GET /users/${'x'.repeat(4000)}`, 'GET /users/{id}'],
    // Other methods.
    ['PUT /users', 'method GET HEAD POST OPTIONS'],
    ['PATCH /users/7', 'method GET HEAD DELETE OPTIONS'],
    ['PATCH /users/me', 'method GET HEAD DELETE OPTIONS'],
    ['PROPFIND /users', 'method GET HEAD POST OPTIONS'],
    ['get /users', 'method GET HEAD POST OPTIONS'],
    ['GET /deep/1/2/3', 'method PUT OPTIONS'],
    ['DELETE /users/me', 'DELETE /users/{id}'],
    // HEAD is answered by what answers GET, OPTIONS by the gateway.
    ['HEAD /users', 'GET /users'],
    ['HEAD /users/7', 'GET /users/{id}'],
    ['HEAD /deep/1/2/3', 'method PUT OPTIONS'],
    ['OPTIONS /users', 'options GET HEAD POST OPTIONS'],
    ['OPTIONS /deep/1/2/3', 'options PUT OPTIONS'],
    ['OPTIONS /nothing', 'not-found'],
    ['PROPFIND /nothing', 'not-found'],
  ];
  for (const [request, expected] of table) {
    test(`leads ${request.slice(0, 50)} to ${expected}`, () => assert.equal(find(router, request), expected));
  }

  test('gives HEAD and OPTIONS to endpoints of their own', () => {
    const own = routerOf('GET /a', 'HEAD /a', 'OPTIONS /a', 'HEAD /{x}', 'GET /b');
    assert.equal(find(own, 'HEAD /a'), 'HEAD /a');
    assert.equal(find(own, 'OPTIONS /a'), 'OPTIONS /a');
    assert.equal(find(own, 'HEAD /b'), 'GET /b');
    assert.equal(find(own, 'HEAD /c'), 'HEAD /{x}');
    assert.equal(find(own, 'GET /c'), 'method HEAD OPTIONS');
    assert.equal(find(own, 'OPTIONS *'), `options ${METHODS.join(' ')}`);
  });

  test('without routes leads nowhere', () => assert.equal(find(routerOf(), 'GET /'), 'not-found'));

  test('prefers text at the first difference, and turns back when it leads nowhere', () => {
    const turning = routerOf('GET /a/b/c', 'GET /a/{x}/d', 'GET /{y}/b/e', 'GET /*');
    assert.equal(find(turning, 'GET /a/b/c'), 'GET /a/b/c');
    assert.equal(find(turning, 'GET /a/b/d'), 'GET /a/{x}/d');
    assert.equal(find(turning, 'GET /a/b/e'), 'GET /{y}/b/e');
    assert.equal(find(turning, 'GET /a/b/f'), 'GET /*');
  });
});

describe('the host of a request', () => {
  const router = routerOf(
    'GET /x',
    'GET /any',
    'GET api.example.com/x',
    'GET api.example.com/{p}/own',
    'GET *.example.com/x',
    'GET *.example.com/wide',
    'GET *.eu.example.com/x',
    'POST *.example.com/y',
    'GET /y',
  );
  const table: readonly [request: string, host: string, expected: string][] = [
    ['GET /x', 'api.example.com', 'GET api.example.com/x'],
    ['GET /x', 'API.Example.COM:8443', 'GET api.example.com/x'],
    ['GET /x', 'www.example.com', 'GET *.example.com/x'],
    ['GET /x', 'a.b.example.com', 'GET *.example.com/x'],
    ['GET /x', 'a.eu.example.com', 'GET *.eu.example.com/x'],
    ['GET /x', 'eu.example.com', 'GET *.example.com/x'],
    ['GET /x', 'example.com', 'GET /x'],
    ['GET /x', 'notexample.com', 'GET /x'],
    ['GET /x', '192.0.2.1', 'GET /x'],
    ['GET /x', '[2001:db8::1]:80', 'GET /x'],
    ['GET /x', '', 'GET /x'],
    // What a host does not have, the wider ones may have.
    ['GET /any', 'api.example.com', 'GET /any'],
    ['GET /wide', 'api.example.com', 'GET *.example.com/wide'],
    ['GET /wide', 'other.test', 'not-found'],
    ['GET /y', 'www.example.com', 'GET /y'],
    ['PUT /y', 'www.example.com', 'method GET HEAD POST OPTIONS'],
    ['GET /a/own', 'api.example.com', 'GET api.example.com/{p}/own'],
  ];
  for (const [request, host, expected] of table) {
    test(`${host === '' ? 'that is not said' : host} leads ${request} to ${expected}`, () => {
      assert.equal(find(router, request, 'Host', host), expected);
    });
  }

  test('never leads past what is reserved', () => {
    const reserved = createRouter([
      toRoute('GET /health', { isReserved: true }),
      toRoute('GET api.example.com/*'),
      toRoute('GET /{x}'),
      toRoute('POST /{x}'),
    ]);
    assert.equal(find(reserved, 'GET /health', 'Host', 'api.example.com'), 'GET /health');
    assert.equal(find(reserved, 'HEAD /health', 'Host', 'api.example.com'), 'GET /health');
    assert.equal(find(reserved, 'GET /healthy', 'Host', 'api.example.com'), 'GET api.example.com/*');
    assert.equal(find(reserved, 'POST /health'), 'POST /{x}');
  });
});

describe('the version of a request', () => {
  const header = (value: string, isDefault = false) =>
    ({ by: 'header', name: 'x-api-version', value, isDefault }) as const;
  const accept = (value: string, isDefault = false) => ({ by: 'accept', name: 'version', value, isDefault }) as const;
  const versioned = (name: string, version: Route<Leaf>['version'], path = '/a'): Route<Leaf> =>
    toRoute(`GET ${path}`, { version, value: { name } });
  const byHeader = createRouter([
    versioned('one', header('1', true)),
    versioned('two', header('2')),
    versioned('beta', header('2026-01-beta')),
    versioned('only three', header('3'), '/b'),
    versioned('for all', undefined, '/c'),
    versioned('c two', header('2'), '/c'),
    toRoute('POST /a'),
  ]);
  const table: readonly [path: string, stated: string | undefined, expected: string][] = [
    ['/a', undefined, 'one'],
    ['/a', '', 'one'],
    ['/a', '1', 'one'],
    ['/a', 'v2', 'two'],
    ['/a', 'V2', 'two'],
    ['/a', '2026-01-Beta', 'beta'],
    ['/a', '9', 'version 1 2 2026-01-beta'],
    ['/b', undefined, 'version 3'],
    ['/b', '3', 'only three'],
    ['/c', undefined, 'for all'],
    ['/c', '2', 'c two'],
    // What has no version answers for every one.
    ['/c', '9', 'for all'],
  ];
  for (const [path, stated, expected] of table) {
    test(`${stated ?? 'that is not said'} leads GET ${path} to ${expected}`, () => {
      const headers = stated === undefined ? [] : ['X-API-Version', stated];
      assert.equal(find(byHeader, `GET ${path}`, ...headers), expected);
    });
  }

  test('does not matter to methods of which there is one only', () => {
    assert.equal(find(byHeader, 'POST /a', 'x-api-version', '9'), 'POST /a');
    assert.equal(find(byHeader, 'PUT /a', 'x-api-version', '2'), 'method GET HEAD POST OPTIONS');
    assert.equal(find(byHeader, 'HEAD /a', 'x-api-version', '2'), 'two');
  });

  const byAccept = createRouter([versioned('one', accept('1', true)), versioned('two', accept('2'))]);
  const ranges: readonly [accepted: string, expected: string][] = [
    ['application/json', 'one'],
    ['*/*', 'one'],
    ['application/json;version=2', 'two'],
    ['application/json; charset=utf-8; Version="v2"', 'two'],
    ['text/html, application/json;version=2;q=0.5, application/json;version=1', 'one'],
    ['application/json;version=1;q=0.1, application/json;version=2;q=0.9', 'two'],
    ['application/json;version=2;q=0', 'one'],
    ['application/json;version=7, application/json;version=2', 'two'],
    ['application/json;version=7', 'version 1 2'],
    ['application/json;version=', 'version 1 2'],
    [';;;=,,;version', 'one'],
  ];
  for (const [accepted, expected] of ranges) {
    test(`in Accept: ${accepted} leads to ${expected}`, () => {
      assert.equal(find(byAccept, 'GET /a', 'Accept', accepted), expected);
    });
  }

  test('is spelled with or without its v', () => {
    assert.deepEqual(['v2', 'V2', '2', ' v2.1 ', 'vine', '2026-01'].map(normalizeVersion), [
      '2',
      '2',
      '2',
      '2.1',
      'vine',
      '2026-01',
    ]);
  });
});

describe('the rules of paths', () => {
  const cases: readonly [rules: Partial<PathRules>, request: string, expected: string][] = [
    [{ case: 'insensitive' }, 'GET /USERS/7', 'GET /Users/{id}'],
    [{ case: 'insensitive' }, 'GET /%55sers/7', 'GET /Users/{id}'],
    [{ case: 'insensitive' }, 'GET /Other', 'GET /other'],
    [{ trailingSlash: 'ignore' }, 'GET /other/', 'GET /other'],
    [{ trailingSlash: 'ignore' }, 'GET /trail', 'GET /trail/'],
    [{ trailingSlash: 'ignore' }, 'GET /Users/7/', 'GET /Users/{id}'],
    [{ trailingSlash: 'ignore' }, 'GET /files', 'GET /files/*'],
    [{ trailingSlash: 'ignore' }, 'GET /files/', 'GET /files/*'],
    [{ trailingSlash: 'ignore' }, 'GET /', 'GET /'],
    [{ doubleSlashes: 'merge' }, 'GET //Users///7', 'GET /Users/{id}'],
    [{ doubleSlashes: 'merge', trailingSlash: 'ignore' }, 'GET /other//', 'GET /other'],
    [{}, 'GET //Users/7', 'not-found'],
    [{}, 'GET /Users/a%2Fb', 'GET /Users/{id}'],
    [{ encodedSlash: 'separate' }, 'GET /Users/a%2Fb', 'not-found'],
    [{ encodedSlash: 'separate' }, 'GET /Users%2fb', 'GET /Users/{id}'],
    [{ encodedSlash: 'refuse' }, 'GET /Users/a%2fb', 'ambiguous'],
    [{ encodedSlash: 'refuse' }, 'GET /Users/a%20b', 'GET /Users/{id}'],
    [{ dotSegments: 'redirect' }, 'GET /a/../Users/./7', 'moved /Users/7'],
    [{ dotSegments: 'redirect' }, 'GET /a/%2e%2E/Users/7/..', 'moved /Users/'],
    [{ dotSegments: 'redirect' }, 'GET /a/b%20c/.', 'moved /a/b%20c/'],
    [{ dotSegments: 'redirect' }, 'GET /../../x', 'moved /x'],
    // What another reader might take for more than dots is refused all the same.
    [{ dotSegments: 'redirect' }, 'GET /a/..;/x', 'ambiguous'],
    [{ dotSegments: 'redirect' }, 'GET /a/..%2fx', 'ambiguous'],
    [{ dotSegments: 'redirect' }, 'GET /a/..\\x', 'ambiguous'],
    [{ dotSegments: 'redirect' }, 'GET /a/../%ff', 'ambiguous'],
    // A place that begins with two slashes is another host.
    [{ dotSegments: 'redirect' }, 'GET //evil.test/./x', 'ambiguous'],
    [{ dotSegments: 'redirect' }, 'GET /a/..//evil.test', 'ambiguous'],
    [{ dotSegments: 'redirect' }, 'GET /.//evil.test', 'ambiguous'],
  ];
  for (const [rules, request, expected] of cases) {
    test(`${JSON.stringify(rules)} lead ${request} to ${expected}`, () => {
      const router = routerBy(rules, 'GET /', 'GET /Users/{id}', 'GET /other', 'GET /trail/', 'GET /files/*');
      assert.equal(find(router, request), expected);
    });
  }
});

describe('a path that others might read otherwise', () => {
  const router = routerOf('GET /*', 'GET /public/*');
  const slashes = ['/', '%2f', '%2F', '\\', '%5c', '%5C'];
  const dots = ['.', '..', '%2e', '%2E', '.%2e', '%2e.', '%2E%2e'];
  const spelled = slashes.flatMap((slash) =>
    dots.flatMap((dot) => [`/public${slash}${dot}`, `/public${slash}${dot}${slash}x`]),
  );

  test('is refused with dot segments in every spelling', () => {
    for (const path of spelled) assert.equal(find(router, `GET ${path}`), 'ambiguous', path);
  });

  const others: readonly string[] = [
    '/.',
    '/..',
    '/../admin',
    '/%2e%2e/admin',
    '/public/..;/admin',
    '/public/..;a=b/admin',
    '/public/.;/admin',
    '/public/%2e%2e;/admin',
    '/public/..%3b/admin',
    // Percent-encoding that nobody can decode, or only some can.
    '/%',
    '/%2',
    '/%zz',
    '/public/%ff',
    '/public/%C3',
    '/public/%c0%ae%c0%ae/admin',
    '/public/%ed%a0%80',
    // What is not a path: the tree would look at the end of it, the upstream at the whole.
    'http://127.0.0.1/public/x',
    'HTTP://other/public/x',
    'public/x',
    '*',
    '',
    '/public/x#/../admin',
    '/public#x',
  ];
  for (const path of others) {
    test(`is refused: ${path}`, () => assert.equal(find(router, `GET ${path}`), 'ambiguous'));
  }

  test('is refused whatever the method, known or not', () => {
    for (const method of ['GET', 'POST', 'PROPFIND']) assert.equal(find(router, `${method} /a/../b`), 'ambiguous');
  });

  const harmless = [
    '/a.b',
    '/.well-known/x',
    '/a/...',
    '/a/..b',
    '/a/b..',
    '/v1.0/x',
    '/%2e%2e%2e',
    '/a/%2ehidden',
    '/;..',
    '/a..;/b',
  ];
  for (const path of harmless) {
    test(`is not mistaken: ${path}`, () => assert.equal(find(router, `GET ${path}`), 'GET /*'));
  }
});

describe('the keys of a route', () => {
  type Keyed = Parameters<typeof routeKeys>[0];
  const shareOne = (a: Partial<Keyed>, b: Partial<Keyed>, rules: Partial<PathRules> = {}): boolean => {
    const [first, second] = [a, b].map((route) =>
      routeKeys({ method: 'GET', path: '/a', ...route }, { ...STRICT_PATHS, ...rules }),
    );
    return first?.some((key) => second?.includes(key)) === true;
  };
  const version = (value: string, isDefault = false) => ({ by: 'header', name: 'x', value, isDefault }) as const;

  const same: readonly [Partial<Keyed>, Partial<Keyed>, Partial<PathRules>?][] = [
    [{ path: '/a/{x}/b' }, { path: '/a/{other}/b' }],
    [{ path: '/caf%C3%A9' }, { path: '/caf%c3%a9' }],
    [{ path: '/A' }, { path: '/a' }, { case: 'insensitive' }],
    [{ path: '/a/' }, { path: '/a' }, { trailingSlash: 'ignore' }],
    [{ path: '//a' }, { path: '/a' }, { doubleSlashes: 'merge' }],
    [{ version: version('1', true) }, { version: version('2', true) }],
    [{ version: version('1', true) }, { version: version('1') }],
    [{ version: version('1', true) }, {}],
    [{ host: 'a.test' }, { host: 'a.test' }],
  ];
  for (const [a, b, rules] of same) {
    test(`meet for ${JSON.stringify(a)} and ${JSON.stringify(b)}`, () => assert.ok(shareOne(a, b, rules)));
  }

  const different: readonly [Partial<Keyed>, Partial<Keyed>][] = [
    [{ path: '/a/{x}' }, { path: '/a/x' }],
    [{ path: '/a/{x}' }, { path: '/a/*' }],
    [{ path: '/a/{x}' }, { path: '/a/{x}/' }],
    [{ path: '/a' }, { path: '/A' }],
    [{ path: '/a' }, { path: '/a/' }],
    [{ method: 'GET' }, { method: 'PUT' }],
    [{ host: 'a.test' }, {}],
    [{ version: version('1', true) }, { version: version('2') }],
    [{ version: version('1') }, {}],
  ];
  for (const [a, b] of different) {
    test(`do not meet for ${JSON.stringify(a)} and ${JSON.stringify(b)}`, () => assert.ok(!shareOne(a, b)));
  }
});

test('the tree finds what a search through all patterns finds', () => {
  let state = 7;
  const random = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const words = ['a', 'b', 'ab', 'abc', '{p}', '{p}', '*'];
  for (let round = 0; round < 300; round++) {
    const patterns = new Set<string>();
    for (let i = 0; i < 12; i++) {
      const segments = Array.from({ length: 1 + random(4) }, () => words[random(words.length)] ?? '');
      const star = segments.indexOf('*');
      patterns.add(`/${(star < 0 ? segments : segments.slice(0, star + 1)).join('/')}`);
    }
    const router = routerOf(...[...patterns].map((path) => `GET ${path}`));
    for (let i = 0; i < 50; i++) {
      const path = `/${Array.from({ length: 1 + random(5) }, () => ['a', 'b', 'ab', 'abc', 'x', ''][random(6)]).join('/')}`;
      assert.equal(find(router, `GET ${path}`), plainest(patterns, path), path);
    }
  }
});

/** By the rule as it is written, without a tree: of all patterns that match, the one that is plainer where they first differ. */
function plainest(patterns: ReadonlySet<string>, path: string): string {
  const rank = (pattern: string): string =>
    pattern
      .split('/')
      .map((segment) => (segment === '*' ? '2' : segment.startsWith('{') ? '1' : '0'))
      .join('');
  const matching = [...patterns].filter((pattern) => {
    const source = pattern
      .split('/')
      .map((segment, i) => (segment === '*' && i > 0 ? '.*' : segment.startsWith('{') ? '[^/]+' : segment))
      .join('/');
    return new RegExp(`^${source}$`).test(path);
  });
  const [best] = matching.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
  return best === undefined ? 'not-found' : `GET ${best}`;
}

describe('routes that are mounted', () => {
  interface Named {
    readonly name: string;
  }
  const named = (method: Route<Named>['method'], path: string, more: Partial<Route<Named>> = {}): Route<Named> => ({
    method,
    path,
    value: { name: `${method} ${more.host ?? ''}${path}` },
    ...more,
  });

  /** Gateways as prefix and routes; the same once added as they are and once mounted. */
  function both(gateways: readonly (readonly [prefix: string, routes: readonly Route<Named>[]])[]) {
    const asked: string[] = [];
    const mounted = openRouter<Named>();
    for (const [prefix, routes] of gateways) {
      for (const host of new Set(routes.map((route) => route.host))) {
        const told = (): readonly Route<Named>[] => {
          asked.push(prefix);
          return routes;
        };
        mounted.mount({ prefix, host, isReserved: routes[0]?.isReserved ?? false, routes: told });
      }
    }
    return { mounted, added: createRouter(gateways.flatMap(([, routes]) => routes)), asked };
  }

  test('are asked for when a request comes to their prefix, and once', () => {
    const { mounted, asked } = both([
      ['/a', [named('GET', '/a/x')]],
      ['/a/b', [named('GET', '/a/b/x')]],
      ['/c', [named('GET', '/c/x')]],
    ]);
    const ask = (path: string): unknown => mounted.find({ method: 'GET', path, host: undefined, headers: [] });
    ask('/nowhere');
    ask('/ab');
    assert.deepEqual(asked, []);
    ask('/a/x');
    ask('/a/x');
    assert.deepEqual(asked, ['/a']);
    ask('/a/b/x');
    assert.deepEqual(asked, ['/a', '/a/b']);
  });

  test('are found, missed and offered as if they had been added, whatever order requests come in', () => {
    const header = (value: string, isDefault = false) => ({ by: 'header', name: 'v', value, isDefault }) as const;
    const gateways = [
      ['/s/orders', [named('POST', '/s/orders/{id}'), named('GET', '/s/orders/{id}', { version: header('2') })]],
      ['', [named('GET', '/{any}/orders/{id}'), named('GET', '/s/*'), named('DELETE', '/s/orders/{id}')]],
      ['/s', [named('PUT', '/s/orders/{id}'), named('GET', '/s/orders/{id}', { version: header('1', true) })]],
      ['/s', [named('GET', '/s/x', { host: 'a.test' }), named('GET', '/s/x', { host: '*.test' })]],
      ['/m', [named('GET', '/m/*', { isReserved: true })]],
    ] as const;
    const requests = ['/s/orders/1', '/s/x', '/m/1', '/t/orders/1', '/s', '/s/orders', '/nowhere/1'].flatMap((path) =>
      METHODS.flatMap((method) =>
        [undefined, 'a.test', 'b.test'].flatMap((host) =>
          [[], ['v', '1'], ['v', '2'], ['v', '3']].map((headers) => ({ method, path, host, headers })),
        ),
      ),
    );
    for (const order of [requests, requests.toReversed(), requests.toSorted((a, b) => (a.path < b.path ? -1 : 1))]) {
      const { mounted, added } = both(gateways);
      for (const request of order)
        assert.deepEqual(mounted.find(request), added.find(request), JSON.stringify(request));
    }
  });
});
