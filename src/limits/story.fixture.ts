// Stories of calls at the same time, told in every order of their steps: each end is compared with those that come when the calls are
// made one after the other.

import assert from 'node:assert/strict';
import { DESK_STATUS, DESK_TRIES, deskAt, ID, SLOT_WORDS } from './counter-memory.ts';
import { type Exploration, exploreEveryOrder, type Program } from './every-order.fixture.ts';
import { NOON_MS } from './limiter.conformance.ts';
import type { Admitted, Check, CheckSet } from './limiter.ts';
import { createSharedCounters } from './shared-counters.ts';
import { SharedMemoryLimiter, type SharedMemoryOptions } from './shared-memory.ts';
import { SharedWords, type Words } from './shared-words.ts';

const SEATS = 5;
const HOME_SEAT = 0;
const clock = { nowMs: () => NOON_MS, monotonicMs: () => 0 };
// Four slots: so counters meet in them, and have to give way to each other.
const memory = createSharedCounters({ entries: 2, seats: SEATS, secret: 'a secret' });
const bytes = new Int32Array(memory.buffer);
const empty = bytes.slice();

/** One call of a thread's limiter; the text tells what came out. What it leaves for the thread's next call stands in the memory. */
export type Call = (limiter: SharedMemoryLimiter, memory: { set?: CheckSet; admitted?: Admitted }) => string;

export function take(...checks: readonly Check[]): Call {
  return (limiter, own) => {
    own.set = limiter.prepare('', checks);
    const verdict = limiter.take(own.set, 1);
    if (verdict.outcome === 'unavailable') return verdict.reason;
    if (verdict.outcome === 'admitted') own.admitted = verdict;
    return `${verdict.outcome} ${verdict.standings.map(({ remaining }) => remaining).join('/')}`;
  };
}

/** Where counters stand, without counting. */
export function peek(...checks: readonly Check[]): Call {
  return (limiter) => {
    const standings = limiter.peek(limiter.prepare('', checks));
    return `seen ${standings?.map(({ remaining }) => remaining).join('/')}`;
  };
}

export const refund: Call = (limiter, { set, admitted }) => {
  if (set !== undefined && admitted !== undefined) limiter.refund(set, 1, admitted);
  return 'refunded';
};

export const release: Call = (_limiter, { admitted }) => {
  admitted?.release?.();
  return 'released';
};

export interface Story {
  /** What was done before, so that the counters are there. */
  readonly before: readonly Call[];
  /** What each thread does, one after the other. */
  readonly threads: readonly (readonly Call[])[];
  /** Which counters to compare in the end. */
  readonly watch: readonly Check[];
  readonly steps?: Exploration['steps'];
  readonly isLookStep?: Exploration['isLookStep'];
  readonly mayDie?: boolean;
  readonly maxAborts?: number;
}

/** Tells a story in every order of steps, and compares each end with those that come when its calls are made one after the other. */
export function tell({
  before,
  threads,
  watch,
  steps = 'all',
  isLookStep,
  mayDie = false,
  maxAborts = 0,
}: Story): void {
  bytes.set(empty);
  const home = open(HOME_SEAT);
  const own = {};
  for (const call of before) call(home, own);
  const start = bytes.slice();
  const scene: Scene = { start, threads, watch };
  const calls = threads.map((of) => of.length);
  const ends = new Set(mayDie ? endsOfDeath(scene) : orders(calls).map((order) => endOf(scene, order)));
  let isTold = false;
  const explored = exploreEveryOrder({
    programs: threads.map((of, i) => toProgram(of, i + 1)),
    memory: start,
    isPrivate,
    isAbort,
    steps,
    ...(isLookStep && { isLookStep }),
    mayDie,
    maxAborts,
    onEnd(end, results) {
      const dead = results.indexOf(undefined);
      if (dead < 0 && mayDie) return;
      isTold = true;
      bytes.set(end);
      // Whoever takes the seat of the dead cleans up there.
      if (dead >= 0) open(dead + 1);
      const story = describeEnd(results, watch);
      assert.ok(ends.has(story), `${story} is none of\n${[...ends].join('\n')}`);
    },
  });
  assert.ok(isTold && explored.moments > 50, JSON.stringify(explored));
}

interface Scene {
  readonly start: Int32Array;
  readonly threads: Story['threads'];
  readonly watch: readonly Check[];
}

/** What comes out when the calls are made one after the other; `order` says whose turn it is. */
function endOf({ start, threads, watch }: Scene, order: readonly number[], dead = -1): string {
  bytes.set(start);
  const running = threads.map((calls, i) => ({ calls: calls.values(), limiter: open(i + 1), own: {}, results: [''] }));
  for (const i of order) {
    const thread = running[i];
    const call = thread?.calls.next().value;
    thread?.results.push(call?.(thread.limiter, thread.own) ?? '');
  }
  if (dead >= 0) open(dead + 1);
  const results = running.map((thread, i) => (i === dead ? undefined : thread.results.slice(1).join(' ')));
  return describeEnd(results, watch);
}

/** The same for every thread that may die, after any number of its calls. */
function endsOfDeath(scene: Scene): string[] {
  return scene.threads.flatMap((of, dead) =>
    Array.from({ length: of.length + 1 }, (_, made) =>
      orders(scene.threads.map((calls, i) => (i === dead ? made : calls.length))).map((order) =>
        endOf(scene, order, dead),
      ),
    ).flat(),
  );
}

function describeEnd(results: readonly (string | undefined)[], watch: readonly Check[]): string {
  const home = open(HOME_SEAT);
  const left = watch.map((check) => home.peek(home.prepare('', [check]))?.[0]?.remaining);
  return `${results.map((result) => result ?? 'dead').join(', ')}; left: ${left.join(' ')}`;
}

function open(seat: number, words: Words = new SharedWords(memory)): SharedMemoryLimiter {
  const options: SharedMemoryOptions = { memory, seat, clock, words, patience: 0 };
  return new SharedMemoryLimiter(options);
}

function toProgram(calls: readonly Call[], seat: number): Program {
  return (words) => {
    const limiter = open(seat, words);
    const own = {};
    return calls.map((call) => call(limiter, own)).join(' ');
  };
}

/** Of the desks, others look at the status only, and at the entries when it says that they are done: then they stand still. */
function isPrivate(index: number): boolean {
  return index < deskAt(SEATS) && !isOnDesk(index, DESK_STATUS) && !isOnDesk(index, DESK_TRIES);
}

/** Where a search for a counter begins to look at a slot. */
export function isOwner(index: number): boolean {
  return index >= deskAt(SEATS) && (index - deskAt(SEATS)) % SLOT_WORDS === ID + 1;
}

const ABORTED = 1;

function isAbort(index: number, value: number): boolean {
  return isOnDesk(index, DESK_STATUS) && (value & 0b11) === ABORTED;
}

function isOnDesk(index: number, word: number): boolean {
  return index >= deskAt(0) && index < deskAt(SEATS) && (index - deskAt(0)) % (deskAt(1) - deskAt(0)) === word;
}

/** All orders in which threads with so many calls can take their turns. */
function orders(calls: readonly number[]): number[][] {
  if (calls.every((left) => left === 0)) return [[]];
  return calls.flatMap((left, i) =>
    left === 0 ? [] : orders(calls.with(i, left - 1)).map((rest) => [i].concat(rest)),
  );
}
