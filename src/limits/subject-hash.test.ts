import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SubjectHash } from './subject-hash.ts';

// vectors_hsip64 of the reference code (github.com/veorq/SipHash, vectors.h): the key is the bytes 0 … 7, the message the bytes 0 … n-1.
// UTF-16 texts have an even number of bytes, so every other vector applies.
const VECTORS: readonly (readonly [sizeBytes: number, hash: string])[] = [
  [0, '218d1f59b9b83cc8'],
  [2, '064f39ef7c50eb57'],
  [4, 'd5e78a175be52ea1'],
  [6, 'ce3e91358aa2bc25'],
  [8, 'edfee820bce4858c'],
  [10, '95b0469f06a6f2ee'],
  [12, '7bc71f9faef5c799'],
  [14, '3bb1a870eae8e658'],
];

for (const [sizeBytes, expected] of VECTORS) {
  test(`gives the reference hash of ${sizeBytes} bytes`, () => {
    const message = Buffer.from(Array.from({ length: sizeBytes }, (_, i) => i));
    const hash = new SubjectHash(0x0302_0100, 0x0706_0504);
    hash.update(message.toString('utf16le'));
    const out = Buffer.alloc(8);
    out.writeInt32LE(hash.low, 0);
    out.writeInt32LE(hash.high, 4);
    assert.equal(out.toString('hex'), expected);
  });
}
