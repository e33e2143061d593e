import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createDeps,
  createExchange,
  createGateway,
  createKey,
  type FakeHead,
  toList,
  valuesOf,
} from '../../../test/harness/data-plane.ts';
import { newKeyText } from '../../lib/key-text.ts';
import { createArrival } from '../arrival.ts';
import { compileSnapshot } from '../compile.ts';
import type { Plan } from '../plan.ts';
import { toUpstreamLines } from './request-headers.ts';

const US = 'tollgate-0a1b2c3d';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
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
  readonly isTrusted?: boolean;
  readonly head?: FakeHead;
}

function convert(
  headers: readonly string[],
  { isKnown = false, plan = planOf('gw_1'), isTrusted = false, head = {} }: Caller = {},
): string[] {
  const { exchange } = createExchange({ headers: [...headers], scheme: 'https', ...head });
  createArrival({ pseudonym: US, trustedProxies: isTrusted ? ['0.0.0.0/0'] : [] })(exchange);
  if (isKnown) exchange.principal = createKey().credential.principal;
  return toList(toUpstreamLines(exchange, plan, US));
}

test('an upstream gets the headers in order, case and duplicates kept, and then what the gateway vouches for', () => {
  const headers = ['Host', 'api.test', 'accept', 'a/b', 'X-One', '1', 'Cookie', 'a=1', 'X-One', '2', 'cookie', 'b=2'];
  const sent = convert(headers);
  assert.match(sent.pop() ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-03$/);
  assert.deepEqual(sent, [
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
    'via',
    `1.1 ${US}`,
    'x-forwarded-for',
    '192.0.2.1',
    'x-forwarded-proto',
    'https',
    'x-forwarded-host',
    'api.test',
    'x-forwarded-port',
    '443',
    'forwarded',
    'for=192.0.2.1;proto=https;host=api.test',
    'x-request-id',
    'req_1',
    'traceparent',
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
    'Proxy-Connection',
    'Proxy',
    'Trailer',
    'traceparent',
    'tracestate',
    'X-Forwarded-Prefix',
    'X-Forwarded-Ssl',
    // As CGI and its heirs would read them.
    'X_Forwarded_For',
    'x-forwarded_proto',
    'X_Request_Id',
    'tollgate_context',
    'X_Real_IP',
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

  test('cannot take away what others go by', () => {
    const kept = ['Content-Length', '2', 'Content-Type', 'a/b', 'Cookie', 'a=1', 'Authorization', 'Basic dXNlcjpwYXNz'];
    const named = 'host, via, traceparent, forwarded, content-length, content-type, cookie, authorization, x-gone';
    const sent = convert(['Connection', named, 'Host', 'h', ...kept, 'X-Gone', '1']);
    assert.deepEqual(sent.slice(0, kept.length), kept);
    for (const name of ['via', 'forwarded', 'traceparent', 'x-forwarded-host']) {
      assert.equal(valuesOf(sent, name).length, 1, name);
    }
    assert.deepEqual(valuesOf(sent, 'x-gone'), []);
  });
});

describe('TE', () => {
  for (const value of ['trailers', 'Trailers', 'gzip;q=0.5, trailers']) {
    test(`goes on as the wish for trailers: ${value}`, () => {
      const sent = convert(['TE', value, 'Connection', 'TE']);
      assert.deepEqual([valuesOf(sent, 'te'), valuesOf(sent, 'connection')], [['trailers'], ['te']]);
    });
  }

  for (const value of ['gzip', '', 'trailers-not', 'x trailers']) {
    test(`ends here without it: ${JSON.stringify(value)}`, () => {
      const sent = convert(['TE', value, 'Connection', 'TE']);
      assert.deepEqual([valuesOf(sent, 'te'), valuesOf(sent, 'connection')], [[], []]);
    });
  }
});

describe('Via', () => {
  test('is added to, after the hops before us', () => {
    assert.deepEqual(valuesOf(convert(['Via', '1.0 one, 1.1 two', 'VIA', '1.1 three']), 'via'), [
      '1.0 one, 1.1 two',
      '1.1 three',
      `1.1 ${US}`,
    ]);
  });

  for (const protocol of ['1.0', '1.1', '2.0'] as const) {
    test(`tells the version that the request came in: ${protocol}`, () => {
      assert.deepEqual(valuesOf(convert([], { head: { protocol } }), 'via'), [`${protocol} ${US}`]);
    });
  }
});

describe('the trace', () => {
  test('goes on with its state', () => {
    const sent = convert(['tracestate', 'a=1', 'traceparent', `00-${TRACE}-00f067aa0ba902b7-01`, 'Tracestate', 'b=2']);
    assert.match(valuesOf(sent, 'traceparent').join(' '), new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`));
    assert.deepEqual(valuesOf(sent, 'tracestate'), ['a=1', 'b=2']);
  });

  test('that cannot go on begins anew, without the state of the other', () => {
    const sent = convert(['traceparent', `00-${TRACE}-0000000000000000-01`, 'tracestate', 'a=1']);
    assert.equal(valuesOf(sent, 'traceparent').length, 1);
    assert.ok(!sent.join().includes(TRACE));
    assert.deepEqual(valuesOf(sent, 'tracestate'), []);
  });
});

describe('a trusted proxy', () => {
  test('is believed in the id and in whom it forwards for', () => {
    const said = ['X-Request-Id', 'theirs', 'X-Forwarded-For', '203.0.113.9', 'X-Forwarded-Prefix', '/outer'];
    const sent = convert([...said, 'X-Real-IP', '203.0.113.9', 'X_Forwarded_For', 'forged'], { isTrusted: true });
    assert.deepEqual(valuesOf(sent, 'x-request-id'), ['theirs']);
    assert.deepEqual(valuesOf(sent, 'x-forwarded-for'), ['203.0.113.9, 192.0.2.1']);
    assert.deepEqual(valuesOf(sent, 'x-forwarded-prefix'), ['/outer']);
    assert.ok(!sent.includes('forged'));
  });

  test('never makes a caller local', () => {
    const [context = ''] = valuesOf(
      convert(['X-Forwarded-For', '127.0.0.1'], { isTrusted: true, plan: planOf(null) }),
      'tollgate-context',
    );
    assert.deepEqual(JSON.parse(Buffer.from(context, 'base64url').toString()), {
      requestId: 'req_1',
      address: '127.0.0.1',
      forwarded: true,
      principal: null,
    });
  });
});

describe('a key of ours', () => {
  const spellings: readonly (readonly [string, string])[] = [
    ['X-API-Key', KEY],
    ['x-api-key', KEY],
    ['X_API_Key', KEY],
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

  test('that was made elsewhere is dropped from Authorization, once the caller is known by it', () => {
    const sent = convert(['Authorization', 'Bearer of-another-product'], { isKnown: true });
    assert.deepEqual(valuesOf(sent, 'authorization'), []);
  });

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

  test('learns whose key it is, and not what restricts it, which could be longer than a header', () => {
    const { credential } = createKey();
    const restrictions = { endpoints: Array.from({ length: 100 }, (_, i) => `GET /${'x'.repeat(690)}${i}`) };
    const principal = { ...credential.principal, clientId: 'cli_1', restrictions };
    const { exchange } = createExchange();
    exchange.principal = principal;
    const headers = toList(toUpstreamLines(exchange, planOf(null), US));
    assert.ok(JSON.stringify(headers).length < 2_000);
    assert.match(
      Buffer.from(valuesOf(headers, 'tollgate-context').join(), 'base64url').toString(),
      /"clientId":"cli_1"/,
    );
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
