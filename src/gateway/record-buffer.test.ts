import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createExchange } from '../../test/harness/data-plane.ts';
import type { ExchangeRecord } from './ports.ts';
import { createRecordBuffer, type RecordBuffer } from './record-buffer.ts';
import { toRecord } from './record.ts';

const BATCH_RECORDS = 500;
const BATCH_AGE_MS = 100;
const MAX_BUFFERED = 20_000;
const MAX_UNDERWAY = 4;

interface Bench {
  readonly buffer: RecordBuffer;
  /** The size of every batch that was posted, and how many it says were dropped before. */
  readonly posts: { readonly size: number; readonly dropped: number }[];
  /** The request ids of everything posted, in order. */
  readonly posted: string[];
  /** Records so many more; their ids count on. */
  fill(count: number): void;
  tick(): void;
}

function createBench(t: TestContext): Bench {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const posts: { size: number; dropped: number }[] = [];
  const posted: string[] = [];
  const buffer = createRecordBuffer((text, dropped) => {
    const records = JSON.parse(text) as ExchangeRecord[];
    posts.push({ size: records.length, dropped });
    for (const record of records) posted.push(record.requestId);
  });
  let made = 0;
  const fill = (count: number): void => {
    for (let i = 0; i < count; i++) buffer.record(recordOf(`req_${made++}`));
  };
  return { buffer, posts, posted, fill, tick: () => t.mock.timers.tick(BATCH_AGE_MS) };
}

const recordOf = (id: string): string => toRecord(createExchange({ id }).exchange, 1);

const sizes = (bench: Bench): number[] => bench.posts.map((post) => post.size);

describe('the buffer of records', () => {
  test('posts what there is once its first record is old enough', (t) => {
    const bench = createBench(t);
    bench.fill(3);
    assert.deepEqual(bench.posts, []);
    bench.tick();
    assert.deepEqual(bench.posts, [{ size: 3, dropped: 0 }]);
    bench.tick();
    assert.equal(bench.posts.length, 1, 'nothing is posted when there is nothing');
  });

  test('posts a full batch without waiting', (t) => {
    const bench = createBench(t);
    bench.fill(BATCH_RECORDS - 1);
    assert.deepEqual(sizes(bench), []);
    bench.fill(1);
    assert.deepEqual(sizes(bench), [BATCH_RECORDS]);
  });

  test('posts no more than four batches that nobody has acknowledged, and goes on with each acknowledgement', (t) => {
    const bench = createBench(t);
    bench.fill(BATCH_RECORDS * 7);
    assert.deepEqual(sizes(bench), [500, 500, 500, 500]);
    bench.tick();
    assert.equal(bench.posts.length, MAX_UNDERWAY);
    bench.buffer.acknowledge();
    assert.deepEqual(sizes(bench), [500, 500, 500, 500, 1500]);
    bench.fill(1);
    bench.tick();
    assert.equal(bench.posts.length, 5);
    bench.buffer.acknowledge();
    assert.deepEqual(sizes(bench), [500, 500, 500, 500, 1500, 1]);
  });

  test('loses and doubles nothing, and keeps the order, while it is acknowledged', (t) => {
    const bench = createBench(t);
    for (let round = 0; round < 50; round++) {
      bench.fill(round * 13);
      if (round % 3 === 0) bench.tick();
      if (round % 2 === 0 && bench.posts.length > 0) bench.buffer.acknowledge();
      if (round % 11 === 0) bench.buffer.flush();
    }
    bench.buffer.flush();
    const total = (49 * 50 * 13) / 2;
    assert.deepEqual(
      bench.posted,
      Array.from({ length: total }, (_, i) => `req_${i}`),
    );
  });

  test('drops what comes when it is full, keeps what it has, and tells how many once', (t) => {
    const bench = createBench(t);
    bench.fill(BATCH_RECORDS * MAX_UNDERWAY + MAX_BUFFERED + 77);
    assert.equal(bench.posts.length, MAX_UNDERWAY);
    bench.buffer.acknowledge();
    assert.deepEqual(bench.posts.at(-1), { size: MAX_BUFFERED, dropped: 77 });
    assert.equal(bench.posted.at(-1), `req_${BATCH_RECORDS * MAX_UNDERWAY + MAX_BUFFERED - 1}`);
    bench.fill(1);
    bench.buffer.flush();
    assert.deepEqual(bench.posts.at(-1), { size: 1, dropped: 0 });
  });

  test('flushes everything at once, also when nobody has acknowledged', (t) => {
    const bench = createBench(t);
    bench.fill(BATCH_RECORDS * 5 + 3);
    bench.buffer.flush();
    assert.deepEqual(sizes(bench), [500, 500, 500, 500, 503]);
    bench.buffer.flush();
    assert.equal(bench.posts.length, 5, 'an empty buffer posts nothing');
    bench.tick();
    assert.equal(bench.posts.length, 5, 'no timer is left behind');
  });

  test('goes on by itself after a time without acknowledgements', (t) => {
    const bench = createBench(t);
    bench.fill(BATCH_RECORDS * MAX_UNDERWAY);
    bench.fill(1);
    bench.tick(); // In vain: four are under way.
    for (let i = 0; i < MAX_UNDERWAY; i++) bench.buffer.acknowledge();
    assert.deepEqual(sizes(bench), [500, 500, 500, 500, 1]);
    bench.buffer.acknowledge();
    bench.fill(1);
    bench.tick();
    assert.equal(bench.posts.length, 6);
  });
});
