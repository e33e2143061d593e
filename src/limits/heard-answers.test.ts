// What a thread has heard from Redis, and when the node's other threads know of it. On timers that the test moves.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HeardAnswers } from './heard-answers.ts';

describe('answers of Redis', () => {
  it('are noted within a quarter of a second, once for each caller however often it came', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const noted: number[] = [];
    const heard = new HeardAnswers<number>((caller) => noted.push(caller));
    for (let round = 0; round < 3; round++) for (let caller = 0; caller < 100; caller++) heard.add(caller);
    t.mock.timers.tick(20);
    assert.ok(noted.length > 0 && noted.length < 20, 'a share of them, so that nobody waits for all');
    t.mock.timers.tick(230);
    assert.deepEqual(
      noted,
      Array.from({ length: 100 }, (_, caller) => caller),
    );
    t.mock.timers.tick(1000);
    heard.add(7);
    t.mock.timers.tick(20);
    assert.equal(noted.length, 101);
  });

  it('are noted at once when asked to, and when they are too many', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let noted = 0;
    const heard = new HeardAnswers<number>(() => noted++);
    heard.add(1);
    heard.add(2);
    heard.noteAll();
    assert.equal(noted, 2);
    for (let caller = 0; caller <= 10_000; caller++) heard.add(caller);
    assert.equal(noted, 10_003);
  });
});
