// Exact limits for any number of nodes, counted in one Redis or Redis Cluster.
//
// A call is one script for all its checks (take-script.ts), and the calls of one turn of the event loop go out in one write. The keys of
// a call have its group between braces: the node of a cluster that has the group has all of its counters, for no script could change
// them in one step otherwise. A group is a tenant: it is served by one node, and many tenants by many.
//
// Redis away, silent, or unable to write: calls are unavailable, at once or within the timeout (redis-calls.ts). A call that was too late
// may have been counted all the same; when its answer comes, what it counted is taken back.

import type { Admitted, Check, CheckSet, Limiter, Standing, Unavailable, Verdict } from './limiter.ts';
import { type Call, RedisCalls } from './redis-calls.ts';
import {
  type Order,
  parseReply,
  type RedisCheckSet,
  RedisCheckSetMaker,
  type Reply,
  toRedisCheckSet,
} from './redis-checks.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisPlaces } from './redis-places.ts';
import { TAKE_SCRIPT, TAKE_SCRIPT_SHA1 } from './take-script.ts';
import { assertChecks, assertCost, toRefusal } from './verdict.ts';

/** With all that comes to it, no request takes 20 ms longer for a Redis that is away; one that is well answers in one. */
export const DEFAULT_TIMEOUT_MS = 12;
const DEFAULT_KEY_PREFIX = 'tollgate:';
/** The windows that come with a call may be others than those of the server's clock: once, until that is known. */
const MAX_ATTEMPTS = 3;

export interface RedisLimiterOptions {
  readonly url: string;
  /** How long a call may wait for Redis. */
  readonly timeoutMs?: number;
  /** For two installations that share a Redis. Default `tollgate:`. */
  readonly keyPrefix?: string;
  /** Told when calls can be made, and when they cannot any more. */
  readonly onChange?: (isUp: boolean, cause: Error | undefined) => void;
  /** Told the reason when Redis answers, but cannot count, as for want of memory; undefined when it counts again. */
  readonly onRefusal?: (cause: Error | undefined) => void;
  /** The node's clock, in milliseconds since the epoch. The server's decides; this one only helps to guess what it says. */
  readonly nowMs?: () => number;
  /** For tests: the node's clock decides. */
  readonly isTimeGiven?: boolean;
}

/** Returns when the first attempt to connect has succeeded or failed; `ping` tells which. Throws for a URL that is none. */
export async function openRedisLimiter(options: RedisLimiterOptions): Promise<RedisLimiter> {
  const calls = new RedisCalls({
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    onChange: options.onChange ?? (() => {}),
    ...(options.onRefusal && { onRefusal: options.onRefusal }),
  });
  const connection = await RedisConnection.open({
    url: options.url,
    onChange: (connected, cause) => calls.hear(connected, cause),
  });
  calls.attach(connection);
  await calls.ping().catch(() => {});
  return new RedisLimiter(calls, options);
}

export class RedisLimiter implements Limiter {
  readonly #calls: RedisCalls;
  readonly #maker: RedisCheckSetMaker;
  readonly #places: RedisPlaces;
  readonly #nowMs: () => number;
  /** What the script is told of the time: nothing, but in tests. */
  readonly #given: () => string;
  /** How far the server's clock is ahead of ours. */
  #aheadMs = 0;
  /** Whether Redis knows the script, as far as we know. */
  #isKnown = true;

  constructor(
    calls: RedisCalls,
    { keyPrefix = DEFAULT_KEY_PREFIX, nowMs = Date.now, isTimeGiven = false }: RedisLimiterOptions,
  ) {
    this.#calls = calls;
    this.#maker = new RedisCheckSetMaker(keyPrefix);
    this.#places = new RedisPlaces((key, names) => this.#renew(key, names));
    this.#nowMs = nowMs;
    this.#given = isTimeGiven ? () => String(nowMs()) : () => '';
  }

  get isUp(): boolean {
    return this.#calls.isUp;
  }

  prepare(group: string, checks: readonly Check[]): RedisCheckSet {
    assertChecks(checks);
    return this.#maker.make(group, checks);
  }

  /** At once when Redis is known to be away. */
  take(set: CheckSet, cost: number): Verdict | Promise<Verdict> {
    assertCost(cost);
    const own = toRedisCheckSet(set);
    if (!this.#calls.isUp) return toUnavailable(new Error('Redis is away'));
    const place = own.placeKeys.length > 0 ? this.#places.newName() : '';
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    this.#send(
      own,
      { operation: 'take', cost, extra: place },
      {
        succeed: (reply) => resolve(this.#decide(own, reply, cost, place)),
        fail: (cause) => resolve(toUnavailable(cause)),
        answerLate: (reply) => this.#undo(own, reply, cost, place),
      },
    );
    return promise;
  }

  peek(set: CheckSet): Promise<readonly Standing[] | undefined> {
    const own = toRedisCheckSet(set);
    const { promise, resolve } = Promise.withResolvers<readonly Standing[] | undefined>();
    this.#send(
      own,
      { operation: 'look', cost: 0, extra: '' },
      {
        ...NOBODY_WAITS,
        succeed: (reply) => {
          own.read(reply);
          resolve(own.toStandings(reply.atMs, 1));
        },
        fail: () => resolve(undefined),
      },
    );
    return promise;
  }

