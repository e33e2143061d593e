import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDeps, createExchange, createGateway, createKey } from '../../test/harness/data-plane.ts';
import { compileSnapshot } from './compile.ts';
import { Exchange } from './exchange.ts';
import { newKeyText } from '../lib/key-text.ts';
import { maskHeaders, maskQuery } from './record.ts';
import { toRecord } from './record-block.ts';

const KEY = newKeyText('tg_live').text;
const SECRET = KEY.slice('tg_live_'.length + 13);

describe('the record of an exchange', () => {
  test('tells all of it', () => {
    const { exchange } = createExchange({
      method: 'POST',
      path: '/orders',
      query: '?a=1',
      headers: ['User-Agent', 'curl/8', 'X-A', 'b'],
    });
    const snapshot = compileSnapshot(
      { version: 1, gateways: [createGateway('http://h')] },
      { ...createDeps(), policies: [], controlToken: '' },
    );
    [exchange.plan] = snapshot.plans;
    exchange.principal = createKey().credential.principal;
    exchange.status = 201;
    exchange.requestBytes = 10;
    exchange.responseBytes = 20;
    exchange.target = 'http://h';
    exchange.upstreamMs = 3.5;
    assert.deepEqual(toRecord(exchange, 12.5), {
      requestId: 'req_1',
      startedAtMs: 1_750_000_000_000,
      durationMs: 12.5,
      method: 'POST',
      path: '/orders',
      query: '?a=1',
      status: 201,
      rateLimited: false,
      authFailed: false,
      tenantId: 'ten_of_key',
      gatewayId: 'gw_1',
      endpointId: 'ep_1',
      keyId: 'key_1',
      clientIp: '192.0.2.1',
      userAgent: 'curl/8',
      requestBytes: 10,
      responseBytes: 20,
      service: 'echo',
      target: 'http://h',
      upstreamMs: 3.5,
    });
  });

  test('tells the client that was found, and the id that others know beside ours', () => {
    const { exchange } = createExchange();
    exchange.clientAddress = '203.0.113.9';
    exchange.correlationId = 'theirs';
    const { clientIp, requestId, correlationId } = toRecord(exchange, 1);
    assert.deepEqual([clientIp, requestId, correlationId], ['203.0.113.9', 'req_1', 'theirs']);
  });

  test('tells what is known of a request that was refused before it led anywhere', () => {
    const { exchange } = createExchange({ headers: ['Accept', '*/*', 'Cookie', 'id=1'] });
    exchange.status = 404;
    exchange.errorCode = 'route_not_found';
    const record = toRecord(exchange, 1);
    const { status, errorCode, tenantId, gatewayId, keyId, service, target, upstreamMs, userAgent } = record;
    assert.deepEqual({ status, errorCode }, { status: 404, errorCode: 'route_not_found' });
    for (const unknown of [tenantId, gatewayId, keyId, service, target, upstreamMs, userAgent])
      assert.equal(unknown, undefined);
    assert.deepEqual(record.requestHeaders, ['Accept', '*/*', 'Cookie', '***']);
  });

  test('has the status 499 when the caller left first', () => {
    const { exchange } = createExchange();
    exchange.status = 200;
    exchange.clientGone = true;
    assert.equal(toRecord(exchange, 1).status, 499);
  });

  test('keeps an upstream time of 0', () => {
    const { exchange } = createExchange();
    exchange.upstreamMs = 0;
    assert.equal(toRecord(exchange, 1).upstreamMs, 0);
  });

  test('keeps headers from the status 400 on', () => {
    for (const [status, isKept] of [
      [200, false],
      [399, false],
      [400, true],
      [503, true],
    ] as const) {
      const { exchange } = createExchange({ headers: ['A', 'b'] });
      exchange.status = status;
      assert.equal(toRecord(exchange, 1).requestHeaders !== undefined, isKept);
    }
  });
});

