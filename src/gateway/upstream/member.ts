// A target of a service with what this thread knows of it. It lives as long as the service has it, through any number of deploys.

import { isDeepStrictEqual } from 'node:util';
import type { Sweep } from '../../lib/sweep.ts';
import type { Place, Target, TargetTls } from '../plan.ts';
import { type Candidate, hashText } from './balance.ts';
import { Breaker, type BreakerRules, type BreakerState } from './breaker.ts';
import type { CallEnd } from './call.ts';
import type { Failure } from './failure.ts';
import { Health, type HealthRules, type Ill } from './health.ts';

/** What a configuration says of a target. */
export interface MemberTerms {
  /** 0 gets nothing. */
  readonly weight: number;
  /** How many calls it may have under way; Infinity for any number. */
  readonly room: number;
  /** Of those of a group, the lowest priority is called first. */
  readonly group: number;
  readonly priority: number;
  readonly breaker: BreakerRules | undefined;
  readonly health: HealthRules;
  /** How long its share grows when it comes back; 0 for not at all. */
  readonly slowStartMs: number;
}

/** How a member stands. */
export interface Standing {
  readonly ill: Ill | undefined;
  /** `gone`: nobody has it any more. */
  readonly circuit: BreakerState | 'gone';
}

export interface MemberNews {
  readonly before: Standing;
  readonly now: Standing;
}

const WELL: Standing = { ill: undefined, circuit: 'closed' };

/** Whoever chooses among members. */
export interface MemberWatcher {
  /** A member may be chosen that could not be before, or the other way round. */
  onChange(member: Member): void;
}

/** Whoever waits for room. */
export interface RoomWatcher {
  /** A call is over. */
  onRoom(): void;
}

const SWITCHING_PROTOCOLS = 101;
/** Of its weight, at the beginning of a slow start. */
const FIRST_SHARE = 0.1;

export class Member implements Target, Candidate {
  readonly url: string;
  readonly origin: string;
  readonly authority: string;
  readonly basePath: string;
  readonly socketPath: string | undefined;
  readonly place: Place | undefined;
  readonly tls: TargetTls | undefined;
  readonly seed: number;
  weight = 1;
  share = 1;
  owed = 0;
  inFlight = 0;
  room = Infinity;
  group = 0;
  priority = 0;
  /** Told, as long as they are here, when a call is over. They may be of services that have been replaced. */
  readonly roomWatchers = new Set<RoomWatcher>();
  /** A connection has been made, and none has been waited for in vain since. */
  isProven = false;
  breaker: Breaker | undefined = undefined;
  readonly health = new Health();
  #slowStartMs = 0;
  /** It takes requests; since when. */
  #isIn: boolean;
  #inSinceTick: number;
  readonly #sweep: Pick<Sweep, 'tick'>;
  #watcher: MemberWatcher | undefined = undefined;
  /** The call that goes on waiting for a connection, so that others need not. */
  #scout: object | undefined = undefined;
  #told = WELL;

  /** `isLate`: it comes to others that are there already. */
  constructor(target: Target, sweep: Pick<Sweep, 'tick'>, isLate: boolean) {
    this.url = target.url;
    this.origin = target.origin;
    this.authority = target.authority;
    this.basePath = target.basePath;
    this.socketPath = target.socketPath;
    this.place = target.place;
    this.tls = target.tls;
    this.seed = hashText(this.name);
    this.#sweep = sweep;
    this.#isIn = !isLate;
    this.#inSinceTick = -Infinity;
  }

  /** What tells it from the others: `http://api.internal (10.0.0.7)` where its name leads to several places. */
  get name(): string {
    if (this.place === undefined) return this.url;
    const { address, port } = this.place;
    return `${this.url} (${port === undefined ? address : `${address} port ${port}`})`;
  }

  /** From now on it is the watcher's. A breaker whose rules stay as they are stays as it is. */
  assume({ weight, room, group, priority, ...terms }: MemberTerms, watcher: MemberWatcher): void {
    const { breaker, health, slowStartMs } = terms;
    this.#watcher = watcher;
    this.weight = weight;
    this.room = room;
    this.group = group;
    this.priority = priority;
    this.#slowStartMs = slowStartMs;
    this.health.assume(health);
    if (!isDeepStrictEqual(this.breaker?.rules, breaker)) {
      this.breaker = breaker === undefined ? undefined : new Breaker(breaker);
    }
  }

