import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Lru } from './lru.ts';

function createLru(maxEntries: number): { lru: Lru<number>; advance: (ms: number) => void } {
  let nowMs = 0;
  return {
    lru: new Lru<number>({ maxEntries, maxAgeMs: 100, nowMs: () => nowMs }),
    advance(ms) {
      nowMs += ms;
    },
  };
}

describe('the bounded map', () => {
  test('never holds more than its bound', () => {
    const { lru } = createLru(10);
    for (let i = 0; i < 1000; i++) {
      lru.set(`key ${i}`, i);
      assert.ok(lru.size <= 10);
    }
    assert.equal(lru.get('key 990'), 990);
    assert.equal(lru.get('key 989'), undefined);
  });

  test('forgets what was used longest ago', () => {
    const { lru } = createLru(2);
    lru.set('a', 1);
    lru.set('b', 2);
    lru.get('a');
    lru.set('c', 3);
    assert.deepEqual([lru.get('a'), lru.get('b'), lru.get('c')], [1, undefined, 3]);
  });

  test('keeps the others when a known key is set again', () => {
    const { lru } = createLru(2);
    lru.set('a', 1);
    lru.set('b', 2);
    lru.set('b', 3);
    assert.deepEqual([lru.get('a'), lru.get('b'), lru.size], [1, 3, 2]);
  });

  test('forgets at the very millisecond of the greatest age', () => {
    const { lru, advance } = createLru(2);
    lru.set('a', 1);
    advance(99);
    assert.equal(lru.get('a'), 1);
    advance(1);
    assert.equal(lru.get('a'), undefined);
    assert.equal(lru.size, 0);
  });

  test('counts the age from the last set, not from the last use', () => {
    const { lru, advance } = createLru(2);
    lru.set('a', 1);
    advance(60);
    lru.get('a');
    lru.set('b', 2);
    advance(60);
    assert.deepEqual([lru.get('a'), lru.get('b')], [undefined, 2]);
  });

  test('forgets on demand, one or all', () => {
    const { lru } = createLru(3);
    for (const key of ['a', 'b', 'c']) lru.set(key, 1);
    lru.delete('a');
    lru.delete('never there');
    assert.deepEqual([lru.get('a'), lru.get('b'), lru.size], [undefined, 1, 2]);
    lru.clear();
    assert.deepEqual([lru.get('b'), lru.size], [undefined, 0]);
  });

  test('holds what a list by last use would, after any calls', () => {
    const { lru } = createLru(4);
    let used: string[] = []; // The latest last.
    let seed = 1;
    const draw = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const touch = (key: string): void => {
      used = [...used.filter((other) => other !== key), key].slice(-4);
    };
    for (let i = 0; i < 20_000; i++) {
      const key = String(draw(7));
      const call = draw(10);
      if (call < 5) {
        assert.equal(lru.get(key) !== undefined, used.includes(key));
        if (used.includes(key)) touch(key);
      } else if (call < 9) {
        lru.set(key, i);
        touch(key);
      } else {
        lru.delete(key);
        used = used.filter((other) => other !== key);
      }
      assert.equal(lru.size, used.length);
    }
  });
});