  refund(set: CheckSet, cost: number, { atMs }: Admitted): void {
    this.#send(toRedisCheckSet(set), { operation: 'refund', cost, extra: String(atMs) }, NOBODY_WAITS);
  }

  /** Adds what was counted elsewhere in the window that ends then, as far as it counts still. False when that could not be done. */
  merge(set: RedisCheckSet, count: number, endMinute: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#send(
      set,
      { operation: 'merge', cost: count, extra: String(endMinute) },
      {
        succeed: () => resolve(true),
        fail: () => resolve(false),
        answerLate: () => {},
      },
    );
    return promise;
  }

  /** Rejects when Redis does not answer in time. */
  ping(): Promise<void> {
    return this.#calls.ping();
  }

  /** Renews the leases of the places that are held; done three times a lease anyhow. */
  renewPlaces(): void {
    this.#places.renewAll();
  }

  /** Lets the connection go; calls from then on are unavailable. */
  close(): void {
    this.#places.close();
    this.#calls.close();
  }

  #decide(set: RedisCheckSet, reply: Reply, cost: number, place: string): Verdict {
    set.read(reply);
    const { atMs } = reply;
    const standings = set.toStandings(atMs, cost);
    if (!reply.isAdmitted) return toRefusal(standings, cost, atMs);
    return { outcome: 'admitted', atMs, standings, release: place === '' ? undefined : this.#hold(set, place) };
  }

  #hold({ placeKeys }: RedisCheckSet, place: string): () => void {
    this.#places.hold(placeKeys, place);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#places.letGo(placeKeys, place);
      this.#leave(placeKeys, place);
    };
  }

  /** Gives places back. When Redis is away their leases end. */
  #leave(keys: readonly string[], place: string): void {
    for (const key of keys) this.#calls.makePatiently(key, ['ZREM', key, place], NOBODY_WAITS);
  }

  /** Takes back what was counted for a call that was told that it was not. */
  #undo(set: RedisCheckSet, { isAdmitted, atMs }: Reply, cost: number, place: string): void {
    if (!isAdmitted) return;
    this.#send(set, { operation: 'refund', cost, extra: String(atMs) }, NOBODY_WAITS);
    this.#leave(set.placeKeys, place);
  }

  #renew(key: string, names: string): void {
    const parameters = ['1', key, 'renew', '0', this.#given(), names, 'c 0 0 0 0 0'];
    this.#calls.makePatiently(key, ['EVALSHA', TAKE_SCRIPT_SHA1, ...parameters], NOBODY_WAITS);
  }

  /** Gives the script an order, and again when it says that it has to be given in another way. */
  #send(set: RedisCheckSet, order: Order, end: End, attempt = 1): void {
    const parameters = set.toParameters(order, this.#nowMs() + this.#aheadMs, this.#given());
    const again = (): void => this.#send(set, order, end, attempt + 1);
    const command = this.#isKnown ? ['EVALSHA', TAKE_SCRIPT_SHA1, ...parameters] : ['EVAL', TAKE_SCRIPT, ...parameters];
    this.#isKnown = true;
    const call: Call = {
      succeed: (raw) => {
        const reply = this.#parse(raw, set);
        if (reply instanceof Error) end.fail(reply);
        else if (!reply.isOtherTime) end.succeed(reply);
        else if (attempt < MAX_ATTEMPTS) again();
        else end.fail(new Error('the clock of Redis does not stand still'));
      },
      fail: (cause) => {
        this.#isKnown = !isScriptUnknown(cause);
        if (!this.#isKnown && attempt < MAX_ATTEMPTS) again();
        else end.fail(cause);
      },
      answerLate: (raw) => {
        const reply = this.#parse(raw, set);
        if (!(reply instanceof Error) && !reply.isOtherTime) end.answerLate(reply);
      },
    };
    if (end === NOBODY_WAITS) this.#calls.makePatiently(set.keys[0] ?? '', command, call);
    else this.#calls.make(set.keys[0] ?? '', command, call);
  }

  #parse(raw: unknown, set: RedisCheckSet): Reply | Error {
    try {
      const reply = parseReply(raw, set.keys.length);
      this.#aheadMs = reply.atMs - this.#nowMs();
      return reply;
    } catch (cause) {
      return cause instanceof Error ? cause : new Error(String(cause));
    }
  }
}

/** What becomes of an order. */
interface End {
  succeed(reply: Reply): void;
  fail(cause: Error): void;
  answerLate(reply: Reply): void;
}

const NOBODY_WAITS: Call & End = { succeed: () => {}, fail: () => {}, answerLate: () => {} };

function toUnavailable(cause: Error): Unavailable {
  return { outcome: 'unavailable', reason: cause.message };
}

/** Redis was started anew since, or another node of the cluster has never seen the script. */
function isScriptUnknown(cause: Error): boolean {
  return cause.message.startsWith('NOSCRIPT');
}