  /** It is nobody's any more; calls that it has go to their end. */
  release(): MemberNews {
    this.#watcher = undefined;
    return { before: this.#told, now: { ill: undefined, circuit: 'gone' } };
  }

  /** How it stands, if that is not how it stood when this was asked last. */
  takeNews(): MemberNews | undefined {
    const before = this.#told;
    const circuit = this.breaker?.state ?? 'closed';
    const { ill } = this.health;
    if (circuit === before.circuit && ill === before.ill) return undefined;
    this.#told = { ill, circuit };
    return { before, now: this.#told };
  }

  get mayTake(): boolean {
    return this.breaker === undefined || this.breaker.mayTake;
  }

  get hasRoom(): boolean {
    return this.inFlight < this.room;
  }

  /** It may take a request that another one could take as well: it has room, and nobody is waiting for its first connection. */
  get isAtHand(): boolean {
    return this.mayTake && this.hasRoom && (this.isProven || this.inFlight === 0);
  }

  /** Whether it has to be asked for every request. */
  get isGuarded(): boolean {
    return !this.isProven || this.room < Infinity || this.breaker?.state === 'half_open';
  }

  get needsTime(): boolean {
    return this.health.needsTime || this.breaker?.state === 'open' || this.share < this.weight;
  }

  /** Whether its breaker lets calls through; if it is well, how large a share it gets, is settled with it. */
  get isCalled(): boolean {
    return this.weight > 0 && this.breaker?.state !== 'open';
  }

  /** Settles its share. */
  settle(): void {
    const { tick } = this.#sweep;
    const isIn = this.isCalled && this.health.isUp;
    if (isIn && !this.#isIn) this.#inSinceTick = tick;
    this.#isIn = isIn;
    const grown = this.#slowStartMs === 0 ? 1 : (tick - this.#inSinceTick) / this.#slowStartMs;
    this.share = this.weight * Math.min(1, Math.max(FIRST_SHARE, grown));
  }

  // A call tells of itself: `begin`, then what happens, then `onFailure` or `onEnd`, each with the number that `begin` gave.

  begin(): number {
    this.inFlight++;
    if (this.breaker === undefined) return 0;
    this.breaker.begin();
    return this.breaker.epoch;
  }

  onReached(): void {
    this.#scout = undefined;
    if (this.isProven && !this.health.isUnreachable) return;
    this.isProven = true;
    this.health.onReached();
    this.#watcher?.onChange(this);
  }

  /** No connection yet, and it takes long: others had better not wait for one, too. Answers whether this call is the one that does. */
  onStuck(call: object): boolean {
    this.#scout ??= call;
    if (this.isProven) {
      this.isProven = false;
      this.#watcher?.onChange(this);
    }
    return this.#scout === call;
  }

  /** Answers whether the call has shown what it can show; if not, its end will. */
  onHead(status: number, epoch: number): boolean {
    if (status >= 500) {
      this.#onError(epoch);
      return true;
    }
    // A trial that goes on for hours has succeeded all the same.
    if (status !== SWITCHING_PROTOCOLS && this.breaker?.state !== 'half_open') return false;
    this.#onSuccess(epoch);
    return true;
  }

  onFailure(failure: Failure, epoch: number): void {
    this.inFlight--;
    this.#onFailure(failure, epoch);
    this.#tellOfRoom();
  }

  #onFailure(failure: Failure, epoch: number): void {
    if (failure.isOurs) {
      this.breaker?.onNothing(epoch);
      return;
    }
    if (!failure.isSent) {
      this.isProven = false;
      this.health.onUnreachable(this.#sweep.tick);
    }
    this.#onError(epoch);
  }

  onEnd(end: CallEnd, epoch: number, isKnown: boolean): void {
    this.inFlight--;
    if (!isKnown) this.#onEnd(end, epoch);
    this.#tellOfRoom();
  }

  #onEnd(end: CallEnd, epoch: number): void {
    if (end === 'complete') this.#onSuccess(epoch);
    else if (end === 'broken') this.#onError(epoch);
    else this.breaker?.onNothing(epoch);
  }

  onCheck(hasPassed: boolean): void {
    this.health.onCheck(hasPassed);
    if (hasPassed) this.onReached();
    this.#watcher?.onChange(this);
  }

  onTime(tick: number): void {
    this.health.onTime(tick);
    this.breaker?.onTime(tick);
  }

  #tellOfRoom(): void {
    if (this.roomWatchers.size === 0) return;
    for (const watcher of this.roomWatchers) watcher.onRoom();
  }

  #onSuccess(epoch: number): void {
    this.health.onSuccess();
    if (this.breaker === undefined) return;
    this.breaker.onSuccess(epoch, this.#sweep.tick);
    if (this.breaker.epoch !== epoch) this.#watcher?.onChange(this);
  }

  #onError(epoch: number): void {
    const { tick } = this.#sweep;
    this.health.onError(tick);
    this.breaker?.onFailure(epoch, tick);
    this.#watcher?.onChange(this);
  }
}
