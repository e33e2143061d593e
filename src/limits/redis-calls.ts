// Calls to Redis that come to an end in time, and the breaker: when one was too late, all that wait fail at once, and no further one is
// made until Redis has answered a ping in time. So a Redis that is frozen costs a request once what it may wait, and those after it
// nothing.

import { systemClock } from '../lib/clock.ts';
import { withinTime } from '../lib/within-time.ts';
import type { RedisConnection } from './redis-connection.ts';
import type { Command } from './resp.ts';

/** How often a Redis that was too slow is asked whether it is well again. */
const PROBE_MS = 100;
/** A connection on which a ping waits so long for its answer is given up. */
const SILENCE_MS = 3000;
/** How Redis says that it cannot do what it was asked: OOM, MISCONF, READONLY … */
const REFUSAL = /^[A-Z]{3,} /;
/** Said to have a call made anew, or elsewhere. */
const REDIRECTION = /^(?:NOSCRIPT|MOVED|ASK|TRYAGAIN|CROSSSLOT) /;

/** One call, and whoever waits for it. */
export interface Call {
  /** By when it has to come to an end, on the clock of `calls`. Set when it is made; one that is made again is given that of the first. */
  deadlineMs: number | undefined;
  succeed(reply: unknown): void;
  fail(cause: Error): void;
  /** It has failed already, and its answer came all the same. */
  answerLate(reply: unknown): void;
}

export interface RedisCallsOptions {
  /** How long a call may wait for its answer. */
  readonly timeoutMs: number;
  /** Told when calls can be made again, and when they cannot. */
  readonly onChange: (isUp: boolean, cause: Error | undefined) => void;
  /** Told the reason when Redis answers that it cannot do what it is asked, as for want of memory; undefined when it can again. */
  readonly onRefusal?: (cause: Error | undefined) => void;
  /** For tests; the timers are those of the platform. */
  readonly monotonicMs?: () => number;
}

/** What calls need of a connection. */
export type CallConnection = Pick<RedisConnection, 'isReady' | 'send' | 'learn' | 'replace' | 'close'>;

interface Pending {
  readonly call: Call;
  readonly deadlineMs: number;
  isOver: boolean;
}

export class RedisCalls {
  readonly #options: RedisCallsOptions;
  /** Attached once it is made, since it tells of itself from then on. */
  #connection: CallConnection | undefined;
  readonly #monotonicMs: () => number;
  /** The oldest first. Answers come in order, so that those in front are over first, and are let go then. */
  #pending: Pending[] = [];
  #timer: NodeJS.Timeout | undefined;
  #probing: NodeJS.Timeout | undefined;
  #probedAtMs: number | undefined;
  #isUp = false;
  /** Whether it was told that Redis refuses what it is asked. */
  #isRefusing = false;

  constructor(options: RedisCallsOptions) {
    this.#options = options;
    this.#monotonicMs = options.monotonicMs ?? (() => systemClock.monotonicMs());
  }

  attach(connection: CallConnection): void {
    this.#connection = connection;
    this.#keepProbing();
  }

  /** Whether calls are worth making. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Makes a call, which comes to one end in any case. */
  make(key: string, command: Command, call: Call): void {
    if (!this.#isUp) {
      call.fail(new Error('Redis is away'));
      return;
    }
    call.deadlineMs ??= this.#monotonicMs() + this.#options.timeoutMs;
    const pending: Pending = { call, deadlineMs: call.deadlineMs, isOver: false };
    this.#pending.push(pending);
    this.#watch(this.#options.timeoutMs);
    this.#send(key, command, pending);
  }

  /** Makes a call for which nobody waits: also to a Redis that is too slow, and as long as it takes. */
  makePatiently(key: string, command: Command, call: Call): void {
    this.#send(key, command, { call, deadlineMs: Infinity, isOver: false });
  }

  /** Rejects when Redis does not answer in time. */
  async ping(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) throw new Error('there is no connection to Redis');
    await withinTime(connection.send('', ['PING']), this.#options.timeoutMs);
    this.#goUp();
  }

  /** From the connection. */
  hear(connected: boolean, cause: Error | undefined): void {
    if (connected) this.#probe();
    else this.#goDown(cause ?? new Error('the connection to Redis broke'));
  }

  close(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#probing);
    this.#connection?.close();
  }

  #send(key: string, command: Command, pending: Pending): void {
    const { call } = pending;
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.send(key, command).then(
      (reply) => {
        if (pending.isOver) call.answerLate(reply);
        else {
          this.#end(pending);
          if (this.#isRefusing && pending.deadlineMs !== Infinity) this.#tellRefusal(undefined);
          call.succeed(reply);
        }
      },
      (reason: unknown) => {
        const cause = reason instanceof Error ? reason : new Error(String(reason));
        connection.learn(cause);
        if (pending.isOver) return;
        this.#end(pending);
        if (!this.#isRefusing && isRefusal(cause)) this.#tellRefusal(cause);
        call.fail(cause);
      },
    );
  }

  #end(pending: Pending): void {
    pending.isOver = true;
    if (this.#pending[0]?.isOver !== true) return;
    const waiting = this.#pending.findIndex(({ isOver }) => !isOver);
    if (waiting === -1) this.#pending = [];
    else this.#pending.splice(0, waiting);
  }

  #tellRefusal(cause: Error | undefined): void {
    this.#isRefusing = cause !== undefined;
    this.#options.onRefusal?.(cause);
  }

  #watch(afterMs: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // When this thread itself was held up, answers may lie there unread: they are read first.
      setImmediate(() => this.#check());
    }, afterMs);
    this.#timer.unref();
  }

  #check(): void {
    this.#pending = this.#pending.filter(({ isOver }) => !isOver);
    if (this.#pending.length === 0) return;
    let deadlineMs = Infinity;
    for (const pending of this.#pending) deadlineMs = Math.min(deadlineMs, pending.deadlineMs);
    const leftMs = deadlineMs - this.#monotonicMs();
    if (leftMs > 0) this.#watch(leftMs);
    else this.#goDown(new Error('Redis did not answer in time'));
  }

  #goDown(cause: Error): void {
    const waiting = this.#pending;
    this.#pending = [];
    for (const pending of waiting) {
      if (pending.isOver) continue;
      pending.isOver = true;
      pending.call.fail(cause);
    }
    this.#keepProbing();
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#isRefusing = false;
    this.#options.onChange(false, cause);
  }

  #keepProbing(): void {
    this.#probing ??= setInterval(() => this.#probe(), PROBE_MS).unref();
  }

  #probe(): void {
    const connection = this.#connection;
    if (connection === undefined || !connection.isReady) return;
    const nowMs = this.#monotonicMs();
    if (this.#probedAtMs !== undefined) {
      if (nowMs - this.#probedAtMs > SILENCE_MS) {
        this.#probedAtMs = undefined;
        connection.replace();
      }
      return;
    }
    this.#probedAtMs = nowMs;
    connection.send('', ['PING']).then(
      () => {
        this.#probedAtMs = undefined;
        if (this.#monotonicMs() - nowMs <= this.#options.timeoutMs) this.#goUp();
      },
      () => {
        this.#probedAtMs = undefined;
      },
    );
  }

  #goUp(): void {
    clearInterval(this.#probing);
    this.#probing = undefined;
    if (this.#isUp) return;
    this.#isUp = true;
    this.#options.onChange(true, undefined);
  }
}

function isRefusal({ message }: Error): boolean {
  return REFUSAL.test(message) && !REDIRECTION.test(message);
}
