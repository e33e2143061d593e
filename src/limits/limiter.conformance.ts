// What every limiter must do, whatever it counts in. One suite for all implementations of the port.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WINDOW_SECONDS, type WindowName } from '../lib/window.ts';
import type { Check, Limiter, Standing } from './limiter.ts';

export interface OpenLimiter {
  readonly limiter: Limiter;
  close(): void;
}

interface Case {
  readonly limiter: Limiter;
  /** Not used by any other case or attempt. */
  readonly subject: string;
}

type Body = (scene: Case) => Promise<void>;

// A wall clock cannot be told to stand still. When a case fails while the minute turned, it is done again: two minutes do not turn in one
// case, so the second attempt decides.
const MAX_ATTEMPTS = 2;

const CASES: Readonly<Record<string, Body>> = {
  async 'admits exactly the limit in a window and refuses the rest'({ limiter, subject }) {
    const outcomes: string[] = [];
    for (let i = 0; i < 5; i++) outcomes.push((await limiter.take([check(subject, 'hour', 3)], 1)).outcome);
    assert.deepEqual(outcomes, ['admitted', 'admitted', 'admitted', 'refused', 'refused']);
  },

  async 'admits exactly the limit of calls that come at once'({ limiter, subject }) {
    const calls = Array.from({ length: 50 }, async () => limiter.take([check(subject, 'hour', 20)], 1));
    const verdicts = await Promise.all(calls);
    assert.equal(verdicts.filter(({ outcome }) => outcome === 'admitted').length, 20);
    assert.equal(verdicts.filter(({ outcome }) => outcome === 'refused').length, 30);
  },

  async 'tells after every call what remains'({ limiter, subject }) {
    const remaining: (number | undefined)[] = [];
    for (let i = 0; i < 4; i++) remaining.push((await standings(limiter, [check(subject, 'day', 3)]))[0]?.remaining);
    assert.deepEqual(remaining, [2, 1, 0, 0]);
  },

  async 'resets every window at its end by the UTC calendar'({ limiter, subject }) {
    const checks = [check(subject, 'minute', 9), check(subject, 'hour', 9), check(subject, 'day', 9)];
    const verdict = await limiter.take(checks, 1);
    assert.equal(verdict.outcome, 'admitted');
    for (const { check: asked, resetAtMs } of verdict.standings) {
      const lengthMs = WINDOW_SECONDS[asked.window] * 1000;
      assert.equal(resetAtMs % lengthMs, 0);
      assert.ok(resetAtMs > verdict.atMs && resetAtMs <= verdict.atMs + lengthMs);
    }
  },

  async 'gives the standings in the order of the checks'({ limiter, subject }) {
    const checks = [check(subject, 'day', 9), check(subject, 'minute', 9), check(`${subject}/other`, 'minute', 9)];
    const found = await standings(limiter, checks);
    assert.deepEqual(
      found.map((standing) => standing.check),
      checks,
    );
  },

  async 'counts a refused call nowhere, whichever check refuses it'({ limiter, subject }) {
    const full = check(`${subject}/full`, 'hour', 1);
    await limiter.take([full], 1);
    const before = check(`${subject}/before`, 'hour', 5);
    const after = check(`${subject}/after`, 'hour', 5);
    for (let i = 0; i < 3; i++) assert.equal((await limiter.take([before, full, after], 1)).outcome, 'refused');
    const peeked = (await limiter.peek([before, full, after])) ?? [];
    assert.deepEqual(
      peeked.map(({ remaining }) => remaining),
      [5, 0, 5],
    );
  },

  async 'names the refusing check that resets last'({ limiter, subject }) {
    const checks = [check(subject, 'minute', 1), check(subject, 'day', 1), check(subject, 'hour', 1)];
    await limiter.take(checks, 1);
    const verdict = await limiter.take([...checks, check(`${subject}/free`, 'day', 9)], 1);
    assert.equal(verdict.outcome, 'refused');
    assert.equal(verdict.refusedBy.check, checks[1]);
    assert.equal(verdict.refusedBy.remaining, 0);
  },

  async 'counts a cost whole or not at all'({ limiter, subject }) {
    const tight = check(subject, 'hour', 10);
    assert.equal((await limiter.take([tight], 7)).outcome, 'admitted');
    const refused = await limiter.take([tight], 4);
    assert.equal(refused.outcome, 'refused');
    assert.equal(refused.refusedBy.remaining, 3);
    assert.equal((await limiter.take([tight], 3)).outcome, 'admitted');
    assert.equal((await limiter.take([tight], 1)).outcome, 'refused');
  },

  async 'keeps a counter for every subject and every window'({ limiter, subject }) {
    const alone = [check(subject, 'hour', 1), check(subject, 'day', 1), check(`${subject}/other`, 'hour', 1)];
    for (const one of alone) assert.equal((await limiter.take([one], 1)).outcome, 'admitted');
    for (const one of alone) assert.equal((await limiter.take([one], 1)).outcome, 'refused');
  },

  async 'keeps what was counted when a limit is changed'({ limiter, subject }) {
    for (let i = 0; i < 4; i++) await limiter.take([check(subject, 'hour', 9)], 1);
    const lowered = await limiter.take([check(subject, 'hour', 2)], 1);
    assert.equal(lowered.outcome, 'refused');
    assert.equal(lowered.refusedBy.remaining, 0);
    assert.equal((await standings(limiter, [check(subject, 'hour', 9)]))[0]?.remaining, 4);
  },

  async 'counts up to the largest limit there is'({ limiter, subject }) {
    const largest = check(subject, 'day', 2 ** 31);
    assert.equal((await limiter.take([largest], 2 ** 31 - 1)).outcome, 'admitted');
    assert.equal((await limiter.take([largest], 1)).outcome, 'admitted');
    assert.equal((await limiter.take([largest], 1)).outcome, 'refused');
  },

  async 'peeks without counting, at counters that nobody used too'({ limiter, subject }) {
    const used = check(subject, 'hour', 5);
    await limiter.take([used], 2);
    for (let i = 0; i < 3; i++) {
      const peeked = (await limiter.peek([used, check(`${subject}/unused`, 'day', 7)])) ?? [];
      assert.deepEqual(
        peeked.map(({ remaining }) => remaining),
        [3, 7],
      );
    }
  },

  async 'throws for calls that make no sense'({ limiter, subject }) {
    const good = check(subject, 'hour', 5);
    for (const cost of [0, -1, 1.5, Number.NaN])
      await assert.rejects(async () => limiter.take([good], cost), RangeError);
    await assert.rejects(async () => limiter.take([], 1), RangeError);
  },
};

