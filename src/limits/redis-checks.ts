// A call's checks as Redis counts them: their keys, what the script is told of them, and what its answer says.

import { algorithmOf, limitName } from '../lib/limit.ts';
import type { Check, CheckSet, Standing } from './limiter.ts';
import { type Meter, MeterMaker } from './meter.ts';
import { OTHER_TIME } from './take-script.ts';
import { counterName } from './verdict.ts';

const KINDS = { fixed: 'f', sliding: 's', bucket: 'b', concurrency: 'c' } as const;

/** What the script is to do, and with what: see take-script.ts. */
export interface Order {
  readonly operation: 'take' | 'look' | 'refund' | 'merge' | 'renew';
  readonly cost: number;
  readonly extra: string;
}

/** What the script answered. */
export interface Reply {
  /** The windows that came with the call were not those of the server's clock. */
  readonly isOtherTime: boolean;
  readonly isAdmitted: boolean;
  readonly atMs: number;
  /** Count, end and rest of each check, one after the other. */
  readonly tallies: readonly number[];
}

export class RedisCheckSet implements CheckSet {
  readonly checks: readonly Check[];
  readonly keys: readonly string[];
  readonly meters: readonly Meter[];
  /** The keys of the checks that are limits of concurrency. */
  readonly placeKeys: readonly string[];
  #specs: readonly string[] = [];
  #specsFromMs = 0;
  #specsUntilMs = 0;
  /** The last parameters of a plain take: nearly every call has the same. */
  #taken:
    | { readonly cost: number; readonly specs: readonly string[]; readonly parameters: readonly string[] }
    | undefined;

  constructor(checks: readonly Check[], keys: readonly string[], meters: readonly Meter[]) {
    this.checks = checks;
    this.keys = keys;
    this.meters = meters;
    this.placeKeys = keys.filter((_, i) => checks[i]?.limit.algorithm === 'concurrency');
  }

  /** What EVALSHA and EVAL are given after the script. `atMs` is the moment by the server's clock, as well as it is known. */
  toParameters(order: Order, atMs: number, given: string): readonly string[] {
    const specs = this.#specsAt(atMs);
    const { operation, cost, extra } = order;
    const isPlain = operation === 'take' && extra === '' && given === '';
    if (isPlain && this.#taken?.cost === cost && this.#taken.specs === specs) return this.#taken.parameters;
    const parameters = [String(this.keys.length), ...this.keys, operation, String(cost), given, extra, ...specs];
    if (isPlain) this.#taken = { cost, specs, parameters };
    return parameters;
  }

  /** What the script is told of the checks; made anew when a window ends. */
  #specsAt(nowMs: number): readonly string[] {
    if (nowMs >= this.#specsUntilMs || nowMs < this.#specsFromMs) {
      this.#specs = this.meters.map((meter) => toSpec(meter, nowMs));
      const clocks = this.meters.map(({ terms }) => terms.clock);
      this.#specsFromMs = Math.max(...clocks.map(({ startMs }) => startMs));
      this.#specsUntilMs = Math.min(...clocks.map(({ endMs }) => endMs));
    }
    return this.#specs;
  }

  /** Fills the meters in from an answer. */
  read({ atMs, tallies }: Reply): void {
    for (const [i, meter] of this.meters.entries()) {
      meter.count = tallies[3 * i] ?? 0;
      meter.endMinute = tallies[3 * i + 1] ?? 0;
      meter.rest = tallies[3 * i + 2] ?? 0;
      meter.turn(atMs);
    }
  }

  toStandings(atMs: number, cost: number): Standing[] {
    return this.meters.map((meter) => meter.toStanding(atMs, cost));
  }
}

export class RedisCheckSetMaker {
  readonly #keyPrefix: string;
  readonly #meters = new MeterMaker();

  constructor(keyPrefix: string) {
    this.#keyPrefix = keyPrefix;
  }

  make(group: string, checks: readonly Check[]): RedisCheckSet {
    // The braces are a hash tag: what stands in them chooses the node of a cluster.
    const prefix = `${this.#keyPrefix}{${group}}:`;
    const keys = checks.map(({ subject, limit }) => prefix + counterName(subject, limitName(limit)));
    const meters = checks.map((check) => this.#meters.make(check));
    return new RedisCheckSet(checks, keys, meters);
  }
}

function toSpec({ check, terms }: Meter, nowMs: number): string {
  const { limit, clock, refill } = terms;
  clock.turnTo(nowMs);
  return `${KINDS[algorithmOf(check.limit)]} ${limit} ${clock.startMs} ${clock.endMs} ${clock.nextEndMs} ${refill}`;
}

/** Throws for an answer in another form. */
export function parseReply(reply: unknown, checks: number): Reply {
  if (!Array.isArray(reply)) throw new Error('the script answered with something else than a list');
  const [first, atMs, ...tallies] = reply.filter((item) => typeof item === 'number');
  const isOtherTime = first === OTHER_TIME;
  if (atMs === undefined || tallies.length !== (isOtherTime ? 0 : 3 * checks))
    throw new Error('the script answered in another form');
  return { isOtherTime, isAdmitted: first === 1, atMs, tallies };
}

export function toRedisCheckSet(set: CheckSet): RedisCheckSet {
  if (set instanceof RedisCheckSet) return set;
  throw new TypeError('these checks were prepared by another limiter');
}
