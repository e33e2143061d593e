import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDeps, createExchange, createGateway, createKey, valuesOf } from '../../../test/harness/data-plane.ts';
import { newKeyText } from '../../lib/key-text.ts';
import { compileSnapshot } from '../compile.ts';
import type { Plan } from '../plan.ts';
import { toUpstreamHeaders } from './request-headers.ts';

const KEY = newKeyText('tg_live').text;

function planOf(id: string | null): Plan {
  const gateways = [createGateway('http://127.0.0.1:1', { id })];
  const [plan] = compileSnapshot(
    { version: 1, gateways },
    { ...createDeps(), policies: [], controlToken: 'proof' },
  ).plans;
  assert.ok(plan !== undefined);
  return plan;
}

interface Caller {
  readonly isKnown?: boolean;
  readonly plan?: Plan;
}

function convert(headers: readonly string[], { isKnown = false, plan = planOf('gw_1') }: Caller = {}): string[] {
  const { exchange } = createExchange({ headers: [...headers], scheme: 'https' });
  if (isKnown) exchange.principal = createKey().credential.principal;
  return toUpstreamHeaders(exchange, plan);
}

test('an upstream gets the headers in order, case and duplicates kept, and then what the gateway vouches for', () => {
  const headers = ['Host', 'api.test', 'accept', 'a/b', 'X-One', '1', 'Cookie', 'a=1', 'X-One', '2', 'cookie', 'b=2'];
  assert.deepEqual(convert(headers), [
    'accept',
    'a/b',
    'X-One',
    '1',
    'Cookie',
    'a=1',
    'X-One',
    '2',
    'cookie',
    'b=2',
    'x-forwarded-for',
    '192.0.2.1',
    'x-forwarded-proto',
    'https',
    'x-forwarded-host',
    'api.test',
    'x-request-id',
    'req_1',
  ]);
});

describe('what a caller claims', () => {
  const forged: readonly string[] = [
    'Forwarded',
    'X-Forwarded-For',
    'x-forwarded-host',
    'X-Forwarded-Port',
    'X-Forwarded-Proto',
    'X-Real-IP',
    'X-Request-Id',
    'Tollgate-Control-Token',
    'TOLLGATE-CONTEXT',
    'tollgate-anything',
    'Expect',
    'Connection',
    'Keep-Alive',
    'TE',
    'Transfer-Encoding',
    'Upgrade',
    'Proxy-Authorization',
  ];
  for (const name of forged) {
    test(`is not passed on: ${name}`, () => {
      assert.ok(!convert([name, 'forged', name, 'forged twice']).some((part) => part.startsWith('forged')));
    });
  }

  test('is not passed on when Connection names it', () => {
    const sent = convert(['X-Secret', 's', 'Connection', 'x-secret, close', 'X-Open', 'o', 'x-secret', 't']);
    assert.deepEqual(valuesOf(sent, 'x-secret'), []);
    assert.deepEqual(valuesOf(sent, 'x-open'), ['o']);
  });

  test('cannot take away what the gateway vouches for', () => {
    const sent = convert(['Connection', 'x-forwarded-for, x-request-id, tollgate-control-token, tollgate-context'], {
      plan: planOf(null),
    });
    for (const name of ['x-forwarded-for', 'x-request-id', 'tollgate-control-token', 'tollgate-context']) {
      assert.equal(valuesOf(sent, name).length, 1, name);
    }
  });
});

describe('a key of ours', () => {
  const spellings: readonly (readonly [string, string])[] = [
    ['X-API-Key', KEY],
    ['x-api-key', KEY],
    ['Authorization', `Bearer ${KEY}`],
    ['authorization', `bearer   ${KEY}  `],
    ['Authorization', `Bearer\t${KEY}`],
    ['Authorization', `Token ${KEY}`],
    ['Authorization', KEY],
  ];
  for (const isKnown of [true, false]) {
    for (const [name, value] of spellings) {
      test(`never reaches an upstream, ${isKnown ? 'accepted' : 'on an open route'}: ${name}: ${value.replace(KEY, '<key>')}`, () => {
        assert.ok(!convert(['A', 'b', name, value, name, value], { isKnown }).join('\n').includes(KEY));
      });
    }
  }

  test('in X-API-Key is dropped whatever it looks like, once a caller is known', () => {
    assert.deepEqual(valuesOf(convert(['X-API-Key', 'of another'], { isKnown: true }), 'x-api-key'), []);
  });
});

describe('a credential for the upstream itself', () => {
  const foreign: readonly (readonly [string, string])[] = [
    ['Authorization', 'Basic dXNlcjpwYXNz'],
    ['Authorization', 'Bearer eyJhbGciOiJub25lIn0.e30.'],
    ['authorization', `Bearer ${KEY.slice(0, -1)}`],
    ['X-API-Key', 'of another'],
  ];
  for (const [name, value] of foreign) {
    test(`passes an open route: ${name}: ${value.slice(0, 20)}`, () => {
      assert.deepEqual(valuesOf(convert([name, value]), name.toLowerCase()), [value]);
    });
  }

  test('passes beside our key', () => {
    const sent = convert(['X-API-Key', KEY, 'Authorization', 'Basic dXNlcjpwYXNz'], { isKnown: true });
    assert.deepEqual(valuesOf(sent, 'authorization'), ['Basic dXNlcjpwYXNz']);
    assert.deepEqual(valuesOf(sent, 'x-api-key'), []);
  });
});

describe('the control plane', () => {
  const contextOf = (headers: readonly string[], caller: Caller = {}): unknown => {
    const [context = ''] = valuesOf(convert(headers, { ...caller, plan: planOf(null) }), 'tollgate-context');
    return JSON.parse(Buffer.from(context, 'base64url').toString());
  };

  test('gets the proof and the principal, once, whatever the caller sent', () => {
    const forged = ['Tollgate-Control-Token', 'forged', 'tollgate-context', 'forged'];
    assert.deepEqual(valuesOf(convert(forged, { plan: planOf(null) }), 'tollgate-control-token'), ['proof']);
    const { operatorId: _, ...principal } = createKey().credential.principal;
    assert.deepEqual(contextOf(forged, { isKnown: true }), {
      requestId: 'req_1',
      address: '192.0.2.1',
      forwarded: false,
      principal,
    });
  });

  test('learns that nobody was authenticated', () => {
    assert.deepEqual(contextOf([]), { requestId: 'req_1', address: '192.0.2.1', forwarded: false, principal: null });
  });

  for (const name of ['Forwarded', 'Via', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Real-IP']) {
    test(`learns that another proxy stands before the gateway: ${name}`, () => {
      const context = contextOf([name, 'x']);
      assert.ok(
        typeof context === 'object' && context !== null && 'forwarded' in context && context.forwarded === true,
      );
    });
  }

  test('alone gets the proof', () => {
    const sent = convert([], { isKnown: true });
    assert.ok(!sent.some((part) => part.startsWith('tollgate-') || part === 'proof'));
  });
});
