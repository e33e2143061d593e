import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connectionOptions, isHopByHop } from './hop-headers.ts';

describe('a header that ends at this hop', () => {
  const names = [
    'connection',
    'keep-alive',
    'proxy-authenticate',
    'proxy-authorization',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
  ];
  for (const name of names) test(`is ${name}`, () => assert.ok(isHopByHop(name, undefined)));

  test('is whatever Connection names, in any case, in any of several lists', () => {
    const options = connectionOptions(['Connection', 'X-One,  x-TWO ,', 'Host', 'h', 'CONNECTION', 'close, X-Three']);
    for (const name of ['x-one', 'x-two', 'x-three']) assert.ok(isHopByHop(name, options), name);
    assert.ok(!isHopByHop('x-four', options));
    assert.ok(!isHopByHop('', options));
  });

  test('is no other', () => {
    for (const name of ['host', 'content-length', 'authorization', 'set-cookie', 'tea', 'trailers', 'x-connection']) {
      assert.ok(!isHopByHop(name, undefined), name);
    }
  });
});

test('no list is made where Connection says only whether it stays', () => {
  for (const headers of [
    [],
    ['Host', 'h'],
    ['Connection', 'keep-alive'],
    ['Connection', 'Close'],
    ['Connection', ''],
  ]) {
    assert.equal(connectionOptions(headers), undefined);
  }
});