describe('what a connection said in its last record', () => {
  const recordsOf = (change: (exchange: ReturnType<typeof createExchange>['exchange']) => void) => {
    const first = createExchange({ headers: ['User-Agent', 'one'] }).exchange;
    const { id, startedAtMs, startedTick, method, path, query, fields, host, protocol, origin, responder } = first;
    const head = { id, startedAtMs, startedTick, method, path, query, fields, host, protocol, origin, responder };
    const second = new Exchange({ ...head, id: 'req_2', body: undefined, tunnel: undefined });
    first.principal = createKey().credential.principal;
    second.principal = first.principal;
    first.target = 'http://a';
    second.target = 'http://a';
    change(second);
    return [first, second].map((exchange) => toRecord(exchange, 1));
  };

  test('is said again of the same', () => {
    const [first, second] = recordsOf(() => {});
    assert.deepEqual({ ...second, requestId: 'req_1' }, first);
  });

  test('is not said of another key, target, address or route', () => {
    assert.equal(recordsOf((exchange) => (exchange.principal = undefined))[1]?.keyId, undefined);
    assert.equal(recordsOf((exchange) => (exchange.target = 'http://b'))[1]?.target, 'http://b');
    assert.equal(recordsOf((exchange) => (exchange.clientAddress = '203.0.113.1'))[1]?.clientIp, '203.0.113.1');
    const snapshot = compileSnapshot(
      { version: 1, gateways: [createGateway('http://h')] },
      { ...createDeps(), policies: [], controlToken: '' },
    );
    assert.equal(recordsOf((exchange) => ([exchange.plan] = snapshot.plans))[1]?.gatewayId, 'gw_1');
  });
});

test('any text stays JSON', () => {
  for (const odd of ['"', '\\', '\u0001', '\x7f', '\xe9', '\u{1F600}', '\ud800', 'a"b\\c', '\u2028']) {
    const { exchange } = createExchange({ path: `/${odd}`, query: `?${odd}`, headers: ['User-Agent', odd] });
    exchange.correlationId = odd;
    const { path, query, userAgent, correlationId } = toRecord(exchange, 1);
    assert.deepEqual([path, query, userAgent, correlationId], [`/${odd}`, `?${odd}`, odd, odd]);
  }
});

describe('a key', () => {
  /** Everything that a record says of a refused request that has the text somewhere. */
  const recordOf = (place: (text: string) => Parameters<typeof createExchange>[0], text: string): string => {
    const { exchange } = createExchange(place(text));
    exchange.status = 404;
    return JSON.stringify(toRecord(exchange, 1));
  };
  const filler = (length: number): string => 'x/'.repeat(length / 2);
  const places: readonly [string, (text: string) => Parameters<typeof createExchange>[0]][] = [
    ['in the path', (text) => ({ path: `/orders/${text}/x` })],
    ['twice in the path', (text) => ({ path: `/${text}/${text}` })],
    ['with letters around it', (text) => ({ path: `/abc${text}abc` })],
    ['where the path is cut', (text) => ({ path: `/${filler(1958)}${text}` })],
    ['in a parameter', (text) => ({ query: `?a=${text}` })],
    ['as a parameter', (text) => ({ query: `?${text}` })],
    ['as the name of a parameter', (text) => ({ query: `?${text}=1` })],
    ['where the query is cut', (text) => ({ query: `?a=${filler(1958)}${text}` })],
    ['in X-API-Key', (text) => ({ headers: ['X-API-Key', text] })],
    ['in Authorization', (text) => ({ headers: ['authorization', `Bearer ${text}`] })],
    ['in any header', (text) => ({ headers: ['Referer', `http://h/${text}`] })],
    ['where a header is cut', (text) => ({ headers: ['Referer', `${filler(458)}${text}`] })],
    ['in the user agent', (text) => ({ headers: ['User-Agent', `client ${text}`] })],
    ['where the user agent is cut', (text) => ({ headers: ['User-Agent', `${filler(458)}${text}`] })],
    ['as the name of a header', (text) => ({ headers: [text, 'x'] })],
    ['percent-encoded in the path', (text) => ({ path: `/${text.replaceAll('_', '%5F')}` })],
    ['percent-encoded in a parameter', (text) => ({ query: `?a=${text.replaceAll('_', '%5f')}` })],
    ['percent-encoded in a header', (text) => ({ headers: ['Referer', `/?a=${text.replaceAll('_', '%5f')}`] })],
  ];
  for (const [what, place] of places) {
    for (const prefix of ['tg_live', 'a', 'a_b_c_d']) {
      test(`of the prefix ${prefix} leaves nothing of its secret in the record: ${what}`, () => {
        const { text } = newKeyText(prefix);
        const secret = text.slice(prefix.length + 14);
        const record = recordOf(place, text);
        for (let i = 0; i + 12 <= secret.length; i++) assert.ok(!record.includes(secret.slice(i, i + 12)), record);
      });
    }
  }
});

