import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RememberedOctets } from './remembered-octets.ts';

const MOST = 9;
const toBytes = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, i) => 65 + i));

describe('remembered octets', () => {
  for (let length = 1; length <= MOST; length++) {
    test(`stand where all ${length} of them stand, and nowhere else`, () => {
      const remembered = new RememberedOctets(MOST);
      remembered.set(Buffer.concat([Buffer.from('..'), toBytes(length), Buffer.from('..')]), 2, 2 + length);
      assert.equal(remembered.length, length);
      for (const before of [0, 1, 2, 3]) {
        const bytes = Buffer.concat([Buffer.alloc(before), toBytes(length), Buffer.from('more')]);
        assert.equal(remembered.standAt(bytes, before), true);
        for (let i = 0; i < length; i++) {
          const other = Buffer.from(bytes);
          other[before + i] = 0x2e;
          assert.equal(remembered.standAt(other, before), false);
        }
      }
    });
  }

  test('are their own: the buffer they came from may be used again', () => {
    const remembered = new RememberedOctets(MOST);
    const bytes = toBytes(5);
    remembered.set(bytes, 0, 5);
    bytes.fill(0);
    assert.equal(remembered.standAt(toBytes(5), 0), true);
  });

  test('are none when there are too many, also after some that were not', () => {
    const remembered = new RememberedOctets(MOST);
    remembered.set(toBytes(MOST), 0, MOST);
    remembered.set(toBytes(MOST + 1), 0, MOST + 1);
    assert.equal(remembered.length, 0);
  });
});
