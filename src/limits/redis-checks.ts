// A call's checks as Redis counts them: their keys, and what the script is told of them.

import { algorithmOf, limitName } from '../lib/limit.ts';
import { Lru } from '../lib/lru.ts';
import type { WindowClock } from '../lib/window.ts';
import type { Check, CheckSet, Standing } from './limiter.ts';
import { type Meter, MeterMaker } from './meter.ts';
import { KINDS, PLACES } from './take-script.ts';
import { counterName } from './verdict.ts';

/** Shapes that are remembered, to be sent once for all calls that have one. Far more than there are tiers. */
const MAX_SHAPES = 1000;
/** Stands in every key of a subject: the form of its value. Nodes of a version with another one count apart from ours. */
const FORM = 'v2';

/** What the calls of many callers have in common: which limits they fall under, whoever they are. */
export interface Shape {
  readonly keys: number;
  readonly checks: readonly ShapedCheck[];
}

export interface ShapedCheck {
  readonly kind: number;
  /** The number of its key among those of the call, from 1. */
  readonly key: number;
  /** Where its counter stands in the value of the key. */
  readonly place: number;
  /** Of the windows that it counts in; places have none. */
  readonly clock: WindowClock | undefined;
  readonly capacity: number;
  readonly refill: number;
}

/** What an order to the script says of its checks. */
export interface OrderedSet {
  /** Its counters are kept together. */
  readonly group: string;
  /** Each once: those of the subjects, and those of places. */
  readonly keys: readonly string[];
  readonly shape: Shape;
  /** For the answer, in the order of the checks; none when nobody waits for it. */
  readonly meters: readonly Meter[];
}

export class RedisCheckSet implements CheckSet, OrderedSet {
  readonly group: string;
  readonly checks: readonly Check[];
  readonly keys: readonly string[];
  readonly shape: Shape;
  readonly meters: readonly Meter[];
  /** The keys of the checks that are limits of concurrency. */
  readonly placeKeys: readonly string[];

  constructor(checks: readonly Check[], { group, keys, shape, meters }: OrderedSet) {
    this.checks = checks;
    this.group = group;
    this.keys = keys;
    this.shape = shape;
    this.meters = meters;
    this.placeKeys = shape.checks
      .filter(({ kind }) => kind === KINDS.concurrency)
      .map(({ key }) => keys[key - 1] ?? '');
  }

  toStandings(atMs: number, cost: number): Standing[] {
    const standings: Standing[] = [];
    for (const meter of this.meters) standings.push(meter.toStanding(atMs, cost));
    return standings;
  }
}

export class RedisCheckSetMaker {
  readonly #keyPrefix: string;
  readonly #meters = new MeterMaker();
  readonly #shapes = new Lru<Shape>({ maxEntries: MAX_SHAPES, maxAgeMs: Infinity, nowMs: () => 0 });

  constructor(keyPrefix: string) {
    this.#keyPrefix = keyPrefix;
  }

  make(group: string, checks: readonly Check[]): RedisCheckSet {
    const keyOf = (check: Check): string => this.#keyOf(group, check);
    const keys = [...new Set(checks.map(keyOf))];
    const meters = checks.map((check) => this.#meters.make(check));
    const shaped = meters.map((meter) => toShapedCheck(meter, keys.indexOf(keyOf(meter.check)) + 1));
    return new RedisCheckSet(checks, { group, keys, shape: this.#toShape(keys.length, shaped, checks), meters });
  }

  /** The braces are a hash tag: what stands in them chooses the node of a cluster. */
  #keyOf(group: string, { subject, limit }: Check): string {
    const name = limit.algorithm === 'concurrency' ? counterName(subject, limitName(limit)) : subject;
    return `${this.#keyPrefix}${FORM}:{${group}}:${name}`;
  }

  #toShape(keys: number, shaped: readonly ShapedCheck[], checks: readonly Check[]): Shape {
    const numbers = shaped.map(({ kind, key, place, capacity, refill }) => [kind, key, place, capacity, refill]);
    const windows = checks.map(({ limit }) =>
      'window' in limit ? [limit.window, 'timeZone' in limit && limit.timeZone] : [],
    );
    const name = JSON.stringify([numbers, windows]);
    const known = this.#shapes.get(name);
    if (known !== undefined) return known;
    const shape = { keys, checks: shaped };
    this.#shapes.set(name, shape);
    return shape;
  }
}

function toShapedCheck({ check: { limit }, terms }: Meter, key: number): ShapedCheck {
  const name = limitName(limit);
  const kind = KINDS[algorithmOf(limit)];
  const { limit: capacity, refill, clock } = terms;
  if (name === 'concurrency') return { kind, key, place: 0, clock: undefined, capacity, refill };
  return { kind, key, place: PLACES[name], clock, capacity, refill };
}

const PLACES_OF_ONE: Shape = {
  keys: 1,
  checks: [{ kind: KINDS.concurrency, key: 1, place: 0, clock: undefined, capacity: 0, refill: 0 }],
};

/** What is told to renew the places of a key, or to give one back. */
export function toPlaceSet(key: string): OrderedSet {
  return { group: key, keys: [key], shape: PLACES_OF_ONE, meters: [] };
}

export function toRedisCheckSet(set: CheckSet): RedisCheckSet {
  if (set instanceof RedisCheckSet) return set;
  throw new TypeError('these checks were prepared by another limiter');
}
