import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fields } from '../wire/fields.ts';
import { HOP_BY_HOP, withoutConnectionOptions } from './hop-headers.ts';

const endsHere = (name: string): boolean => Fields.of([name, 'x']).linesWithout(HOP_BY_HOP) === '';

describe('a header that ends at this hop', () => {
  const names = [
    'connection',
    'keep-alive',
    'proxy-authenticate',
    'proxy-authentication-info',
    'proxy-authorization',
    'proxy-connection',
    'proxy-',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
  ];
  for (const name of names) {
    test(`is ${name}`, () => {
      for (const spelled of [name, name.toUpperCase(), name.charAt(0).toUpperCase() + name.slice(1)])
        assert.ok(endsHere(spelled), spelled);
    });
  }

  test('is no other', () => {
    const others = ['host', 'content-length', 'authorization', 'set-cookie', 'tea', 'trailers', 'x-connection'];
    for (const name of [...others, 'proxy', 'proxy_x', 'Proxy-Status', 'x-proxy-authorization', 'upgrade-insecure'])
      assert.ok(!endsHere(name), name);
  });
});

describe('Connection', () => {
  const without = (headers: readonly string[], ...options: readonly string[]): string[] =>
    withoutConnectionOptions(Fields.of([...headers, ...options.flatMap((option) => ['Connection', option])])).list();

  test('takes nothing away where it says only whether it stays', () => {
    for (const value of ['keep-alive', 'Close', 'Keep-Alive'])
      assert.deepEqual(without(['Keep-Alive', '1', 'Close', '2'], value).slice(0, 4), [
        'Keep-Alive',
        '1',
        'Close',
        '2',
      ]);
  });

  test('takes away what it names, in any case, in any of several lists, and keeps the rest in order', () => {
    const headers = ['X-One', '1', 'A', 'b', 'x-TWO', '2', 'a', 'c', 'x-one', '3', 'X-Three', '4', 'X-Four', '5'];
    const kept = without(headers, 'X-One,  x-two ', ',close,\tX-Three,');
    assert.deepEqual(kept.slice(0, -4), ['A', 'b', 'a', 'c', 'X-Four', '5']);
  });

  const lasting = [
    'Authorization',
    'Cache-Control',
    'Content-Encoding',
    'Content-Length',
    'Content-Type',
    'Cookie',
    'Forwarded',
    'Host',
    'Set-Cookie',
    'Tollgate-Context',
    'Traceparent',
    'Tracestate',
    'Via',
    'X-API-Key',
    'X-Forwarded-For',
    'X-Forwarded-Anything',
    'X-Request-Id',
  ];
  for (const name of lasting) {
    test(`cannot take away ${name}`, () => {
      assert.deepEqual(without([name, '1', 'X', '2'], `${name.toLowerCase()}, x, ${name}`).slice(0, 2), [name, '1']);
    });
  }
});
