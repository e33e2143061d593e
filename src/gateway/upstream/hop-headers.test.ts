import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isHopByHop, namesNoField, withoutNamed } from './hop-headers.ts';

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
        assert.ok(isHopByHop(spelled), spelled);
    });
  }

  test('is no other', () => {
    const others = ['host', 'content-length', 'authorization', 'set-cookie', 'tea', 'trailers', 'x-connection', ''];
    for (const name of [...others, 'proxy', 'proxy_x', 'Proxy-Status', 'x-proxy-authorization', 'upgrade-insecure'])
      assert.ok(!isHopByHop(name), name);
  });
});

describe('Connection', () => {
  test('names nothing where it says only whether it stays', () => {
    for (const value of ['keep-alive', 'Close', 'Keep-Alive']) assert.ok(namesNoField(value), value);
    for (const value of ['close, x-one', 'x-one', 'te']) assert.ok(!namesNoField(value), value);
  });

  test('takes away what it names, in any case, in any of several lists, and keeps the rest in order', () => {
    const headers = ['X-One', '1', 'A', 'b', 'x-TWO', '2', 'a', 'c', 'x-one', '3', 'X-Three', '4', 'X-Four', '5'];
    assert.deepEqual(withoutNamed(headers, 'X-One,  x-two ,,close,\tX-Three,'), ['A', 'b', 'a', 'c', 'X-Four', '5']);
  });

  const kept = [
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
  for (const name of kept) {
    test(`cannot take away ${name}`, () => {
      assert.deepEqual(withoutNamed([name, '1', 'X', '2'], `${name.toLowerCase()}, x, ${name}`), [name, '1']);
    });
  }
});
