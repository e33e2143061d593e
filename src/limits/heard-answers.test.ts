// What a thread has heard from Redis, and when the node's other threads know of it. On timers that the test moves.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Hearable, HeardAnswers } from './heard-answers.ts';

interface Caller extends Hearable {
  readonly number: number;
}

const toCallers = (count: number): Caller[] =>
  Array.from({ length: count }, (_, number) => ({ number, isHeard: false }));

describe('answers of Redis', () => {
  it('are noted within a quarter of a second, once for each caller however often it came', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    const noted: number[] = [];
    const heard = new HeardAnswers<Caller>(({ number }) => noted.push(number));
    const callers = toCallers(100);
    for (let round = 0; round < 3; round++) for (const caller of callers) heard.add(caller);
    t.mock.timers.tick(20);
    assert.ok(noted.length > 0 && noted.length < 20, 'a share of them, so that nobody waits for all');
    t.mock.timers.tick(230);
    assert.deepEqual(
      noted,
      Array.from({ length: 100 }, (_, caller) => caller),
    );
    t.mock.timers.tick(1000);
    for (const caller of callers.slice(7, 8)) heard.add(caller);
    t.mock.timers.tick(20);
    assert.equal(noted.length, 101);
  });

  it('are noted at once when asked to, and when they are too many', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let noted = 0;
    const heard = new HeardAnswers<Caller>(() => noted++);
    for (const caller of toCallers(2)) heard.add(caller);
    heard.noteAll();
    assert.equal(noted, 2);
    for (const caller of toCallers(10_001)) heard.add(caller);
    assert.equal(noted, 10_003);
  });
});
