import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createExchange } from '../../test/harness/data-plane.ts';
import { createArrival } from './arrival.ts';
import type { Exchange } from './exchange.ts';
import type { Problem } from '../lib/problem.ts';

const US = 'tollgate-0a1b2c3d';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

function arrive(
  headers: readonly string[],
  trustedProxies: readonly string[] = [],
): { readonly exchange: Exchange; readonly refused: Problem | undefined } {
  const { exchange } = createExchange({ headers: [...headers] });
  const refused = createArrival({ pseudonym: US, trustedProxies })(exchange);
  return { exchange, refused };
}

describe('a request that was here before', () => {
  test('goes no further', () => {
    const { refused } = arrive(['Via', '1.1 other', 'vIa', `1.1 ${US}, 1.0 last`]);
    assert.equal(refused?.code, 'loop_detected');
    assert.equal(refused.status, 508);
    assert.deepEqual(refused.headers, ['proxy-status', 'tollgate; error=proxy_loop_detected']);
  });

  test('is not one that another installation passed on', () => {
    assert.equal(arrive(['Via', '1.1 tollgate-ffffffff, 1.1 tollgate']).refused, undefined);
    assert.equal(arrive(['X-Via', `1.1 ${US}`, 'Vic', `1.1 ${US}`]).refused, undefined);
  });
});

describe('the id that others know', () => {
  const ids: readonly [id: string, isGood: boolean][] = [
    ['a', true],
    ['Az09._:-', true],
    ['f'.repeat(128), true],
    ['f'.repeat(129), false],
    ['', false],
    ['with space', false],
    ['a,b', false],
    ['<script>', false],
    ['\xe9', false],
    ['[', false],
    ['@', false],
    ['`', false],
    ['{', false],
    [';', false],
    ['/', false],
  ];
  for (const [id, isGood] of ids) {
    test(`is ${isGood ? 'that' : 'not that'} of a trusted proxy: ${JSON.stringify(id)}`, () => {
      const { exchange } = arrive(['X-Request-ID', id], ['192.0.2.0/24']);
      assert.equal(exchange.correlationId, isGood ? id : 'req_1');
      assert.equal(exchange.id, 'req_1');
    });
  }

  test('is ours where a trusted proxy gives several, or anybody else gives one', () => {
    assert.equal(arrive(['X-Request-Id', 'a', 'x-request-id', 'a'], ['192.0.2.1']).exchange.correlationId, 'req_1');
    assert.equal(arrive(['X-Request-Id', 'a'], ['192.0.2.2']).exchange.correlationId, 'req_1');
  });
});

describe('the trace', () => {
  test('goes on where the caller is in one', () => {
    const { exchange } = arrive(['TraceParent', TRACEPARENT]);
    assert.match(exchange.traceLine, new RegExp(`^traceparent: 00-${TRACE}-[0-9a-f]{16}-01\r\n$`));
    assert.ok(!exchange.traceLine.includes(TRACEPARENT));
    assert.ok(exchange.continuesTrace);
  });

  const others: readonly (readonly string[])[] = [
    [],
    ['traceparent', `${TRACEPARENT}-`],
    ['traceparent', ''],
    ['traceparent', TRACEPARENT, 'Traceparent', TRACEPARENT],
  ];
  for (const headers of others) {
    test(`begins here otherwise: ${headers.join(' ') || 'none'}`, () => {
      const { exchange } = arrive(headers);
      assert.match(exchange.traceLine, /^traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-03\r\n$/);
      assert.ok(!exchange.traceLine.includes(TRACE) && !exchange.continuesTrace);
    });
  }
});

describe('the client', () => {
  test('is the peer, whatever the peer says', () => {
    const { exchange } = arrive(['X-Forwarded-For', '127.0.0.1', 'Forwarded', 'for=127.0.0.1']);
    assert.equal(exchange.clientAddress, '192.0.2.1');
    assert.ok(!exchange.isPeerTrusted);
  });

  test('is whom a trusted peer names', () => {
    const { exchange } = arrive(['X-Forwarded-For', '127.0.0.1, 203.0.113.9'], ['192.0.2.1']);
    assert.equal(exchange.clientAddress, '203.0.113.9');
    assert.equal(exchange.origin.peerAddress, '192.0.2.1');
    assert.ok(exchange.isPeerTrusted);
  });
});
