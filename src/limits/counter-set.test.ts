import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLayout } from './counter-memory.ts';
import { CounterSetMaker } from './counter-set.ts';
import { createSharedCounters } from './shared-counters.ts';
import { SharedWords } from './shared-words.ts';
import { SubjectHash } from './subject-hash.ts';

test('counters that many callers share are marked last, and among equals the order is that of the slots', () => {
  const layout = readLayout(new SharedWords(createSharedCounters({ entries: 1000, seats: 1, secret: 's' })));
  const maker = new CounterSetMaker(layout, new SubjectHash(...layout.key));
  for (let caller = 0; caller < 50; caller++) {
    const own = [`key:${caller}`, `client:${caller}`, `key:${caller}@endpoint:ep_1`];
    const subjects = ['endpoint:ep_1', ...own, 'tenant:ten_1'];
    const set = maker.make(subjects.map((subject) => ({ subject, limit: { window: 'minute', limit: 10 } })));
    set.sort();
    assert.deepEqual(new Set(set.toMark.slice(0, 3).map(({ meter }) => meter.check.subject)), new Set(own));
    for (const part of [set.toMark.slice(0, 3), set.toMark.slice(3)]) {
      const slots = part.map(({ markedSlot }) => markedSlot);
      assert.deepEqual(
        slots,
        slots.toSorted((a, b) => a - b),
      );
    }
  }
});
