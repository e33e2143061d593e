import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createFakeClock, createKey, type FakeClock } from '../../test/harness/data-plane.ts';
import { createCredentialCache, type CredentialCache } from './credential-cache.ts';
import type { CredentialAnswer } from './messages.ts';
import type { Credential } from './ports.ts';

const ANSWER_TIMEOUT_MS = 5000;

interface Bench {
  /** Answers go to the last question about the id, unless told otherwise. */
  readonly cache: Omit<CredentialCache, 'answer'> & {
    answer(publicId: string, answer: CredentialAnswer, id?: number): void;
  };
  /** The public ids that the main thread was asked for, in order. */
  readonly asked: string[];
  readonly clock: FakeClock;
}

/** A cache whose time, that of its timers included, the test moves. */
function createBench(t: TestContext): Bench {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const asked: string[] = [];
  const clock = createFakeClock();
  const lastIds = new Map<string, number>();
  const cache = createCredentialCache({
    ask(publicId, id) {
      asked.push(publicId);
      lastIds.set(publicId, id);
    },
    nowMs: () => clock.monotonicMs(),
  });
  const answer = (publicId: string, given: CredentialAnswer, id = lastIds.get(publicId) ?? 0): void =>
    cache.answer(publicId, id, given);
  return { cache: { ...cache, answer }, asked, clock };
}

const known = (publicId: string): Credential => createKey({ publicId }).credential;

/** Lets the cache know a credential, as if it had been asked for before. */
async function learn({ cache }: Bench, credential: Credential): Promise<void> {
  const found = cache.find(credential.publicId);
  cache.answer(credential.publicId, { state: 'known', credential });
  await found;
}

describe('the memory of credentials', () => {
  test('asks for what it does not know, and answers at once from then on', async (t) => {
    const { cache, asked } = createBench(t);
    const credential = known('a');
    const first = cache.find('a');
    assert.ok(first instanceof Promise);
    cache.answer('a', { state: 'known', credential });
    assert.equal(await first, credential);
    assert.equal(cache.find('a'), credential);
    assert.deepEqual(asked, ['a']);
  });

  test('asks once for many who wait for the same one', async (t) => {
    const { cache, asked } = createBench(t);
    const waiting = Array.from({ length: 100 }, async () => cache.find('a'));
    const other = cache.find('b');
    assert.deepEqual(asked, ['a', 'b']);
    const credential = known('a');
    cache.answer('a', { state: 'known', credential });
    cache.answer('b', { state: 'unknown' });
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set([credential]));
    assert.equal(await other, undefined);
  });

  test('knows for five seconds that there is no such one, and then asks again', async (t) => {
    const { cache, asked, clock } = createBench(t);
    const first = cache.find('a');
    cache.answer('a', { state: 'unknown' });
    assert.equal(await first, undefined);
    clock.advance(4999);
    assert.equal(cache.find('a'), undefined);
    clock.advance(1);
    assert.ok(cache.find('a') instanceof Promise);
    assert.deepEqual(asked, ['a', 'a']);
  });

  test('asks again for a known one after five minutes', async (t) => {
    const bench = createBench(t);
    await learn(bench, known('a'));
    bench.clock.advance(299_999);
    assert.ok(!(bench.cache.find('a') instanceof Promise));
    bench.clock.advance(1);
    assert.ok(bench.cache.find('a') instanceof Promise);
  });

  test('is not emptied of known ones by guesses', async (t) => {
    const bench = createBench(t);
    const credential = known('a');
    await learn(bench, credential);
    for (let i = 0; i < 20_000; i++) {
      const found = bench.cache.find(`guess ${i}`);
      bench.cache.answer(`guess ${i}`, { state: 'unknown' });
      assert.equal(await found, undefined);
    }
    assert.equal(bench.cache.find('a'), credential);
  });

  test('passes over an answer to what nobody asked', (t) => {
    const { cache } = createBench(t);
    cache.answer('a', { state: 'known', credential: known('a') });
    assert.ok(cache.find('a') instanceof Promise);
  });
});

