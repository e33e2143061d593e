import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDeps, createExchange, readProblem, valuesOf } from '../../test/harness/data-plane.ts';
import type { Exchange } from '../gateway/exchange.ts';
import { checkSchema } from '../gateway/snapshot.ts';
import { concurrency } from './concurrency.ts';
import { type Entry, Gate } from './gate.ts';

function createBench(inside: number, waiting: number) {
  const timers = new Set<() => void>();
  const gate = new Gate({ inside, waiting, patienceMs: 1 }, (callback) => {
    timers.add(callback);
    return { cancel: () => void timers.delete(callback) };
  });
  const told: string[] = [];
  const enter = (name: string): Exchange => {
    const { exchange } = createExchange();
    const tell = (entry: Entry): void => void told.push(`${name} ${entry}`);
    const entered = gate.enter(exchange);
    if (typeof entered === 'string') tell(entered);
    else void entered.then(tell);
    return exchange;
  };
  const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  return { enter, leave: (exchange: Exchange): void => gate.leave(exchange), told, settle, timers };
}

describe('a gate', () => {
  test('lets so many in, has so many wait, and no more', async () => {
    const { enter, told, settle } = createBench(2, 1);
    for (const name of ['a', 'b', 'c', 'd']) enter(name);
    await settle();
    assert.deepEqual(told, ['a in', 'b in', 'd full']);
  });

  test('lets those who wait in when others are over, in the order in which they came', async () => {
    const { enter, leave, told, settle, timers } = createBench(1, 2);
    const first = enter('a');
    const second = enter('b');
    enter('c');
    leave(first);
    await settle();
    assert.deepEqual(told, ['a in', 'b in']);
    leave(second);
    await settle();
    assert.deepEqual(told, ['a in', 'b in', 'c in']);
    assert.equal(timers.size, 0);
  });

  test('is free again when all are over', async () => {
    const { enter, leave, told, settle } = createBench(1, 1);
    for (const name of ['a', 'b', 'c']) leave(enter(name));
    await settle();
    assert.deepEqual(told, ['a in', 'b in', 'c in']);
  });

  test('forgets who went away while they waited: their place in the line is another’s, and nobody is let in for them', async () => {
    const { enter, leave, told, settle, timers } = createBench(1, 1);
    const first = enter('a');
    leave(enter('gone'));
    enter('b');
    leave(first);
    await settle();
    assert.deepEqual(told, ['a in', 'b in']);
    assert.equal(timers.size, 0);
  });

  test('turns away who has waited too long, and does not let them in afterwards', async () => {
    const { enter, leave, told, settle, timers } = createBench(1, 1);
    const first = enter('a');
    const late = enter('late');
    for (const run of timers) run();
    leave(late);
    leave(first);
    enter('b');
    await settle();
    assert.deepEqual(told.toSorted(), ['a in', 'b in', 'late full']);
  });
});

describe('the limit of a gateway', () => {
  test('is shared by the threads, each of which has one at least', () => {
    for (const [requests, threads, inside] of [
      [4, 2, 2],
      [3, 2, 2],
      [1, 8, 1],
    ] as const) {
      const compiled = concurrency.compile({ requests }, createDeps([], { threads }));
      const replies = Array.from({ length: inside * 2 + 1 }, () => compiled.onRequest?.(createExchange().exchange));
      assert.deepEqual(
        replies.slice(0, inside),
        Array.from({ length: inside }, () => undefined),
      );
      assert.ok(replies.slice(inside, inside * 2).every((reply) => reply instanceof Promise));
      const last = replies.at(-1);
      assert.ok(last !== undefined && !(last instanceof Promise));
      assert.deepEqual(
        [last.status, readProblem(last)['code'], valuesOf(last.headers, 'retry-after')],
        [503, 'gateway_busy', ['1']],
      );
    }
  });

  for (const config of [{}, { requests: 0 }, { requests: 1.5 }, { requests: 1, more: 1 }]) {
    test(`may not be ${JSON.stringify(config)}`, () => {
      assert.notDeepEqual(checkSchema(concurrency.config, config, ''), []);
    });
  }
});
