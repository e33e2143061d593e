import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFakeClock, type FakeClock } from '../../test/harness/data-plane.ts';
import type { VerifiedKey } from '../control/keys/verify-schema.ts';
import { hashKeyText, newKeyText } from '../lib/key-text.ts';
import type { Answer } from './ask.ts';
import { createRemoteKeys, type RemoteKeys } from './source.ts';

const SECRET = 'a pepper of one process alone';
const KEY: VerifiedKey = { id: 'key_1', name: 'a', kind: 'key', status: 'active', scopes: [], limits: [] };
const UNKNOWN: Answer = { state: 'unknown' };
const AWAY: Answer = { state: 'failed', failure: { kind: 'away', reason: 'it answers 503' } };

interface Bench {
  readonly keys: RemoteKeys;
  readonly clock: FakeClock;
  readonly asked: string[];
  readonly logged: string[];
  /** What is answered from now on; a promise is waited for. */
  answer: Answer | Promise<Answer>;
}

function createBench(answer: Bench['answer'] = UNKNOWN): Bench {
  const clock = createFakeClock();
  const asked: string[] = [];
  const logged: string[] = [];
  const note = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const keys = createRemoteKeys({
    async ask(text) {
      asked.push(text);
      return bench.answer;
    },
    ownKey: () => 'own',
    secret: SECRET,
    tenantId: 'ten_here',
    knownMs: 60_000,
    nowMs: () => clock.monotonicMs(),
    random: () => 1,
    log: { info: note, warn: note, error: note },
  });
  const bench: Bench = { keys, clock, asked, logged, answer };
  return bench;
}

const newText = (): string => newKeyText('tg_live').text;

describe('keys that another Tollgate keeps', () => {
  test('are proved here under a pepper of this process, as keys of the tenant here', async () => {
    const { keys } = createBench({ state: 'known', key: KEY });
    const text = newText();
    const found = await keys.find(text);
    assert.ok(typeof found === 'object');
    assert.deepEqual(found.hash, hashKeyText(text, SECRET));
    assert.deepEqual([found.principal.tenantId, found.principal.keyId], ['ten_here', 'key_1']);
    assert.ok(!JSON.stringify(found).includes(text));
  });

  test('are not asked for where a text can be no key', async () => {
    const { keys, asked } = createBench();
    for (const text of ['', 'short', `${newText()}x y`, newText().replace(/.$/, '!')])
      assert.equal(await keys.find(text), undefined);
    assert.deepEqual(asked, []);
  });

  test('are asked for as often as guesses may, which takes nothing from keys that are known', async () => {
    const bench = createBench({ state: 'known', key: KEY });
    const known = newText();
    await bench.keys.find(known);
    bench.answer = UNKNOWN;
    let declined = 0;
    for (let i = 0; i < 1000; i++) if ((await bench.keys.find(newText())) === 'declined') declined++;
    assert.ok(declined >= 500, `${declined} were declined`);
    bench.answer = { state: 'known', key: KEY };
    assert.equal(typeof (await bench.keys.find(known)), 'object');
    assert.equal(await bench.keys.find(newText()), 'declined');
    bench.clock.advance(10);
    assert.equal(typeof (await bench.keys.find(newText())), 'object');
  });

  test('are asked for a few at a time, and guesses leave half of them', async () => {
    const bench = createBench({ state: 'known', key: KEY });
    const known = Array.from({ length: 64 }, newText);
    for (const text of known) await bench.keys.find(text);
    const hanging = Promise.withResolvers<Answer>();
    bench.answer = hanging.promise;
    const guessed = Array.from({ length: 40 }, () => bench.keys.find(newText()));
    const renewed = known.map((text) => bench.keys.find(text));
    hanging.resolve({ state: 'known', key: KEY });
    const count = async (found: Promise<unknown>[]): Promise<number> =>
      (await Promise.all(found)).filter((one) => one === 'declined').length;
    assert.equal(await count(guessed), 8);
    assert.equal(await count(renewed), 32);
  });

  test('hold guesses to a part of what the asker itself may ask, and say so where that is little', async () => {
    const limits: VerifiedKey['limits'] = [{ of: 'key', algorithm: 'sliding', window: 'minute', limit: 100 }];
    const bench = createBench({ state: 'known', key: { ...KEY, limits } });
    assert.equal(await bench.keys.check(), undefined);
    assert.match(bench.logged[0] ?? '', /give it a rateLimit of its own/);
    let asked = 0;
    for (let second = 0; second < 60; second++) {
      bench.clock.advance(1000);
      for (let i = 0; i < 50; i++) if ((await bench.keys.find(newText())) !== 'declined') asked++;
    }
    assert.ok(asked >= 40 && asked <= 50, `${asked} of 100 a minute were used for guesses`);
  });

  test('are not asked for again before a pause, which grows, is over', async () => {
    const bench = createBench(AWAY);
    for (const pauseMs of [250, 500, 1000, 2000, 4000, 5000, 5000]) {
      await assert.rejects(bench.keys.find(newText()), /it answers 503/);
      const before = bench.asked.length;
      bench.clock.advance(pauseMs - 1);
      await assert.rejects(bench.keys.find(newText()), /cannot be asked now/);
      assert.equal(bench.asked.length, before);
      bench.clock.advance(1);
    }
    bench.answer = UNKNOWN;
    assert.equal(await bench.keys.find(newText()), undefined);
    bench.answer = AWAY;
    await assert.rejects(bench.keys.find(newText()), /it answers 503/);
    bench.clock.advance(250);
    await assert.rejects(bench.keys.find(newText()), /it answers 503/);
  });

  test('wait as long as they are told to', async () => {
    const failure = { kind: 'busy', reason: 'too often', retryAfterMs: 30_000 } as const;
    const bench = createBench({ state: 'failed', failure });
    await assert.rejects(bench.keys.find(newText()));
    bench.answer = UNKNOWN;
    bench.clock.advance(29_999);
    await assert.rejects(bench.keys.find(newText()), /cannot be asked now/);
    bench.clock.advance(1);
    assert.equal(await bench.keys.find(newText()), undefined);
  });

  test('are told of once when they are away and once when they are back, and no key with it', async () => {
    const bench = createBench(AWAY);
    const texts = Array.from({ length: 5 }, newText);
    for (const text of texts) {
      await assert.rejects(bench.keys.find(text));
      bench.clock.advance(10_000);
    }
    bench.answer = UNKNOWN;
    await bench.keys.find(newText());
    await bench.keys.find(newText());
    assert.equal(bench.logged.length, 2);
    for (const text of texts) assert.ok(!bench.logged.join().includes(text.slice(-49)));
  });

  test('learn what the asker may ask as soon as somebody answers', async () => {
    const bench = createBench(AWAY);
    assert.equal((await bench.keys.check())?.kind, 'away');
    bench.clock.advance(10_000);
    bench.answer = UNKNOWN;
    await bench.keys.find(newText());
    assert.equal(bench.asked.at(-1), 'own');
    await bench.keys.find(newText());
    assert.equal(bench.asked.filter((text) => text === 'own').length, 2);
  });
});
