import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RememberedHead } from './remembered-head.ts';

const toBytes = (length: number, from = 65): Buffer => Buffer.from(Array.from({ length }, (_, i) => from + (i % 26)));

function remember(line: number, section: number): RememberedHead {
  const remembered = new RememberedHead();
  const bytes = Buffer.concat([Buffer.from('..'), toBytes(line), toBytes(section, 97), Buffer.from('..')]);
  remembered.set(bytes, 2, 2 + line, 2 + line + section);
  bytes.fill(0); // The buffer may be used again.
  return remembered;
}

describe('a remembered head', () => {
  for (let line = 1; line <= 9; line++) {
    for (let section = 2; section <= 9; section++) {
      test(`of ${line} and ${section} octets stands where all of them stand, and nowhere else`, () => {
        const remembered = remember(line, section);
        const length = line + section;
        assert.equal(remembered.length, length);
        assert.equal(remembered.sectionLength, section);
        for (const before of [0, 1, 2, 3]) {
          const bytes = Buffer.concat([Buffer.alloc(before), toBytes(line), toBytes(section, 97), Buffer.from('more')]);
          const end = before + length;
          assert.equal(remembered.standsAt(bytes, before, end), true);
          assert.equal(remembered.standsAt(bytes, before, end - 1), false);
          assert.equal(remembered.sectionStandsAt(bytes, before + line, end), true);
          assert.equal(remembered.sectionStandsAt(bytes, before + line, end - 1), false);
          for (let i = 0; i < length; i++) {
            const other = Buffer.from(bytes);
            other[before + i] = 0x2e;
            assert.equal(remembered.standsAt(other, before, end), false);
            assert.equal(remembered.sectionStandsAt(other, before + line, end), i < line);
          }
        }
      });
    }
  }

  test('takes other start lines, shorter and longer ones, and keeps its section', () => {
    const remembered = remember(10, 7);
    for (const line of [3, 200, 1, 256, 12]) {
      remembered.setLine(toBytes(line), 0, line);
      const bytes = Buffer.concat([toBytes(line), toBytes(7, 97)]);
      assert.equal(remembered.length, line + 7);
      assert.equal(remembered.standsAt(bytes, 0, bytes.length), true);
    }
  });

  test('is none when its start line is too long, and its section is one still', () => {
    const remembered = remember(10, 7);
    remembered.setLine(toBytes(257), 0, 257);
    const bytes = Buffer.concat([toBytes(257), toBytes(7, 97)]);
    assert.equal(remembered.length, 0);
    assert.equal(remembered.standsAt(bytes, 0, bytes.length), false);
    assert.equal(remembered.sectionStandsAt(bytes, 257, bytes.length), true);
  });

  test('is none when its section is too long, also after one that was not', () => {
    const remembered = remember(10, 7);
    const bytes = Buffer.concat([toBytes(10), toBytes(2049, 97)]);
    remembered.set(bytes, 0, 10, bytes.length);
    assert.equal(remembered.length, 0);
    assert.equal(remembered.sectionLength, 0);
    assert.equal(remembered.sectionStandsAt(bytes, 10, bytes.length), false);
    remembered.setLine(bytes, 0, 10);
    assert.equal(remembered.standsAt(bytes, 0, bytes.length), false);
  });

  test('is none before there was one', () => {
    assert.equal(new RememberedHead().standsAt(Buffer.from('any'), 0, 3), false);
    assert.equal(new RememberedHead().sectionStandsAt(Buffer.from('any'), 0, 3), false);
  });
});
