// Calls of real threads, stopped between any two of their steps: every way in which two calls can get into each other's way with up to
// two changes of thread, what others do meanwhile, and death at every step. (Nearly all errors of concurrent code show with two
// changes of thread: Musuvathi and Qadeer, "Iterative context bounding", PLDI 2007.)

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createCounterMemory } from './counter-table.ts';
import { check } from './limiter.conformance.ts';
import type { Check } from './limiter.ts';
import { openSharedMemoryLimiter } from './shared-memory.ts';
import { SharedClock, SteppedThread } from './stepped-thread.fixture.ts';

const NOON = Date.UTC(2026, 2, 1, 12) / 1000;

const clock = new SharedClock();
// A key that is no secret, so that every run tells the same stories.
const memory = createCounterMemory(32, [1, 2]);
const words = new Int32Array(memory);
const limiter = openSharedMemoryLimiter({ memory, clock });
const empty = words.slice();

// Three counters that want the same slot: one of a minute, which can be past, and two of a day.
let past: Check;
let wanted: Check;
let rival: Check;
let first: SteppedThread;
let second: SteppedThread;
let other: SteppedThread;
let threads: SteppedThread[] = [];

before(async () => {
  [past, wanted, rival] = [neighbour('minute', 0), neighbour('day', 1), neighbour('day', 2)];
  first = await SteppedThread.start(memory, clock);
  second = await SteppedThread.start(memory, clock);
  other = await SteppedThread.start(memory, clock);
  threads = [first, second, await SteppedThread.start(memory, clock)];
});

after(async () => {
  for (const thread of [...threads, other]) await thread.stop();
});

describe('two calls for a counter that neither finds', () => {
  it('count on one counter', () => {
    const stories = atEveryTwoSteps({ limit: 1 }, () => {});
    assert.ok(stories > 200, `${stories} stories`);
  });

  it('count on one counter when its slot comes free between their searches', () => {
    atEveryTwoSteps({ limit: 1, full: past }, () => advance(3));
  });

  it('count on one counter when another takes the slot between their searches', () => {
    atEveryTwoSteps({ limit: 1 }, () => take(rival));
  });

  it('count on one counter when its slot comes free and another takes it', () => {
    atEveryTwoSteps({ limit: 1, full: past }, () => {
      advance(3);
      take(rival);
    });
  });

  it('count on one counter with one more change of thread', () => {
    const asked = { ...wanted, limit: 1 };
    atEveryStep((i) =>
      atEveryStep((j) =>
        atEveryStep((k) => {
          begin();
          take(past);
          first.begin([asked]);
          const early = first.run(i);
          advance(3);
          second.begin([asked]);
          const alsoEarly = second.run(j);
          const late = early ?? first.run(k);
          const outcomes = [alsoEarly ?? second.finish(), late ?? first.finish()];
          assert.deepEqual(outcomes.toSorted(), ['admitted', 'refused'], `stopped after ${i}, ${j} and ${k} steps`);
          assert.equal(used(asked), 1);
          return { ended: [late, alsoEarly, early] };
        }),
      ),
    );
  });

  /** Stops the first at every step and then the second at every step, then ends both. Exactly one is admitted. */
  function atEveryTwoSteps(scene: { limit: number; full?: Check }, meanwhile: () => void): number {
    const asked = { ...wanted, limit: scene.limit };
    let stories = 0;
    atEveryStep((i) =>
      atEveryStep((j) => {
        begin();
        if (scene.full !== undefined) take(scene.full);
        stories++;
        first.begin([asked]);
        const early = first.run(i);
        meanwhile();
        second.begin([asked]);
        const alsoEarly = second.run(j);
        const outcomes = [early ?? first.finish(), alsoEarly ?? second.finish()];
        assert.deepEqual(outcomes.toSorted(), ['admitted', 'refused'], `stopped after ${i} and ${j} steps`);
        assert.equal(used(asked), 1);
        return { ended: [alsoEarly, early] };
      }),
    );
    return stories;
  }
});

describe('two calls for the same two counters in different order', () => {
  it('are admitted once and refused once, and the refused one leaves no trace', () => {
    const [a, b] = [check('key:a', 'minute', 1), check('endpoint:b', 'hour', 1)];
    atEveryStep((i) =>
      atEveryStep((j) => {
        begin();
        first.begin([a, b]);
        const early = first.run(i);
        second.begin([b, a]);
        const alsoEarly = second.run(j);
        const outcomes = [early ?? first.finish(), alsoEarly ?? second.finish()];
        assert.deepEqual(outcomes.toSorted(), ['admitted', 'refused'], `stopped after ${i} and ${j} steps`);
        assert.deepEqual([used(a), used(b)], [1, 1]);
        return { ended: [alsoEarly, early] };
      }),
    );
  });
});