export function describeLimiter(name: string, open: () => Promise<OpenLimiter>): void {
  describe(name, () => {
    for (const [guarantee, body] of Object.entries(CASES)) {
      it(guarantee, async () => {
        const opened = await open();
        try {
          await attempt(opened.limiter, body);
        } finally {
          opened.close();
        }
      });
    }
  });
}

export function check(subject: string, window: WindowName, limit: number): Check {
  return { subject, window, limit };
}

let subjects = 0;

/** A subject that no test had before. */
export function newSubject(): string {
  return `key:test_${process.pid}_${Date.now()}_${subjects++}`;
}

async function attempt(limiter: Limiter, body: Body): Promise<void> {
  for (let left = MAX_ATTEMPTS; ; left--) {
    const minute = await minuteOf(limiter);
    try {
      await body({ limiter, subject: newSubject() });
      return;
    } catch (cause) {
      if (left === 1 || (await minuteOf(limiter)) === minute) throw cause;
    }
  }
}

async function minuteOf(limiter: Limiter): Promise<number | undefined> {
  return (await limiter.peek([check('clock', 'minute', 1)]))?.[0]?.resetAtMs;
}

async function standings(limiter: Limiter, checks: readonly Check[]): Promise<readonly Standing[]> {
  const verdict = await limiter.take(checks, 1);
  if (verdict.outcome === 'unavailable') throw new Error(verdict.reason);
  return verdict.standings;
}
