// A real thread whose every atomic operation on the counters waits until the test lets it go on: so a test can stop a call between any two
// steps, let others do what they like meanwhile, and let it go on, or let it die there.

import { Worker, isMainThread, workerData } from 'node:worker_threads';
import type { Check, Verdict } from './limiter.ts';
import { openSharedMemoryLimiter } from './shared-memory.ts';

// The words of the control block.
const STATUS = 0;
const BUDGET = 1;
const OUTCOME = 2;
const CHECKS_BYTES = 3;
const WORDS = 4;
const MAX_CHECKS_BYTES = 4096;

const BOOTING = 0;
const IDLE = 1;
const RUNNING = 2;
const PAUSED = 3;
const KILLED = 4;

const OUTCOMES: readonly Verdict['outcome'][] = ['admitted', 'refused', 'unavailable'];
const MAX_WAIT_MS = 10_000;
/** More than any call has. */
const MAX_STEPS = 1_000_000;

interface Boot {
  readonly memory: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  /** One 32-bit word: the time, in seconds since the epoch. */
  readonly time: SharedArrayBuffer;
}

/** A clock that all threads share and the test sets. */
export class SharedClock {
  readonly memory: SharedArrayBuffer;
  readonly #word: Int32Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.memory = memory;
    this.#word = new Int32Array(memory);
  }

  set(seconds: number): void {
    this.#word[0] = seconds;
  }

  nowMs(): number {
    return (this.#word[0] ?? 0) * 1000;
  }

  monotonicMs(): number {
    return this.nowMs();
  }
}

export class SteppedThread {
  readonly #worker: Worker;
  readonly #control: SharedArrayBuffer;
  readonly #words: Int32Array;

  private constructor(memory: SharedArrayBuffer, clock: SharedClock) {
    this.#control = new SharedArrayBuffer(WORDS * 4 + MAX_CHECKS_BYTES);
    this.#words = new Int32Array(this.#control, 0, WORDS);
    const boot: Boot = { memory, control: this.#control, time: clock.memory };
    this.#worker = new Worker(new URL(import.meta.url), { workerData: boot });
  }

  static async start(memory: SharedArrayBuffer, clock: SharedClock): Promise<SteppedThread> {
    const thread = new SteppedThread(memory, clock);
    await new Promise((resolve, reject) => thread.#worker.once('online', resolve).once('error', reject));
    thread.#await(BOOTING);
    return thread;
  }

  /** Begins a `take` of one, and stops before its first step. */
  begin(checks: readonly Check[]): void {
    const bytes = new TextEncoder().encode(JSON.stringify(checks));
    new Uint8Array(this.#control, WORDS * 4).set(bytes);
    this.#words[CHECKS_BYTES] = bytes.length;
    this.#words[BUDGET] = 0;
    this.#go(RUNNING);
  }

  /** Lets it do so many steps more. Returns the outcome when it came to the end, else undefined. */
  run(steps: number): Verdict['outcome'] | undefined {
    this.#words[BUDGET] = steps;
    return this.#go(RUNNING) === IDLE ? OUTCOMES[this.#words[OUTCOME] ?? -1] : undefined;
  }

  finish(): Verdict['outcome'] | undefined {
    return this.run(MAX_STEPS);
  }

  /** Ends the call where it stands: what it did stays done, and nothing more is done. */
  kill(): void {
    this.#go(KILLED);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #go(order: number): number {
    Atomics.store(this.#words, STATUS, order);
    Atomics.notify(this.#words, STATUS);
    return this.#await(order);
  }

  #await(order: number): number {
    if (Atomics.wait(this.#words, STATUS, order, MAX_WAIT_MS) === 'timed-out')
      throw new Error('the thread does not answer');
    return Atomics.load(this.#words, STATUS);
  }
}

const { load, compareExchange, store, notify, wait } = Atomics;
const killed = new Error('killed by the test');

function serve({ memory, control, time }: Boot): void {
  const words = new Int32Array(control, 0, WORDS);
  Object.assign(Atomics, {
    load(array: Int32Array, index: number): number {
      step();
      return load(array, index);
    },
    compareExchange(array: Int32Array, index: number, expected: number, value: number): number {
      step();
      return compareExchange(array, index, expected, value);
    },
  });
  const limiter = openSharedMemoryLimiter({ memory, clock: new SharedClock(time) });
  for (;;) {
    rest(IDLE);
    const bytes = new Uint8Array(control, WORDS * 4).slice(0, words[CHECKS_BYTES]);
    const checks = JSON.parse(new TextDecoder().decode(bytes)) as Check[];
    try {
      const verdict = limiter.take(checks, 1);
      words[OUTCOME] = verdict instanceof Promise ? -1 : OUTCOMES.indexOf(verdict.outcome);
    } catch (cause) {
      if (cause !== killed) throw cause;
    }
  }

  function step(): void {
    while (words[BUDGET] === 0) if (rest(PAUSED) === KILLED) throw killed;
    words[BUDGET] = (words[BUDGET] ?? 0) - 1;
  }

  function rest(status: number): number {
    store(words, STATUS, status);
    notify(words, STATUS);
    wait(words, STATUS, status);
    return load(words, STATUS);
  }
}

if (!isMainThread) serve(workerData as Boot);
