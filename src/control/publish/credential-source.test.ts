import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createKey } from '../../../test/harness/data-plane.ts';
import type { Credential } from '../../gateway/ports.ts';
import { createCredentialSource, type CredentialSource } from './credential-source.ts';

interface Bench {
  readonly source: CredentialSource;
  /** The queries that have begun, in order. */
  readonly queries: {
    readonly ids: readonly string[];
    answer(...known: Credential[]): void;
    fail(reason: string): void;
  }[];
  readonly told: string[];
}

function createBench(): Bench {
  const queries: Bench['queries'] = [];
  const told: string[] = [];
  const source = createCredentialSource({
    load(ids) {
      const { promise, resolve, reject } = Promise.withResolvers<Map<string, Credential>>();
      queries.push({
        ids,
        answer: (...known) => resolve(new Map(known.map((one) => [one.publicId, one]))),
        fail: (reason) => reject(new Error(reason)),
      });
      return promise;
    },
    onAway: (cause) => told.push(String(cause)),
    onBack: () => told.push('back'),
  });
  return { source, queries, told };
}

const known = (publicId: string): Credential => createKey({ publicId }).credential;

describe('the look-up of credentials', () => {
  test('begins at once when nothing is under way', async () => {
    const { source, queries } = createBench();
    const a = known('a');
    const found = source.find('a');
    assert.deepEqual(queries[0]?.ids, ['a']);
    queries[0]?.answer(a);
    assert.equal(await found, a);
  });

  test('gathers what comes while two queries are under way into the next one', async () => {
    const { source, queries } = createBench();
    const finds = Array.from({ length: 1_000 }, (_, i) => source.find(`id ${i}`));
    assert.deepEqual(
      queries.map(({ ids }) => ids.length),
      [1, 1],
    );
    for (let i = 0; i < queries.length; i++) {
      queries[i]?.answer();
      await new Promise(setImmediate);
    }
    assert.deepEqual(await Promise.all(finds), Array.from({ length: 1_000 }));
    assert.deepEqual(
      queries.map(({ ids }) => ids.length),
      [1, 1, 256, 256, 256, 230],
    );
  });

  test('is made once for all who wait for the same key', async () => {
    const { source, queries } = createBench();
    void source.find('a');
    void source.find('b');
    const finds = [source.find('c'), source.find('c'), source.find('d')];
    queries[0]?.answer();
    await new Promise(setImmediate);
    assert.deepEqual(queries[2]?.ids, ['c', 'd']);
    const c = known('c');
    queries[2]?.answer(c);
    assert.deepEqual(await Promise.all(finds), [c, c, undefined]);
  });

  test('joins no query that has begun: what that reads may be older than the question', () => {
    const { source, queries } = createBench();
    void source.find('a');
    void source.find('a');
    assert.deepEqual(
      queries.map(({ ids }) => ids),
      [['a'], ['a']],
    );
  });

  test('is refused at once when ten thousand wait', async () => {
    const { source } = createBench();
    for (let i = 0; i < 10_002; i++) void source.find(`id ${i}`);
    await assert.rejects(source.find('one more'), /too many/);
  });

  test('that fails rejects those who waited for it, and goes on with the next', async () => {
    const { source, queries } = createBench();
    const first = source.find('a');
    const second = source.find('b');
    const third = source.find('c');
    queries[0]?.fail('gone');
    await assert.rejects(first, /gone/);
    queries[1]?.answer();
    queries[2]?.answer(known('c'));
    assert.equal(await second, undefined);
    assert.equal((await third)?.publicId, 'c');
  });

  test('tells once that the database is away, and once that it is back', async () => {
    const { source, queries, told } = createBench();
    for (let i = 0; i < 3; i++) {
      const found = source.find('a');
      queries.at(-1)?.fail('gone');
      await assert.rejects(found);
    }
    for (let i = 0; i < 3; i++) {
      const found = source.find('a');
      queries.at(-1)?.answer();
      await found;
    }
    assert.deepEqual(told, ['Error: gone', 'back']);
  });
});