describe('three calls for a counter that none of them finds, and one for a neighbour', () => {
  it('count on one counter, whatever the order of their steps', () => {
    const asked = { ...wanted, limit: 1 };
    const random = createRandom(20_260_301);
    for (let story = 0; story < 1500; story++) {
      begin();
      take(past);
      for (const thread of threads) thread.begin([asked]);
      other.begin([rival]);
      const outcomes = runInTurn([...threads, other], random, () => {
        if (random(12) === 0) advance(3);
      });
      assert.deepEqual(outcomes.toSorted(), ['admitted', 'admitted', 'refused', 'refused'], `story ${story}`);
      assert.deepEqual([used(asked), used(rival)], [1, 1], `story ${story}`);
    }
  });

  /** Lets the threads go on by a few steps at a time, in an order of chance, until all are done. */
  function runInTurn(running: SteppedThread[], random: (below: number) => number, meanwhile: () => void): string[] {
    const outcomes: string[] = [];
    while (running.length > 0) {
      meanwhile();
      const index = random(running.length);
      const outcome = running[index]?.run(1 + random(8));
      if (outcome === undefined) continue;
      outcomes.push(outcome);
      running.splice(index, 1);
    }
    return outcomes;
  }
});

describe('a call that sleeps until its counter has become somebody else’s', () => {
  it('counts nothing on the new owner', () => {
    atEveryStep((i) => {
      begin();
      take(past);
      first.begin([past]);
      const early = first.run(i);
      advance(3);
      take(rival);
      assert.equal(early ?? first.finish(), 'admitted', `stopped after ${i} steps`);
      assert.equal(used(rival), 1);
      assert.ok(used(past) <= 1, 'in the new window at most the late call was counted');
      clock.set(NOON);
      assert.equal(used(past), 0, 'a past window never begins again, not even for a late call');
      return { ended: [early] };
    });
  });

  it('leaves the new owner alone when it was about to make the counter', () => {
    atEveryStep((i) => {
      begin();
      first.begin([past]);
      const early = first.run(i);
      advance(3);
      take(rival);
      assert.equal(early ?? first.finish(), 'admitted', `stopped after ${i} steps`);
      assert.equal(used(rival), 1);
      assert.equal(take({ ...rival, limit: 1 }), 'refused');
      return { ended: [early] };
    });
  });

  it('gives nothing back to the new owner', () => {
    const last = check('endpoint:last', 'day', 1);
    atEveryStep((i) => {
      begin();
      take(past);
      first.begin([past, last]);
      const early = first.run(i);
      const here = take(last);
      advance(3);
      take(rival);
      const there = early ?? first.finish();
      assert.deepEqual([here, there].toSorted(), ['admitted', 'refused'], `stopped after ${i} steps`);
      assert.deepEqual([used(rival), used(last)], [1, 1]);
      return { ended: [early] };
    });
  });
});

describe('a call whose thread dies', () => {
  it('keeps nobody from the counter that it wanted, nor lets anybody exceed it', () => {
    const asked = { ...wanted, limit: 2 };
    atEveryStep((i) => {
      begin();
      take(past);
      advance(3);
      first.begin([asked]);
      const early = first.run(i);
      if (early === undefined) first.kill();
      const outcomes = [take(asked), take(asked), take(asked)];
      assert.equal(outcomes[0], 'admitted', `killed after ${i} steps`);
      assert.equal(outcomes[2], 'refused');
      assert.equal(used(asked), 2);
      return { ended: [early] };
    });
  });
});

/** Whether each stopped call came to its end before it was stopped, that of the innermost loop first. */
interface Told {
  readonly ended: readonly (string | undefined)[];
}

/** Tells a story for each number of steps after which a call is stopped, until the call came to its end before it was stopped. */
function atEveryStep(story: (steps: number) => Told): Told {
  for (let steps = 0; steps < 500; steps++) {
    const [ended, ...outer] = story(steps).ended;
    if (ended !== undefined) return { ended: outer };
  }
  throw new Error('the call does not come to an end');
}

function begin(): void {
  words.set(empty);
  clock.set(NOON);
}

function advance(minutes: number): void {
  clock.set(clock.nowMs() / 1000 + minutes * 60);
}

function take(asked: Check): string {
  const verdict = limiter.take([asked], 1);
  assert.ok(!(verdict instanceof Promise));
  return verdict.outcome;
}

function used(of: Check): number {
  const standings = limiter.peek([of]);
  assert.ok(standings !== undefined && !(standings instanceof Promise));
  return of.limit - (standings[0]?.remaining ?? 0);
}

/** A counter whose search begins at the slot where that of the first name begins. */
function neighbour(window: Check['window'], from: number): Check {
  for (let i = from; i < 10_000; i += 3) {
    const candidate = check(`key:${i}`, window, 9);
    if (homeOf(candidate) === homeOf(check('key:0', 'minute', 9))) return candidate;
  }
  throw new Error('no neighbour');
}

function homeOf(of: Check): number {
  begin();
  take(of);
  return words.findIndex((word, index) => word !== empty[index]);
}

/** Mulberry32: the same numbers in every run. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
