import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { crc32 } from './crc32.ts';

test('is the sum that zlib makes', () => {
  for (const text of ['', 'a', '123456789', 'tg_live_0000', '\u0000\u007f', 'x'.repeat(1000)]) {
    assert.equal(crc32(text), zlibCrc32(text));
  }
  assert.equal(crc32('123456789'), 0xcbf43926);
});
