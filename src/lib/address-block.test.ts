import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toAddressBlock } from './address-block.ts';

describe('an address stands for', () => {
  const cases: readonly [address: string, bits: number, block: string][] = [
    ['192.0.2.1', 64, '192.0.2.1'],
    ['::ffff:192.0.2.1', 64, '192.0.2.1'],
    ['::FFFF:192.0.2.1', 64, '192.0.2.1'],
    ['2001:db8:0:1::7', 64, '2001:db8:0:1::/64'],
    ['2001:DB8:0:1:ffff:ffff:ffff:ffff', 64, '2001:db8:0:1::/64'],
    ['2001:db8:0:2::', 64, '2001:db8:0:2::/64'],
    ['2001:db8:ab:cdff::1', 56, '2001:db8:ab:cd00::/56'],
    ['2001:db8:ab:cd00::1', 48, '2001:db8:ab::/48'],
    ['::1', 64, '0:0:0:0::/64'],
    ['fe80::1%eth0', 64, 'fe80:0:0:0::/64'],
    ['2001:db8::192.0.2.1', 128, '2001:db8:0:0:0:0:c000:201/128'],
    ['1::2:3:4:5:6:7', 64, '1:0:2:3::/64'],
    ['64:ff9b::192.0.2.33', 64, '64:ff9b:0:0::/64'],
    ['2001:0DB8:0001:0002::9', 64, '2001:db8:1:2::/64'],
    ['', 64, ''],
    ['1:2:3:4:5:6:7:8', 128, '1:2:3:4:5:6:7:8/128'],
    ['unknown', 64, 'unknown'],
    ['not:an:address', 64, 'not:an:address'],
  ];
  for (const [address, bits, block] of cases) {
    test(`${block}: ${address} with ${bits} bits`, () => assert.equal(toAddressBlock(address, bits), block));
  }
});
