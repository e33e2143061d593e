import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { createFakeClock, createKey, type FakeClock } from '../../test/harness/data-plane.ts';
import { createCredentialCache, toTextLookup, type CredentialCache } from './credential-cache.ts';
import type { CredentialAnswer } from './messages.ts';
import type { Credential } from './ports.ts';

const ANSWER_TIMEOUT_MS = 5000;
const RENEWAL_TIMEOUT_MS = 1000;
const ENTRIES = 100;
const AGE_MS = 300_000;
const AWAY_MS = 900_000;

interface Bench {
  /** Answers go to the last question about the id, unless told otherwise. */
  readonly cache: Omit<CredentialCache, 'answer' | 'find'> & {
    find(publicId: string): ReturnType<CredentialCache['find']>;
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
    limits: { entries: ENTRIES, ageMs: AGE_MS, awayMs: AWAY_MS },
  });
  const answer = (publicId: string, given: CredentialAnswer, id = lastIds.get(publicId) ?? 0): void =>
    cache.answer(publicId, id, given);
  const find = (publicId: string): ReturnType<typeof cache.find> => cache.find(publicId, { text: '' });
  return { cache: { ...cache, answer, find }, asked, clock };
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

  test('asks again for a known one when its age is over', async (t) => {
    const bench = createBench(t);
    const credential = known('a');
    await learn(bench, credential);
    bench.clock.advance(AGE_MS - 1);
    assert.equal(bench.cache.find('a'), credential);
    bench.clock.advance(1);
    assert.equal(bench.cache.recall('a'), undefined);
    assert.ok(bench.cache.find('a') instanceof Promise);
    bench.cache.answer('a', { state: 'unknown' });
  });

  test('asks in the last tenth of its age for one that is used, and nobody waits', async (t) => {
    const bench = createBench(t);
    const { cache, asked, clock } = bench;
    const credential = known('a');
    await learn(bench, credential);
    clock.advance(AGE_MS * 0.9 - 1);
    assert.equal(cache.recall('a'), credential);
    clock.advance(1);
    assert.equal(cache.recall('a'), undefined, 'there is something to be done');
    for (let i = 0; i < 3; i++) assert.equal(cache.find('a'), credential);
    assert.deepEqual(asked, ['a', 'a']);
    const renewed = known('a');
    cache.answer('a', { state: 'known', credential: renewed });
    assert.equal(cache.recall('a'), renewed);
    clock.advance(AGE_MS * 0.9 - 1);
    assert.equal(cache.recall('a'), renewed);
    assert.deepEqual(asked, ['a', 'a']);
  });

  test('asks once a second for one that it could not renew in time', async (t) => {
    const bench = createBench(t);
    const { cache, asked, clock } = bench;
    const credential = known('a');
    await learn(bench, credential);
    clock.advance(AGE_MS * 0.9);
    assert.equal(cache.find('a'), credential);
    cache.answer('a', { state: 'declined' });
    for (let i = 0; i < 3; i++) assert.equal(cache.find('a'), credential);
    assert.deepEqual(asked, ['a', 'a']);
    clock.advance(1000);
    assert.equal(cache.find('a'), credential);
    assert.deepEqual(asked, ['a', 'a', 'a']);
    cache.answer('a', { state: 'unknown' });
    assert.equal(cache.find('a'), undefined);
  });

  test('recalls what it knows, and asks nobody for it', async (t) => {
    const bench = createBench(t);
    assert.equal(bench.cache.recall('a'), undefined);
    assert.deepEqual(bench.asked, []);
    const credential = known('a');
    await learn(bench, credential);
    assert.equal(bench.cache.recall('a'), credential);
  });

  test('holds no more than its bound, and keeps what is used', async (t) => {
    const bench = createBench(t);
    const used = known('used');
    await learn(bench, used);
    for (let i = 0; i < 3 * ENTRIES; i++) {
      await learn(bench, known(`id ${i}`));
      assert.equal(bench.cache.recall('used'), used);
    }
    assert.equal(bench.cache.recall('id 0'), undefined);
  });

  test('is not emptied of known ones by guesses', async (t) => {
    const bench = createBench(t);
    const credential = known('a');
    await learn(bench, credential);
    for (let i = 0; i < 20 * ENTRIES; i++) {
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

describe('while the database is away', () => {
  /** A credential that has become old, and the first call after that, which found the database away. */
  async function growOld(t: TestContext): Promise<Bench & { readonly credential: Credential }> {
    const bench = createBench(t);
    const credential = known('a');
    await learn(bench, credential);
    bench.clock.advance(AGE_MS);
    const first = bench.cache.find('a');
    assert.ok(first instanceof Promise);
    bench.cache.answer('a', { state: 'unavailable' });
    assert.equal(await first, credential);
    return { ...bench, credential };
  }

  test('a known one goes on for the stated time, and no millisecond longer', async (t) => {
    const bench = await growOld(t);
    const findNow = async (): Promise<Credential | undefined> => {
      const found = bench.cache.find('a');
      bench.cache.answer('a', { state: 'unavailable' });
      return found;
    };
    bench.clock.advance(AWAY_MS - 1);
    assert.equal(await findNow(), bench.credential);
    bench.clock.advance(1);
    await assert.rejects(findNow, /could not be looked up/);
  });

  test('an unknown one is rejected, every time', async (t) => {
    const bench = await growOld(t);
    for (let i = 0; i < 3; i++) {
      const found = bench.cache.find('b');
      bench.cache.answer('b', { state: 'unavailable' });
      await assert.rejects(async () => found);
    }
  });

  test('nobody waits for an old one any more, and the database is asked once a second', async (t) => {
    const bench = await growOld(t);
    const before = bench.asked.length;
    for (let i = 0; i < 10; i++) assert.equal(bench.cache.find('a'), bench.credential);
    assert.equal(bench.asked.length, before + 1);
    bench.cache.answer('a', { state: 'unavailable' });
    for (let i = 0; i < 10; i++) assert.equal(bench.cache.find('a'), bench.credential);
    assert.equal(bench.asked.length, before + 1);
    bench.clock.advance(1000);
    assert.equal(bench.cache.find('a'), bench.credential);
    assert.equal(bench.asked.length, before + 2);
  });

  test('those that are not old yet ask with the others: once a second, all together', async (t) => {
    const bench = createBench(t);
    const ids = ['a', 'b', 'c'];
    for (const id of ids) await learn(bench, known(id));
    bench.clock.advance(AGE_MS * 0.9);
    void bench.cache.find('a');
    bench.cache.answer('a', { state: 'unavailable' });
    const before = bench.asked.length;
    for (const id of ids) assert.equal((await bench.cache.find(id))?.publicId, id);
    assert.equal(bench.asked.length, before + 1);
    bench.cache.answer('b', { state: 'unavailable' });
    bench.clock.advance(1000);
    for (const id of ids) assert.equal((await bench.cache.find(id))?.publicId, id);
    assert.equal(bench.asked.length, before + 2);
  });

  test('the first call after its age waits a second for the answer, not longer', async (t) => {
    const bench = createBench(t);
    const credential = known('a');
    await learn(bench, credential);
    bench.clock.advance(AGE_MS);
    const first = bench.cache.find('a');
    t.mock.timers.tick(RENEWAL_TIMEOUT_MS);
    assert.equal(await first, credential);
  });

  test('what is forgotten is not taken up again, not even by who waited already', async (t) => {
    const bench = createBench(t);
    await learn(bench, known('a'));
    bench.clock.advance(AGE_MS);
    const waiting = bench.cache.find('a');
    bench.cache.forget(['a']);
    t.mock.timers.tick(RENEWAL_TIMEOUT_MS);
    await assert.rejects(async () => waiting, /could not be looked up/);
    const next = bench.cache.find('a');
    bench.cache.answer('a', { state: 'unavailable' });
    await assert.rejects(async () => next);
  });

  test('its return is noticed, and the new state holds', async (t) => {
    const bench = await growOld(t);
    void bench.cache.find('a');
    const renewed = createKey({ publicId: 'a', status: 'revoked' }).credential;
    bench.cache.answer('a', { state: 'known', credential: renewed });
    assert.equal(bench.cache.recall('a'), renewed);
  });

  test('its return with the news that there is no such key any more holds too', async (t) => {
    const bench = await growOld(t);
    void bench.cache.find('a');
    bench.cache.answer('a', { state: 'unknown' });
    assert.equal(bench.cache.recall('a'), undefined);
    assert.equal(bench.cache.find('a'), undefined);
  });

  test('an old one goes on when too many others wait', async (t) => {
    const bench = createBench(t);
    const credential = known('a');
    await learn(bench, credential);
    bench.clock.advance(AGE_MS);
    const waiting = Array.from({ length: 1000 }, (_, i) => bench.cache.find(`id ${i}`));
    assert.equal(bench.cache.find('a'), credential);
    for (let i = 0; i < 1000; i++) bench.cache.answer(`id ${i}`, { state: 'unknown' });
    for (const one of waiting) await one;
  });

  test('a question that was declined keeps nobody from asking for others', async (t) => {
    const bench = createBench(t);
    await learn(bench, known('a'));
    bench.clock.advance(AGE_MS);
    const guess = bench.cache.find('guess');
    bench.cache.answer('guess', { state: 'declined' });
    await assert.rejects(async () => guess, /could not be looked up/);
    const renewal = bench.cache.find('a');
    assert.ok(renewal instanceof Promise, 'an old one is still asked for, and waited for');
    const revoked = createKey({ publicId: 'a', status: 'revoked' }).credential;
    bench.cache.answer('a', { state: 'known', credential: revoked });
    assert.equal(await renewal, revoked);
  });
});

describe('the memory of whole texts', () => {
  test('asks for each text on its own, and lets none speak for another with the same public id', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const asked: { id: number; digest: string; text: string }[] = [];
    const cache = createCredentialCache({
      ask: (digest, id, text) => void asked.push({ digest, id, text }),
      nowMs: () => 0,
      limits: { entries: ENTRIES, ageMs: AGE_MS, awayMs: AWAY_MS },
    });
    const lookup = toTextLookup(cache);
    const credential = known('a');
    const forged = lookup.find('a', { text: 'forged', digest: 'd1' });
    const right = lookup.find('a', { text: 'right', digest: 'd2' });
    assert.deepEqual(asked, [
      { digest: 'd1', id: 1, text: 'forged' },
      { digest: 'd2', id: 2, text: 'right' },
    ]);
    cache.answer('d1', 1, { state: 'unknown' });
    cache.answer('d2', 2, { state: 'known', credential });
    assert.deepEqual(await Promise.all([forged, right]), [undefined, credential]);
    assert.equal(lookup.recall('a', 'd2'), credential);
    assert.equal(lookup.recall('a', 'd1'), undefined);
    assert.equal(lookup.find('a', { text: 'forged', digest: 'd1' }), undefined);
    assert.equal(asked.length, 2);
  });
});
