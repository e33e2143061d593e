// Orders to the script, those of one turn of the event loop in one call: its cost, in Redis and here, is that of the call more than that
// of the orders in it. Each is decided by itself, all its checks or none, as if it had come alone and in this order.
//
// A cluster can take only orders of one group in a call, whose counters it keeps together. That this is one, it says itself (CROSSSLOT).

import type { Call, RedisCalls } from './redis-calls.ts';
import { type Order, parseReply, type Reply, ReplyReader, toProgram } from './redis-program.ts';
import { TAKE_SCRIPT, TAKE_SCRIPT_SHA1 } from './take-script.ts';

/** Orders in one call: Redis serves nobody else meanwhile, and its stack has to hold all numbers, of which one order has at most 450. */
const MAX_POSTINGS = 16;
/** A call is made again when the windows in it were not those of the server's clock, when the script is unknown, or for a cluster. */
const MAX_ATTEMPTS = 4;

export interface Answer {
  readonly isAdmitted: boolean;
  /** By the server's clock. */
  readonly atMs: number;
}

/** An order, and what becomes of it. */
export interface Posting extends Order {
  /** Nobody waits for it: it is sent to a Redis that is too slow, too. */
  readonly isPatient: boolean;
  /** With the meters of its set filled in, until another order is answered. */
  succeed(answer: Answer): void;
  fail(cause: Error): void;
  /** It has failed already, and its answer came all the same. */
  answerLate(answer: Answer): void;
}

export interface RedisBatchesOptions {
  readonly calls: Pick<RedisCalls, 'make' | 'makePatiently'>;
  /** The node's clock. The server's decides; this one only helps to guess what it says. */
  readonly nowMs: () => number;
  /** For tests: the node's clock decides. */
  readonly isTimeGiven: boolean;
}

/** How orders are to be sent. */
interface Terms {
  readonly givenMs: number | undefined;
  readonly attempt: number;
  /** Of the first attempt; undefined until that is made. */
  readonly deadlineMs: number | undefined;
}

/** What goes in one call. */
interface Batch extends Terms {
  readonly postings: Posting[];
  readonly isPatient: boolean;
}

const FIRST: Terms = { givenMs: undefined, attempt: 1, deadlineMs: undefined };

export class RedisBatches {
  readonly #options: RedisBatchesOptions;
  /** Of this turn, by what keeps them apart. */
  #open = new Map<string, Batch>();
  #isDue = false;
  /** How far the server's clock is ahead of ours. */
  #aheadMs = 0;
  /** Whether Redis knows the script, as far as we know. */
  #isKnown = true;
  #isByGroup = false;

  constructor(options: RedisBatchesOptions) {
    this.#options = options;
  }

  add(posting: Posting): void {
    const { isTimeGiven, nowMs } = this.#options;
    this.#put(posting, isTimeGiven ? { ...FIRST, givenMs: nowMs() } : FIRST);
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#sendAll();
    });
  }

  #put(posting: Posting, { givenMs, attempt, deadlineMs }: Terms): void {
    const { isPatient } = posting;
    const lane = this.#laneOf(posting, givenMs);
    const batch = this.#open.get(lane);
    if (batch === undefined || batch.attempt !== attempt) {
      if (batch !== undefined) this.#sendAll();
      this.#open.set(lane, { postings: [posting], isPatient, givenMs, attempt, deadlineMs });
    } else if (batch.postings.push(posting) >= MAX_POSTINGS) this.#sendAll();
  }

  #laneOf({ isPatient, set }: Posting, givenMs: number | undefined): string {
    const lane = isPatient ? 'patient' : '';
    if (!this.#isByGroup && givenMs === undefined) return lane;
    return `${lane} ${this.#isByGroup ? set.group : ''} ${givenMs ?? ''}`;
  }

  #sendAll(): void {
    const batches = this.#open;
    // Not cleared: a map that is cleared keeps what it held for as long as any iterator might need it, which the collector finds out late.
    this.#open = new Map();
    for (const batch of batches.values()) this.#send(batch);
  }

  #send(batch: Batch): void {
    const { calls, nowMs } = this.#options;
    const { postings, givenMs } = batch;
    const { keys, numbers, names } = toProgram(postings, givenMs ?? nowMs() + this.#aheadMs, givenMs);
    const script = this.#isKnown ? ['EVALSHA', TAKE_SCRIPT_SHA1] : ['EVAL', TAKE_SCRIPT];
    this.#isKnown = true;
    const command = [...script, String(keys.length), ...keys, numbers, ...names];
    const call: Call = {
      deadlineMs: batch.deadlineMs,
      succeed: (raw) => this.#answer(batch, raw, call),
      fail: (cause) => this.#fail(batch, cause, call),
      answerLate: (raw) => this.#answerLate(batch, raw),
    };
    if (batch.isPatient) calls.makePatiently(keys[0] ?? '', command, call);
    else calls.make(keys[0] ?? '', command, call);
  }

  #answer(batch: Batch, raw: unknown, call: Call): void {
    const reply = this.#parse(batch, raw);
    if (reply instanceof Error) failAll(batch.postings, reply);
    else if (reply.isOtherTime) this.#again(batch, new Error('the clock of Redis does not stand still'), call);
    else {
      const reader = new ReplyReader(reply);
      for (const posting of batch.postings) posting.succeed({ isAdmitted: reader.next(posting), atMs: reply.atMs });
    }
  }

  #answerLate(batch: Batch, raw: unknown): void {
    const reply = this.#parse(batch, raw);
    if (reply instanceof Error || reply.isOtherTime) return;
    const reader = new ReplyReader(reply);
    for (const posting of batch.postings) posting.answerLate({ isAdmitted: reader.next(posting), atMs: reply.atMs });
  }

  #fail(batch: Batch, cause: Error, call: Call): void {
    // Redis was started anew since, or another node of the cluster has never seen the script.
    this.#isKnown = !cause.message.startsWith('NOSCRIPT');
    const isSplit = cause.message.startsWith('CROSSSLOT') && batch.postings.length > 1;
    if (isSplit) this.#isByGroup = true;
    if (isSplit || !this.#isKnown) this.#again(batch, cause, call);
    else failAll(batch.postings, cause);
  }

  /** At once, and with no more time than they had left: they have waited already. */
  #again({ postings, givenMs, attempt }: Batch, cause: Error, { deadlineMs }: Call): void {
    if (attempt >= MAX_ATTEMPTS) {
      failAll(postings, cause);
      return;
    }
    for (const posting of postings) this.#put(posting, { givenMs, attempt: attempt + 1, deadlineMs });
    this.#sendAll();
  }

  #parse({ postings }: Batch, raw: unknown): Reply | Error {
    try {
      const reply = parseReply(raw, postings);
      this.#aheadMs = reply.atMs - this.#options.nowMs();
      return reply;
    } catch (cause) {
      return cause instanceof Error ? cause : new Error(String(cause));
    }
  }
}

function failAll(postings: readonly Posting[], cause: Error): void {
  for (const posting of postings) posting.fail(cause);
}