describe('headers', () => {
  const secret = [
    'Authorization',
    'authorization',
    'Cookie',
    'Set-Cookie',
    'Proxy-Authorization',
    'X-API-Key',
    'X-Setup-Token',
    'X-Auth',
    'X-Amz-Security-Token',
    'X-Csrf-Token',
    'X-Client-Secret',
    'Password',
    'X-Session-Id',
    'X-Hub-Signature-256',
    'X-Goog-Iap-Jwt-Assertion',
    'apikey',
  ];
  for (const name of secret) {
    test(`are masked: ${name}`, () => assert.deepEqual(maskHeaders(['A', 'b', name, SECRET]), ['A', 'b', name, '***']));
  }

  for (const name of ['Accept', 'Content-Type', 'User-Agent', 'X-Request-Id', 'Host', 'Origin']) {
    test(`are kept: ${name}`, () => assert.deepEqual(maskHeaders([name, 'a value']), [name, 'a value']));
  }

  test('are bounded in number and length', () => {
    const many = Array.from({ length: 4000 }, (_, i) => (i % 2 === 0 ? 'A' : 'x'.repeat(10_000)));
    const masked = maskHeaders(many);
    assert.equal(masked.length, 100);
    assert.ok(masked.every((part) => part.length <= 500));
  });

  test('stay in order, with their duplicates and their case', () => {
    const headers = ['b', '1', 'A', '2', 'b', '3'];
    assert.deepEqual(maskHeaders(headers), headers);
  });
});

describe('a query', () => {
  const table: readonly [query: string, masked: string][] = [
    ['?', '?'],
    ['?a=1&b=2', '?a=1&b=2'],
    ['?a=%2F&b=+&c=%C3%BC&&=x', '?a=%2F&b=+&c=%C3%BC&&=x'],
    ['?api_key=s', '?api_key=***'],
    ['?API_KEY=s', '?API_KEY=***'],
    ['?a=1&access_token=s&b=2', '?a=1&access_token=***&b=2'],
    ['?token=s&token=t', '?token=***&token=***'],
    ['?client_secret=a=b', '?client_secret=***'],
    ['?password=', '?password=***'],
    ['?X-Amz-Signature=s&X-Amz-Credential=c', '?X-Amz-Signature=***&X-Amz-Credential=***'],
    ['?code=s&state=x', '?code=***&state=x'],
    ['?token', '?token'],
    // A name is what it is decoded to.
    ['?%74oken=s', '?%74oken=***'],
    ['?api%5Fkey=s&%zz=1', '?api%5Fkey=***&%zz=1'],
    [`?q=a${KEY}b&r=1`, '?q=***b&r=1'],
  ];
  for (const [query, masked] of table) {
    test(`is masked where its names tell of a secret: ${query.replace(KEY, '<key>')}`, () =>
      assert.equal(maskQuery(query), masked));
  }

  test('is bounded', () => assert.ok(maskQuery(`?a=${'x'.repeat(100_000)}`).length <= 2000));
});

test('masking a hostile text takes no longer than its length allows', () => {
  // Each of these makes a careless pattern look at every part of the text again and again.
  for (const hostile of [
    'a_'.repeat(8000),
    'a'.repeat(16_000),
    `${'a_'.repeat(16)}${'0'.repeat(12)}_`.repeat(200),
    '_'.repeat(16_000),
    '%5f'.repeat(5000),
  ]) {
    const { exchange } = createExchange({ path: `/${hostile}`, query: `?${hostile}`, headers: ['A', hostile] });
    exchange.status = 404;
    assert.ok(toRecord(exchange, 1).path.length <= 2000);
  }
});