describe('what is forgotten', () => {
  test('is asked for again, the others are not', async (t) => {
    const bench = createBench(t);
    await learn(bench, known('a'));
    await learn(bench, known('b'));
    bench.cache.forget(['a', 'never known']);
    assert.ok(bench.cache.find('a') instanceof Promise);
    assert.ok(!(bench.cache.find('b') instanceof Promise));
  });

  test('is asked for again, all of it', async (t) => {
    const bench = createBench(t);
    await learn(bench, known('a'));
    await learn(bench, known('b'));
    bench.cache.forget('all');
    assert.ok(bench.cache.find('a') instanceof Promise);
    assert.ok(bench.cache.find('b') instanceof Promise);
  });

  test('may be something that did not exist: a new key works at once', async (t) => {
    const { cache } = createBench(t);
    const first = cache.find('a');
    cache.answer('a', { state: 'unknown' });
    await first;
    cache.forget(['a']);
    assert.ok(cache.find('a') instanceof Promise);
  });

  for (const publicIds of [['a'], 'all'] as const) {
    test(`during its look-up is read anew, for those who wait and those who come (${String(publicIds)})`, async (t) => {
      const { cache, asked } = createBench(t);
      const before = known('a');
      const after = createKey({ publicId: 'a', status: 'revoked' }).credential;
      const early = cache.find('a');
      cache.forget(publicIds);
      // Whoever comes now was told that the old state is forgotten everywhere.
      const late = cache.find('a');
      cache.answer('a', { state: 'known', credential: before });
      assert.deepEqual(asked, ['a', 'a']);
      cache.answer('a', { state: 'known', credential: after });
      assert.equal(await late, after);
      assert.equal(await early, after);
      assert.equal(cache.find('a'), after);
    });
  }

  test('during its look-up is not remembered as unknown', async (t) => {
    const { cache } = createBench(t);
    const found = cache.find('a');
    cache.forget(['a']);
    cache.answer('a', { state: 'unknown' });
    const credential = known('a');
    cache.answer('a', { state: 'known', credential });
    assert.equal(await found, credential);
  });
});

describe('a look-up that fails', () => {
  test('is rejected, and tried again by the next who asks', async (t) => {
    const { cache, asked } = createBench(t);
    const found = cache.find('a');
    cache.answer('a', { state: 'unavailable' });
    await assert.rejects(async () => found, /could not be looked up/);
    assert.ok(cache.find('a') instanceof Promise);
    assert.deepEqual(asked, ['a', 'a']);
  });

  test('is rejected when no answer comes', async (t) => {
    const { cache } = createBench(t);
    const found = cache.find('a');
    t.mock.timers.tick(ANSWER_TIMEOUT_MS);
    await assert.rejects(async () => found, /could not be looked up/);
  });

  test('is rejected when no answer comes to the second question either', async (t) => {
    const { cache } = createBench(t);
    const found = cache.find('a');
    t.mock.timers.tick(ANSWER_TIMEOUT_MS - 1);
    cache.forget('all');
    cache.answer('a', { state: 'unknown' });
    t.mock.timers.tick(1);
    await assert.rejects(async () => found, /could not be looked up/);
  });

  test('is not settled by the late answer to a question that was given up', async (t) => {
    const { cache } = createBench(t);
    const first = cache.find('a');
    t.mock.timers.tick(ANSWER_TIMEOUT_MS);
    await assert.rejects(async () => first);
    const second = cache.find('a');
    cache.answer('a', { state: 'known', credential: known('a') }, 1);
    cache.answer('a', { state: 'unknown' });
    assert.equal(await second, undefined);
  });

  test('is rejected at once when a thousand others wait, and asks nobody', async (t) => {
    const { cache, asked } = createBench(t);
    const waiting = Array.from({ length: 1000 }, (_, i) => cache.find(`id ${i}`));
    const found = cache.find('one more');
    await assert.rejects(async () => found, /too many/);
    assert.equal(asked.length, 1000);
    assert.equal(cache.find('id 7'), waiting[7], 'who waits for one of them may join');
    for (let i = 0; i < 1000; i++) cache.answer(`id ${i}`, { state: 'unknown' });
    for (const one of waiting) await one;
    assert.ok(cache.find('one more') instanceof Promise);
    cache.answer('one more', { state: 'unknown' });
  });
});
