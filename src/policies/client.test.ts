import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createDeps,
  createEndpoint,
  createExchange,
  createGateway,
  createKey,
  readProblem,
} from '../../test/harness/data-plane.ts';
import { compileSnapshot } from '../gateway/compile.ts';
import type { Exchange, Reply } from '../gateway/exchange.ts';
import type { Plan } from '../gateway/plan.ts';
import type { ClientRestrictions } from '../gateway/ports.ts';
import { checkSchema } from '../gateway/snapshot.ts';
import { client } from './client.ts';

function planOf(): Plan {
  const gateway = createGateway('http://h', {
    routePrefix: '/shop',
    endpoints: [createEndpoint({ path: '/orders/{id}' })],
  });
  const deps = { ...createDeps(), policies: [client], controlToken: '' };
  const [plan] = compileSnapshot({ version: 1, gateways: [gateway] }, deps).plans;
  assert.ok(plan);
  return plan;
}

interface Call {
  readonly restrictions?: ClientRestrictions;
  readonly address?: string;
  readonly country?: string;
  readonly plan?: Plan;
}

function exchangeOf({ restrictions, address = '192.0.2.1', plan = planOf() }: Call): Exchange {
  const { exchange } = createExchange();
  exchange.clientAddress = address;
  exchange.plan = plan;
  const { principal } = createKey().credential;
  exchange.principal = { ...principal, clientId: 'cli_1', ...(restrictions !== undefined && { restrictions }) };
  return exchange;
}

function run(exchange: Exchange, country?: string): Reply | undefined {
  const deps = createDeps([], { countries: { find: () => country } });
  const result = client.compile({}, deps).onRequest?.(exchange);
  assert.ok(!(result instanceof Promise), 'nothing waits here');
  return result;
}

function assertRefused(reply: Reply | undefined, code: string, detail: RegExp): void {
  assert.equal(reply?.status, 403);
  const problem = readProblem(reply);
  assert.equal(problem['code'], code);
  assert.match(String(problem['detail']), detail);
}

describe('a caller', () => {
  const passing: readonly (readonly [what: string, call: Call])[] = [
    ['without restrictions', {}],
    ['from a listed address', { restrictions: { addresses: ['192.0.2.1'] } }],
    ['from a listed range', { restrictions: { addresses: ['10.0.0.0/8', '192.0.2.0/24'] } }],
    ['from a listed IPv6 range', { restrictions: { addresses: ['2001:db8::/32'] }, address: '2001:db8::5' }],
    [
      'from an IPv4 address mapped into IPv6',
      { restrictions: { addresses: ['192.0.2.0/24'] }, address: '::ffff:192.0.2.9' },
    ],
    ['from a listed country', { restrictions: { countries: ['FR', 'DE'] }, country: 'DE' }],
    ['to a listed endpoint', { restrictions: { endpoints: ['ep_1'] } }],
    ['to an endpoint of a listed pattern', { restrictions: { endpoints: ['POST /x', 'GET /shop/orders/{number}'] } }],
    [
      'that keeps all three lists',
      { restrictions: { addresses: ['192.0.2.1'], countries: ['DE'], endpoints: ['* /shop/*'] }, country: 'DE' },
    ],
  ];
  for (const [what, call] of passing) {
    test(`${what} passes`, () => assert.equal(run(exchangeOf(call), call.country), undefined));
  }

  const refused: readonly (readonly [what: string, call: Call, code: string, detail: RegExp])[] = [
    ['from another address', { restrictions: { addresses: ['192.0.2.2'] } }, 'address_not_allowed', /192\.0\.2\.1/],
    ['from no address', { restrictions: { addresses: ['0.0.0.0/0'] }, address: '' }, 'address_not_allowed', /nowhere/],
    [
      'from an IPv6 address, where IPv4 ones are listed',
      { restrictions: { addresses: ['0.0.0.0/0'] }, address: '2001:db8::1' },
      'address_not_allowed',
      /2001/,
    ],
    ['from another country', { restrictions: { countries: ['DE'] }, country: 'FR' }, 'country_not_allowed', /FR/],
    ['from a country that is not known', { restrictions: { countries: ['DE'] } }, 'country_not_allowed', /not known/],
    [
      'to another endpoint',
      { restrictions: { endpoints: ['ep_2', 'POST /shop/orders/{id}'] } },
      'endpoint_not_allowed',
      /GET \/shop\/orders\/\{id\}/,
    ],
    [
      'that breaks one of three lists',
      { restrictions: { addresses: ['192.0.2.1'], countries: ['DE'], endpoints: ['ep_1'] }, country: 'AT' },
      'country_not_allowed',
      /AT/,
    ],
    ['with an empty list', { restrictions: { endpoints: [] } }, 'endpoint_not_allowed', /orders/],
    ['with an empty list of addresses', { restrictions: { addresses: [] } }, 'address_not_allowed', /192/],
  ];
  for (const [what, call, code, detail] of refused) {
    test(`${what} is refused with 403 ${code}`, () => {
      assertRefused(run(exchangeOf(call), call.country), code, detail);
    });
  }

  test('without a principal passes: whether one is needed, others decide', () => {
    const { exchange } = createExchange();
    assert.equal(run(exchange), undefined);
  });

  test('is refused where the endpoint is not known', () => {
    const exchange = exchangeOf({ restrictions: { endpoints: ['* /*'] } });
    exchange.plan = undefined;
    assertRefused(run(exchange), 'endpoint_not_allowed', /this/);
  });

  test('is judged anew under other restrictions and at other endpoints', () => {
    const plan = planOf();
    const other = { ...plan, endpointId: 'ep_2', route: 'GET /shop/other' };
    const restrictions = { endpoints: ['ep_1'] };
    for (let i = 0; i < 3; i++) {
      assert.equal(run(exchangeOf({ restrictions, plan })), undefined);
      assertRefused(run(exchangeOf({ restrictions, plan: other })), 'endpoint_not_allowed', /other/);
      assertRefused(run(exchangeOf({ restrictions: { endpoints: ['ep_2'] }, plan })), 'endpoint_not_allowed', /orders/);
    }
  });
});

describe('the configuration', () => {
  test('is an empty object', () => assert.deepEqual(checkSchema(client.config, {}, 'config'), []));
  for (const unsound of [undefined, null, [], { addresses: [] }]) {
    test(`refuses ${JSON.stringify(unsound)}`, () => {
      assert.notDeepEqual(checkSchema(client.config, unsound, 'config'), []);
    });
  }
});
