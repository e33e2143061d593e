import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NameAnswer } from './ask-name.ts';
import { createNames } from './names.ts';

const API = { kind: 'host', name: 'api.test' } as const;
const SERVICE = { kind: 'srv', name: '_api._tcp.test' } as const;

const placesOf = (...addresses: string[]) =>
  addresses.map((address) => ({ address, port: undefined, weight: 1, priority: 0 }));

/** Names whose answers the test gives, and a clock that it moves. */
function createBench() {
  let nowMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  const questions: {
    readonly name: string;
    readonly answer: (answer: NameAnswer | 'system' | Error) => Promise<void>;
  }[] = [];
  const names = createNames({
    ask(name) {
      const { promise, resolve, reject } = Promise.withResolvers<NameAnswer | 'system'>();
      questions.push({
        name: name.name,
        answer(answer) {
          if (answer instanceof Error) reject(answer);
          else resolve(answer);
          return new Promise((done) => void setImmediate(done));
        },
      });
      return promise;
    },
    later(callback, ms) {
      const timer = { atMs: nowMs + ms, callback };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
  });
  return {
    names,
    questions,
    timers,
    pass(ms: number) {
      nowMs += ms;
      for (const timer of timers) {
        if (timer.atMs > nowMs) continue;
        timers.delete(timer);
        timer.callback();
      }
    },
    answer: (ttlMs: number, ...addresses: string[]) =>
      questions.at(-1)?.answer({ ttlMs, places: placesOf(...addresses) }),
    fail: () => questions.at(-1)?.answer(new Error('SERVFAIL')),
    addresses: () => names.known(API)?.map(({ address }) => address),
  };
}

describe('a name', () => {
  test('is asked for once, and again when its time is over; what was known holds meanwhile', async () => {
    const bench = createBench();
    let changes = 0;
    assert.equal(bench.addresses(), undefined);
    bench.names.watch(API, () => changes++);
    bench.names.watch(API, () => changes++);
    await bench.answer(5000, '10.0.0.2', '10.0.0.1');
    assert.deepEqual([bench.addresses(), changes], [['10.0.0.1', '10.0.0.2'], 2]);
    bench.pass(4999);
    assert.equal(bench.questions.length, 1);
    bench.pass(1);
    assert.equal(bench.questions.length, 2);
    assert.deepEqual(bench.addresses(), ['10.0.0.1', '10.0.0.2']);
    await bench.answer(5000, '10.0.0.3');
    assert.deepEqual([bench.addresses(), changes], [['10.0.0.3'], 4]);
  });

  test('tells nothing when nothing has changed, in whatever order it is told', async () => {
    const bench = createBench();
    let changes = 0;
    bench.names.watch(API, () => changes++);
    await bench.answer(1000, '10.0.0.1', '10.0.0.2');
    bench.pass(1000);
    await bench.answer(1000, '10.0.0.2', '10.0.0.1');
    assert.equal(changes, 1);
  });

  for (const [told, held] of [
    [0, 1000],
    [999, 1000],
    [2_000_000, 300_000],
  ] as const) {
    test(`with a time to live of ${told} ms is held for ${held}`, async () => {
      const bench = createBench();
      bench.names.watch(API, () => {});
      await bench.answer(told, '10.0.0.1');
      bench.pass(held - 1);
      assert.equal(bench.questions.length, 1);
      bench.pass(1);
      assert.equal(bench.questions.length, 2);
    });
  }

  test('keeps its last good answer when nobody answers, and asks again less and less often', async () => {
    const bench = createBench();
    bench.names.watch(API, () => {});
    await bench.answer(1000, '10.0.0.1');
    bench.pass(1000);
    for (const pause of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      await bench.fail();
      assert.deepEqual(bench.addresses(), ['10.0.0.1']);
      const { length } = bench.questions;
      bench.pass(pause - 1);
      assert.equal(bench.questions.length, length);
      bench.pass(1);
      assert.equal(bench.questions.length, length + 1);
    }
    await bench.answer(1000, '10.0.0.2');
    assert.deepEqual(bench.addresses(), ['10.0.0.2']);
    bench.pass(1000);
    await bench.fail();
    bench.pass(1000);
    assert.equal(bench.questions.length, 11, 'the pauses begin anew');
  });

  test('goes back to the system when that is where it belongs', async () => {
    const bench = createBench();
    let changes = 0;
    bench.names.watch(API, () => changes++);
    await bench.answer(1000, '10.0.0.1');
    bench.pass(1000);
    await bench.questions.at(-1)?.answer('system');
    assert.deepEqual([bench.addresses(), changes], [undefined, 2]);
    bench.pass(30_000);
    assert.equal(bench.questions.length, 3);
  });

  test('is forgotten when nobody watches it any more, and when nobody ever did', async () => {
    const bench = createBench();
    const watch = bench.names.watch(API, () => assert.fail('nobody is there'));
    watch.cancel();
    await bench.answer(1000, '10.0.0.1');
    assert.equal(bench.timers.size, 0);
    assert.equal(bench.addresses(), undefined, 'asked for anew');
    await bench.answer(1000, '10.0.0.1');
    bench.pass(1000);
    assert.deepEqual([bench.timers.size, bench.questions.length], [0, 2]);
  });
});

test('services that are new are waited for, for so long; hosts and what is known are not', async () => {
  const bench = createBench();
  bench.names.known(API);
  await bench.names.settled(500);
  bench.names.watch(SERVICE, () => {});
  let isSettled = false;
  const settled = bench.names.settled(500).then(() => (isSettled = true));
  await bench.fail();
  await settled;
  assert.ok(isSettled);
  await bench.names.settled(500);
  const other = bench.names.known({ ...SERVICE, name: '_b._tcp.test' });
  const patient = bench.names.settled(500);
  bench.pass(500);
  await patient;
  assert.equal(other, undefined);
});
