// Exact limits for any number of nodes, counted in one Redis or Redis Cluster.
//
// A call is one step of a script for all its checks (take-script.ts), and the calls of one turn of the event loop go out in one command, or
// in one write (redis-batches.ts). The keys of a call have its group between braces: the node of a cluster that has the group has all of its
// counters, for no script could change them in one step otherwise. A group is a tenant: it is served by one node, and many tenants by many.
//
// Redis away, silent, or unable to write: calls are unavailable, at once or within the timeout (redis-calls.ts). A call that was too late
// may have been counted all the same; when its answer comes, what it counted is taken back.

import type { Admitted, Check, CheckSet, Limiter, Standing, Unavailable, Verdict } from './limiter.ts';
import { type Answer, RedisBatches } from './redis-batches.ts';
import { RedisCalls } from './redis-calls.ts';
import { type RedisCheckSet, RedisCheckSetMaker, toRedisCheckSet, toPlaceSet } from './redis-checks.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisPlaces } from './redis-places.ts';
import { assertChecks, assertCost, toRefusal } from './verdict.ts';

/** With all that comes to it, no request takes 20 ms longer for a Redis that is away; one that is well answers in one. */
export const DEFAULT_TIMEOUT_MS = 12;
const DEFAULT_KEY_PREFIX = 'tollgate:';
const MINUTE_MS = 60_000;

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
  readonly #batches: RedisBatches;
  readonly #maker: RedisCheckSetMaker;
  readonly #places: RedisPlaces;

  constructor(
    calls: RedisCalls,
    { keyPrefix = DEFAULT_KEY_PREFIX, nowMs = Date.now, isTimeGiven = false }: RedisLimiterOptions,
  ) {
    this.#calls = calls;
    this.#batches = new RedisBatches({ calls, nowMs, isTimeGiven });
    this.#maker = new RedisCheckSetMaker(keyPrefix);
    this.#places = new RedisPlaces((key, names) =>
      this.#batches.add({ ...UNHEARD, operation: 'renew', set: toPlaceSet(key), names }),
    );
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
    const names = own.placeKeys.length > 0 ? this.#places.newName() : '';
    return new Promise((resolve) =>
      this.#batches.add({
        operation: 'take',
        set: own,
        cost,
        names,
        minute: 0,
        isPatient: false,
        succeed: (answer) => resolve(this.#decide(own, answer, cost, names)),
        fail: (cause) => resolve(toUnavailable(cause)),
        answerLate: (answer) => this.#undo(own, answer, cost, names),
      }),
    );
  }

  peek(set: CheckSet): Promise<readonly Standing[] | undefined> {
    const own = toRedisCheckSet(set);
    return new Promise((resolve) =>
      this.#batches.add({
        ...UNHEARD,
        operation: 'look',
        set: own,
        isPatient: false,
        succeed: ({ atMs }) => resolve(own.toStandings(atMs, 1)),
        fail: () => resolve(undefined),
      }),
    );
  }

  refund(set: CheckSet, cost: number, { atMs }: Admitted): void {
    this.#refund(toRedisCheckSet(set), cost, atMs);
  }

  /** Adds what was counted elsewhere in the window that ends then, as far as it counts still. False when that could not be done. */
  merge(set: RedisCheckSet, count: number, endMinute: number): Promise<boolean> {
    return new Promise((resolve) =>
      this.#batches.add({
        ...UNHEARD,
        operation: 'merge',
        set,
        cost: count,
        minute: endMinute,
        isPatient: false,
        succeed: () => resolve(true),
        fail: () => resolve(false),
      }),
    );
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

  #decide(set: RedisCheckSet, { isAdmitted, atMs }: Answer, cost: number, place: string): Verdict {
    const standings = set.toStandings(atMs, cost);
    if (!isAdmitted) return toRefusal(standings, cost, atMs);
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
    for (const key of keys) this.#batches.add({ ...UNHEARD, operation: 'leave', set: toPlaceSet(key), names: place });
  }

  /** Takes back what was counted for a call that was told that it was not. */
  #undo(set: RedisCheckSet, { isAdmitted, atMs }: Answer, cost: number, place: string): void {
    if (!isAdmitted) return;
    this.#refund(set, cost, atMs);
    this.#leave(set.placeKeys, place);
  }

  #refund(set: RedisCheckSet, cost: number, atMs: number): void {
    this.#batches.add({ ...UNHEARD, operation: 'refund', set, cost, minute: Math.floor(atMs / MINUTE_MS) });
  }
}

/** Of a posting that nobody waits for. */
const UNHEARD = {
  cost: 0,
  names: '',
  minute: 0,
  isPatient: true,
  succeed: () => {},
  fail: () => {},
  answerLate: () => {},
} as const;

function toUnavailable(cause: Error): Unavailable {
  return { outcome: 'unavailable', reason: cause.message };
}
