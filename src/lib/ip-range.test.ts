import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createIpMatcher, isIpRange, toPlainAddress } from './ip-range.ts';

describe('a range', () => {
  const good = ['192.0.2.1', '10.0.0.0/8', '0.0.0.0/0', '10.1.2.3/8', '::1', 'fd00::/8', '2001:db8::1/128', '::/0'];
  for (const text of good) test(`is ${text}`, () => assert.ok(isIpRange(text)));

  const bad = ['', 'localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0.0/ 8', '::/129'];
  const worse = ['10.0.0', '010.0.0.1', '10.0.0.0/0x8', '[::1]', 'fe80::1%eth0', ' ::1', '10.0.0.0-10.0.0.9'];
  for (const text of [...bad, ...worse]) {
    test(`is not ${JSON.stringify(text)}`, () => {
      assert.ok(!isIpRange(text));
      assert.throws(() => createIpMatcher([text]));
    });
  }
});

describe('an address', () => {
  const matches = createIpMatcher(['192.0.2.1', '10.0.0.0/8', 'fd00::/8', '2001:db8::1']);
  const inside = ['192.0.2.1', '10.0.0.0', '10.255.255.255', 'fd12::3', 'FD12::3', '2001:db8:0::1', '::ffff:10.1.1.1'];
  const outside = ['192.0.2.2', '11.0.0.0', '9.255.255.255', 'fe00::1', '2001:db8::2', '::1', '', 'unknown', '10.0.0'];
  for (const address of inside) test(`lies inside: ${address}`, () => assert.ok(matches(address)));
  for (const address of outside) test(`lies outside: ${address || 'none'}`, () => assert.ok(!matches(address)));

  test('is told the same again, and after more addresses than are remembered', () => {
    for (let i = 0; i < 3000; i++) assert.equal(matches(`10.0.${i % 250}.${i % 7}`), true);
    assert.ok(matches('192.0.2.1'));
    assert.ok(!matches('192.0.2.2'));
  });

  test('lies nowhere when nothing was named', () => {
    const never = createIpMatcher([]);
    for (const address of ['127.0.0.1', '::1', '']) assert.ok(!never(address));
  });
});

test('an address is told plainly', () => {
  const table: readonly [address: string, plain: string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '::ffff:c000:201'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['', ''],
  ];
  for (const [address, plain] of table) assert.equal(toPlainAddress(address), plain);
});
