import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as kinds from './field-kind.ts';
import { Fields } from './fields.ts';
import { createRequestScanner } from './request-head.ts';

const LIMITS = { headBytes: 4096, fields: 20, targetBytes: 100 };

/** The fields of a head with these lines, as the scanner finds them. */
function scan(...lines: readonly string[]): Fields {
  const head = ['GET / HTTP/1.1', ...lines, '', ''].join('\r\n');
  const scanner = createRequestScanner(LIMITS);
  assert.equal(scanner.scan(Buffer.from(head, 'latin1'), 0, head.length), true);
  return scanner.toFields(head);
}

describe('the kind of a field', () => {
  const rows: readonly (readonly [name: string, kind: number])[] = [
    ['Host', kinds.HOST],
    ['hOST', kinds.HOST],
    ['hosts', 0],
    ['Content-Length', kinds.CONTENT_LENGTH],
    ['content_length', 0],
    ['TE', kinds.TE],
    ['Idempotency-Key', kinds.IDEMPOTENCY_KEY],
    ['proxy', kinds.PROXY],
    ['Proxy-Authorization', kinds.PROXY_HOP],
    ['proxy-', kinds.PROXY_HOP],
    ['Proxy-Status', 0],
    ['X-Forwarded-For', kinds.X_FORWARDED],
    ['X-Forwarded-Port', kinds.X_FORWARDED],
    ['X-Forwarded-Prefix', kinds.X_FORWARDED_OTHER],
    ['x_forwarded_for', kinds.DISGUISED],
    ['x_forwarded_prefix', kinds.DISGUISED],
    ['x-forwarded-client_cert', kinds.DISGUISED],
    ['X-Request-Id', kinds.X_REQUEST_ID],
    ['X-Request_Id', kinds.DISGUISED],
    ['X-Real-IP', kinds.X_REAL_IP],
    ['x_real_ip', kinds.DISGUISED],
    ['Tollgate-Context', kinds.TOLLGATE],
    ['tollgate_context', kinds.DISGUISED],
    ['tollgate', 0],
    ['X-API-Key', kinds.X_API_KEY],
    ['x_api_key', kinds.DISGUISED_API_KEY],
    ['RateLimit', kinds.RATE_LIMIT],
    ['RateLimit-Policy', kinds.RATE_LIMIT],
    ['X-RateLimit-Used', kinds.RATE_LIMIT],
    ['x_ratelimit_used', 0],
    ['Access-Control-Allow-Origin', kinds.ACCESS_CONTROL],
    ['access-control-request-method', kinds.ACCESS_CONTROL],
    ['Access-Control', 0],
    ['x'.repeat(300), 0],
    ['', 0],
  ];
  for (const [name, kind] of rows) {
    test(`is ${kind} for ${name.slice(0, 40)}`, () => assert.equal(Fields.of([name, 'x']).kind(0), kind));
  }

  test('is a bit of its own: what is left out of one kind leaves no other one out', () => {
    const all = Object.values(kinds).filter((kind) => typeof kind === 'number');
    assert.deepEqual(
      all.toSorted((a, b) => a - b),
      [...new Set(all)].toSorted((a, b) => a - b),
    );
    assert.ok(Math.max(...all) < 31);
  });
});

describe('fields', () => {
  test('are found by their kind: the first, all as one list, how many', () => {
    const fields = scan('Via: 1.1 a', 'X: y', 'VIA:1.0 b', 'Date: now');
    assert.equal(fields.first(kinds.VIA), '1.1 a');
    assert.equal(fields.joined(kinds.VIA), '1.1 a, 1.0 b');
    assert.equal(fields.count(kinds.VIA), 2);
    assert.equal(fields.first(kinds.HOST), undefined);
    assert.equal(fields.joined(kinds.HOST), undefined);
    assert.equal(fields.count(kinds.HOST), 0);
    assert.deepEqual(fields.list(), ['Via', '1.1 a', 'X', 'y', 'VIA', '1.0 b', 'Date', 'now']);
  });

  test('go on as whole lines, as they came, without the kinds that are left out', () => {
    const fields = scan('A: 1', 'Via: x', 'b: 2', 'B: 3', 'Date: now', 'Host: h');
    const without = (...left: readonly number[]): string => fields.linesWithout(kinds.kindSet(...left));
    assert.equal(without(), 'A: 1\r\nVia: x\r\nb: 2\r\nB: 3\r\nDate: now\r\nHost: h\r\n');
    assert.equal(without(kinds.VIA), 'A: 1\r\nb: 2\r\nB: 3\r\nDate: now\r\nHost: h\r\n');
    assert.equal(without(kinds.VIA, kinds.DATE), 'A: 1\r\nb: 2\r\nB: 3\r\nHost: h\r\n');
    assert.equal(without(kinds.HOST, kinds.DATE), 'A: 1\r\nVia: x\r\nb: 2\r\nB: 3\r\n');
    assert.equal(scan('Host: h').linesWithout(kinds.kindSet(kinds.HOST)), '');
    assert.equal(scan().linesWithout(0), '');
  });

  const whims = ['A:1', 'A:\t1', 'A:  1', 'A: 1 ', 'A: 1\t', 'A: \t 1 \t'];
  for (const line of whims) {
    test(`go on without the white space around their values: ${JSON.stringify(line)}`, () => {
      assert.equal(scan('X: y', line, 'Via: v', 'Z: z').linesWithout(1 << kinds.VIA), 'X: y\r\nA: 1\r\nZ: z\r\n');
    });
  }

  test('without a value go on without one', () => {
    assert.equal(scan('A:', 'B: ').linesWithout(0), 'A: \r\nB: \r\n');
  });

  test('of one head do not change with the next', () => {
    const scanner = createRequestScanner(LIMITS);
    const first = 'GET / HTTP/1.1\r\nA: 1\r\n\r\n';
    scanner.scan(Buffer.from(first), 0, first.length);
    const fields = scanner.toFields(first);
    scanner.reset();
    const second = 'GET / HTTP/1.1\r\nLonger: other\r\nVia: x\r\n\r\n';
    scanner.scan(Buffer.from(second), 0, second.length);
    assert.deepEqual(fields.list(), ['A', '1']);
    assert.equal(scanner.toFields(second).count(kinds.VIA), 1);
  });
});
