import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createExchange } from '../../test/harness/data-plane.ts';
import { createRecordBuffer, type RecordBuffer } from './record-buffer.ts';
import type { Exchange } from './exchange.ts';
import { bytesFor, readRecords } from './record-block.ts';

const BATCH_AGE_MS = 100;
const MAX_UNDERWAY = 4;
const MAX_WAITING = 256;

interface Bench {
  readonly buffer: RecordBuffer;
  /** The size of every batch that was posted, and how many it says were dropped before. */
  readonly posts: { readonly size: number; readonly dropped: number }[];
  /** The request ids of everything posted, in order. */
  readonly posted: string[];
  /** The memory of what was posted, oldest first. */
  readonly memories: ArrayBuffer[];
  /** Records so many more; their ids count on. */
  fill(count: number): void;
  tick(): void;
}

function createBench(t: TestContext): Bench {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const posts: { size: number; dropped: number }[] = [];
  const posted: string[] = [];
  const memories: ArrayBuffer[] = [];
  const buffer = createRecordBuffer((batch, dropped) => {
    const records = readRecords(batch);
    posts.push({ size: records.length, dropped });
    for (const record of records) posted.push(record.requestId);
    memories.push(batch.buffer);
  });
  let made = 0;
  const fill = (count: number): void => {
    for (let i = 0; i < count; i++) buffer.record(exchangeOf(`req_${made++}`), 1);
  };
  return { buffer, posts, posted, memories, fill, tick: () => t.mock.timers.tick(BATCH_AGE_MS) };
}

/** On a connection of its own, so that it has nothing in common with another. */
const exchangeOf = (id: string): Exchange => createExchange({ id }).exchange;

/** As many as are kept, each as long as is kept. */
const manyHeaders = (): string[] => Array.from({ length: 98 }, () => 'é'.repeat(500));

const sizes = (bench: Bench): number[] => bench.posts.map((post) => post.size);

/** Records until so many more batches were posted. */
function fillUntilPosted(bench: Bench, batches: number): void {
  const { length } = bench.posts;
  while (bench.posts.length < length + batches) bench.fill(1);
}

/** Records until one is dropped. What was dropped is told with the next batch, so it is told by their number here. */
function fillUp(bench: Bench): number {
  const count = Math.ceil((3 * (MAX_UNDERWAY + MAX_WAITING + 2) * 65_536) / bytesFor(exchangeOf('req_100000')));
  bench.fill(count);
  return count;
}

describe('the buffer of records', () => {
  test('posts what there is once its first record is old enough', (t) => {
    const bench = createBench(t);
    bench.fill(3);
    assert.deepEqual(bench.posts, []);
    bench.tick();
    assert.deepEqual(bench.posts, [{ size: 3, dropped: 0 }]);
    bench.tick();
    assert.equal(bench.posts.length, 1, 'nothing is posted when there is nothing');
    bench.fill(2);
    bench.tick();
    assert.deepEqual(sizes(bench), [3, 2]);
  });

  test('posts a full batch without waiting', (t) => {
    const bench = createBench(t);
    fillUntilPosted(bench, 1);
    assert.ok((sizes(bench)[0] ?? 0) > 100);
    bench.tick();
    assert.deepEqual(sizes(bench).slice(1), [1], 'the one that found no room any more');
  });

  test('takes a record that is larger than a block, between others', (t) => {
    const bench = createBench(t);
    const { exchange } = createExchange({ id: 'req_large', headers: ['A', 'x'.repeat(500), ...manyHeaders()] });
    exchange.status = 500;
    assert.ok(bytesFor(exchange) > 65_536);
    bench.fill(1);
    bench.buffer.record(exchange, 1);
    bench.fill(1);
    bench.buffer.flush();
    assert.deepEqual(bench.posted, ['req_0', 'req_large', 'req_1']);
  });

  test('posts no more than four batches that nobody has acknowledged, and goes on with each acknowledgement', (t) => {
    const bench = createBench(t);
    fillUntilPosted(bench, MAX_UNDERWAY);
    const [batch = 0] = sizes(bench);
    bench.fill(batch * 3);
    bench.tick();
    assert.equal(bench.posts.length, MAX_UNDERWAY);
    bench.buffer.acknowledge(bench.memories[0]);
    assert.equal(bench.posts.length, MAX_UNDERWAY + 1);
    bench.buffer.acknowledge(bench.memories[1]);
    assert.equal(bench.posts.length, MAX_UNDERWAY + 2);
  });

  test('uses memory again that came back', (t) => {
    const bench = createBench(t);
    for (let round = 0; round < 20; round++) {
      fillUntilPosted(bench, 1);
      bench.buffer.acknowledge(bench.memories.at(-1));
    }
    assert.ok(new Set(bench.memories).size <= 2);
  });

  test('loses and doubles nothing, and keeps the order, while it is acknowledged', (t) => {
    const bench = createBench(t);
    let acknowledged = 0;
    for (let round = 0; round < 50; round++) {
      bench.fill(round * 13);
      if (round % 3 === 0) bench.tick();
      if (round % 2 === 0 && bench.posts.length > acknowledged)
        bench.buffer.acknowledge(bench.memories[acknowledged++]);
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
    const made = fillUp(bench);
    assert.equal(bench.posts.length, MAX_UNDERWAY);
    assert.ok(bench.posts.every(({ dropped }) => dropped === 0));
    bench.buffer.flush();
    const dropped = bench.posts.reduce((sum, post) => sum + post.dropped, 0);
    assert.ok(dropped > 0);
    assert.equal(bench.posts.filter((post) => post.dropped > 0).length, 1);
    assert.equal(bench.posted.length + dropped, made);
    assert.equal(bench.posted.at(-1), `req_${made - dropped - 1}`);
    bench.fill(1);
    bench.buffer.flush();
    assert.deepEqual(bench.posts.at(-1), { size: 1, dropped: 0 });
  });

  test('flushes everything at once, also when nobody has acknowledged', (t) => {
    const bench = createBench(t);
    fillUntilPosted(bench, MAX_UNDERWAY);
    bench.fill(1000);
    const made = bench.posted.length;
    bench.buffer.flush();
    assert.ok(bench.posted.length >= made + 1000);
    const { length } = bench.posts;
    bench.buffer.flush();
    assert.equal(bench.posts.length, length, 'an empty buffer posts nothing');
    bench.tick();
    assert.equal(bench.posts.length, length, 'no timer is left behind');
  });

  test('goes on by itself after a time without acknowledgements', (t) => {
    const bench = createBench(t);
    fillUntilPosted(bench, MAX_UNDERWAY);
    bench.fill(1);
    bench.tick(); // In vain: four are under way.
    assert.equal(bench.posts.length, MAX_UNDERWAY);
    for (let i = 0; i < MAX_UNDERWAY; i++) bench.buffer.acknowledge();
    assert.equal(bench.posts.length, MAX_UNDERWAY + 1);
    bench.buffer.acknowledge();
    bench.fill(1);
    bench.tick();
    assert.equal(bench.posts.length, MAX_UNDERWAY + 2);
  });
});
