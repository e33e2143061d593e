// Runs several threads in every order of their steps there is, in one process, without a thread: a step is one access to shared memory.
//
// A thread's program is run anew for each of its steps: what its earlier accesses returned is played back from its history, one more
// access is made on the memory of the moment, and then it is stopped by a throw. So what a thread will do follows from its history, and
// a moment is known by the memory and the histories: each moment is gone on from once, whatever led to it. That makes every order of
// twenty and more steps of each thread a matter of seconds.

import type { Words } from './shared-words.ts';

/** What a thread does, with the words it may work with; the result tells what came out. */
export type Program = (words: Words) => string;

export interface Exploration {
  readonly programs: readonly Program[];
  /** How the programs find the memory. */
  readonly memory: Int32Array;
  /** Words that only their own thread looks at meanwhile: an access to them is no step. */
  readonly isPrivate?: (index: number) => boolean;
  /** What counts as a step: every access, or only those that change something and those that must see the latest. */
  readonly steps?: 'all' | 'swaps';
  /** With 'swaps': where a mere look is a step as well. */
  readonly isLookStep?: (index: number) => boolean;
  /** Whether one thread may die, at any step. */
  readonly mayDie?: boolean;
  /** Whether a swap that writes this aborts another thread's change. */
  readonly isAbort?: (index: number, value: number) => boolean;
  /** So often may threads abort each other; beyond that they wait, as long as somebody else can go on. Each abort begins all anew. */
  readonly maxAborts?: number;
  /** Called with the memory and the results when all threads are at their end; undefined for the one that died. */
  readonly onEnd: (memory: Int32Array, results: readonly (string | undefined)[]) => void;
}

export interface Explored {
  readonly moments: number;
  readonly ends: number;
}

const STOP = new Error('stopped between two steps');
const WAIT = new Error('waits for another thread');

interface Thread {
  readonly program: Program;
  /** What each access returned; for a store, 0. */
  history: number[];
  digest: number;
  result: string | undefined;
  state: 'running' | 'ended' | 'dead';
}

interface Change {
  readonly index: number;
  readonly old: number;
}

export function exploreEveryOrder(exploration: Exploration): Explored {
  return new Explorer(exploration).run();
}

class Explorer {
  readonly #exploration: Exploration;
  readonly #memory: Int32Array;
  readonly #threads: Thread[];
  readonly #seen = new Set<string>();
  #memoryDigest = 0;
  #aborts = 0;
  #maxAborts: number;
  #ends = 0;

  constructor(exploration: Exploration) {
    this.#exploration = exploration;
    this.#maxAborts = exploration.maxAborts ?? Infinity;
    this.#memory = exploration.memory.slice();
    this.#threads = exploration.programs.map((program) => ({
      program,
      history: [],
      digest: 0,
      result: undefined,
      state: 'running',
    }));
  }

  run(): Explored {
    this.#explore();
    return { moments: this.#seen.size, ends: this.#ends };
  }

  #explore(): void {
    const name = this.#nameMoment();
    if (this.#seen.has(name)) return;
    this.#seen.add(name);
    const running = this.#threads.filter(({ state }) => state === 'running');
    if (running.length === 0) {
      this.#ends++;
      this.#exploration.onEnd(
        this.#memory,
        this.#threads.map(({ result }) => result),
      );
      return;
    }
    let hasMoved = false;
    for (const thread of running) {
      if (this.#tryStep(thread)) hasMoved = true;
      if (
        this.#exploration.mayDie === true &&
        this.#threads.every(({ state }) => state !== 'dead') &&
        running.length > 1
      ) {
        thread.state = 'dead';
        this.#explore();
        thread.state = 'running';
      }
    }
    if (hasMoved) return;
    // Each waits for another, or for the dead.
    this.#maxAborts++;
    for (const thread of running) this.#tryStep(thread);
    this.#maxAborts--;
  }

  /** One step of a thread, all that may follow, and back. */
  #tryStep(thread: Thread): boolean {
    const { history, digest } = thread;
    const memoryDigest = this.#memoryDigest;
    const aborts = this.#aborts;
    const changes = this.#step(thread);
    const hasMoved = thread.history !== history;
    if (hasMoved) this.#explore();
    for (const { index, old } of changes.toReversed()) this.#memory[index] = old;
    this.#memoryDigest = memoryDigest;
    thread.history = history;
    thread.digest = digest;
    thread.state = 'running';
    thread.result = undefined;
    this.#aborts = aborts;
    return hasMoved;
  }

  #step(thread: Thread): Change[] {
    const changes: Change[] = [];
    const before = thread.history;
    const history = before.slice();
    let played = 0;
    let mayStep = true;
    const access = (index: number, isStep: boolean, act: () => number): number => {
      const known = before[played];
      if (known !== undefined) {
        played++;
        return known;
      }
      if (isStep && this.#exploration.isPrivate?.(index) !== true) {
        if (!mayStep) throw STOP;
        mayStep = false;
      }
      const result = act();
      history.push(result);
      thread.digest = mix(thread.digest, result);
      return result;
    };
    const write = (index: number, value: number): void => {
      const old = this.#memory[index] ?? 0;
      if (old === value) return;
      changes.push({ index, old });
      this.#memoryDigest ^= digestOf(index, old) ^ digestOf(index, value);
      this.#memory[index] = value;
    };
    const read = (index: number, isStep: boolean): number => access(index, isStep, () => this.#memory[index] ?? 0);
    const isEvery = this.#exploration.steps !== 'swaps';
    const words: Words = {
      load: (index) => read(index, isEvery || this.#exploration.isLookStep?.(index) === true),
      fresh: (index) => read(index, true),
      store: (index, value) => {
        access(index, isEvery, () => {
          write(index, value | 0);
          return 0;
        });
      },
      swap: (...[index, expectedLow, expectedHigh, low, high]) =>
        access(index, true, () => {
          if (this.#memory[index] !== (expectedLow | 0) || this.#memory[index + 1] !== (expectedHigh | 0)) return 0;
          if (this.#exploration.isAbort?.(index, low) === true && this.#aborts++ >= this.#maxAborts) throw WAIT;
          write(index, low | 0);
          write(index + 1, high | 0);
          return 1;
        }),
    };
    try {
      thread.result = thread.program(words);
      thread.state = 'ended';
    } catch (cause) {
      if (cause === WAIT) return [];
      if (cause !== STOP) throw cause;
    }
    thread.history = history;
    return changes;
  }

  /** Two digests of 32 bits each for the memory and for every thread: that two moments share them all is as good as impossible. */
  #nameMoment(): string {
    const threads = this.#threads.map(({ state, result, digest, history }) =>
      state === 'running' ? `${digest}.${history.length}` : (result ?? state),
    );
    return `${this.#memoryDigest} ${this.#aborts} ${threads.join(' ')}`;
  }
}

function mix(digest: number, value: number): number {
  return (Math.imul(digest ^ value, 0x9e37_79b1) ^ (digest >>> 13)) | 0;
}

function digestOf(index: number, value: number): number {
  return mix(mix(mix(0x51_7cc1, index), value), index);
}
