import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isEndpointPattern, namesEndpoint } from './endpoint-pattern.ts';

describe('a pattern', () => {
  const good = ['GET /', '* /*', 'GET /shop/*', 'POST /shop/orders/{id}', 'DELETE /shop/:id/items', '* /a/%C3%A9/b'];
  for (const text of good) test(`is ${text}`, () => assert.ok(isEndpointPattern(text)));

  const bad = [
    '',
    'GET',
    'GET ',
    '/shop',
    'get /shop',
    'TRACE /shop',
    'GET  /shop',
    'GET /a b',
    'GET /a?b',
    'GET /a#b',
  ];
  const stars = ['GET *', 'GET /*/a', 'GET /a*', '*/a', '** /a', 'GET https://a/b'];
  for (const text of [...bad, ...stars]) {
    test(`is not ${JSON.stringify(text)}`, () => assert.ok(!isEndpointPattern(text)));
  }
});

describe('an endpoint', () => {
  const orders = { id: 'ep_1', route: 'GET /shop/orders/{id}' };
  const files = { id: 'ep_2', route: 'GET /shop/files/*' };
  const root = { id: 'ep_3', route: 'GET /' };
  const managed = { id: undefined, route: 'GET /api/v1/keys' };

  const named = [
    [orders, 'ep_1'],
    [orders, 'GET /shop/orders/{id}'],
    [orders, 'GET /shop/orders/{orderId}'],
    [orders, 'GET /shop/orders/:id'],
    [orders, '* /shop/orders/{id}'],
    [orders, 'GET /shop/*'],
    [orders, 'GET /shop/orders/*'],
    [orders, '* /*'],
    [files, 'GET /shop/files/*'],
    [files, 'GET /shop/*'],
    [root, 'GET /'],
    [root, 'GET /*'],
    [managed, 'GET /api/v1/keys'],
    [managed, '* /api/*'],
  ] as const;
  for (const [endpoint, entry] of named) {
    test(`${endpoint.route} is named by ${entry}`, () => assert.ok(namesEndpoint(['GET /other', entry], endpoint)));
  }

  const passedOver = [
    [orders, 'ep_2'],
    [orders, 'POST /shop/orders/{id}'],
    [orders, 'GET /shop/orders'],
    [orders, 'GET /shop/orders/1'],
    [orders, 'GET /shop/orders/{id}/*'],
    [orders, 'GET /shop/orders/{id}/items'],
    [orders, 'GET /shop/order/*'],
    [orders, 'GET /SHOP/orders/{id}'],
    [files, 'GET /shop/files/{name}'],
    [files, 'GET /shop/files'],
    [root, 'GET /shop/*'],
    [managed, 'GET /api/keys'],
    [managed, ''],
    [managed, 'undefined'],
  ] as const;
  for (const [endpoint, entry] of passedOver) {
    test(`${endpoint.route} is not named by ${entry || 'an empty text'}`, () =>
      assert.ok(!namesEndpoint([entry], endpoint)));
  }

  test('is named by no empty list', () => assert.ok(!namesEndpoint([], orders)));
});
