import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRouter, type Method, routeKey, type Router } from './router.ts';

interface Leaf {
  readonly name: string;
}

/** A router whose values tell which route was found; `GET /a` for short. */
function routerOf(...routes: readonly string[]): Router<Leaf> {
  return createRouter(
    routes.map((route) => {
      const [method = '', path = ''] = route.split(' ');
      assert.ok(isKnown(method));
      return { method, path, value: { name: route } };
    }),
  );
}

function isKnown(method: string): method is Method {
  return ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].includes(method);
}

/** What a request leads to: the route, or why it leads nowhere. */
function find(router: Router<Leaf>, request: string): string {
  const [method = '', path = ''] = request.split(' ');
  const found = router.find(method, path);
  if (!('miss' in found)) return found.name;
  return found.miss === 'method' ? `method ${found.allowed.join(' ')}` : found.miss;
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
    ['GET /users/', 'GET /users/{id}'],
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
    ['PUT /users', 'method GET POST'],
    ['HEAD /users', 'method GET POST'],
    ['PATCH /users/7', 'method GET DELETE'],
    ['PATCH /users/me', 'method GET DELETE'],
    ['PROPFIND /users', 'method GET POST'],
    ['get /users', 'method GET POST'],
    ['GET /deep/1/2/3', 'method PUT'],
    ['PROPFIND /nothing', 'not-found'],
  ];
  for (const [request, expected] of table) {
    test(`leads ${request.slice(0, 50)} to ${expected}`, () => assert.equal(find(router, request), expected));
  }

  test('without routes leads nowhere', () => assert.equal(find(routerOf(), 'GET /'), 'not-found'));

  test('prefers text at the first difference, and turns back when it leads nowhere', () => {
    const turning = routerOf('GET /a/b/c', 'GET /a/{x}/d', 'GET /{y}/b/e', 'GET /*');
    assert.equal(find(turning, 'GET /a/b/c'), 'GET /a/b/c');
    assert.equal(find(turning, 'GET /a/b/d'), 'GET /a/{x}/d');
    assert.equal(find(turning, 'GET /a/b/e'), 'GET /{y}/b/e');
    assert.equal(find(turning, 'GET /a/b/f'), 'GET /*');
  });
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

describe('the key of a route', () => {
  const same: readonly [string, string][] = [
    ['/a/{x}/b', '/a/{other}/b'],
    ['/a/{x}', '/a/:y'],
    ['/caf%C3%A9', '/caf%c3%a9'],
  ];
  for (const [a, b] of same)
    test(`is one for ${a} and ${b}`, () => assert.equal(routeKey('GET', a), routeKey('GET', b)));

  const different: readonly [string, string][] = [
    ['/a/{x}', '/a/x'],
    ['/a/{x}', '/a/*'],
    ['/a/{x}', '/a/{x}/'],
    ['/a', '/A'],
  ];
  for (const [a, b] of different) {
    test(`is another for ${a} and ${b}`, () => assert.notEqual(routeKey('GET', a), routeKey('GET', b)));
  }

  test('is another for another method', () => assert.notEqual(routeKey('GET', '/a'), routeKey('PUT', '/a')));
});
