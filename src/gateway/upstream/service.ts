// A service: its targets, and which of them takes a request. What it knows is of this thread.

import type { Sweep, Timed } from '../../lib/sweep.ts';
import type { ServiceHealth } from '../ports.ts';
import type { GatewayConfig, ServiceConfig } from '../snapshot.ts';
import { Balancer, type Choice, toChoice } from './balance.ts';
import type { Check } from './check.ts';
import { type Counter, Line } from './line.ts';
import type { Member, MemberNews, MemberWatcher } from './member.ts';
import type { Reach } from './reach.ts';
import { RetryBudget, type RetryRules } from './retry.ts';
import type { Slot } from './roster.ts';
import { toMemberTerms } from './service-config.ts';

export interface ServiceDeps {
  readonly sweep: Pick<Sweep, 'add' | 'remove' | 'tick'>;
  readonly reach: Reach;
  readonly check: Check;
  /** How many gateway threads the process has: each has its part of what a target may have under way. */
  readonly threads: number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Told when a target falls ill or is well again, and when its breaker changes its state. */
  readonly onNews: (service: Pick<Service, 'owner' | 'name'>, target: string, news: MemberNews) => void;
}

/** The gateway whose service it is. */
export type ServiceOwner = Pick<GatewayConfig, 'id' | 'tenantId'>;

export interface ServiceTerms {
  readonly owner: ServiceOwner;
  readonly config: ServiceConfig;
  /** Its targets in their order; they go on as they did until `assume`. */
  readonly slots: readonly Slot[];
}

export class Service implements MemberWatcher, Counter, Timed {
  readonly owner: ServiceOwner;
  readonly name: string;
  members: readonly Member[];
  /** Undefined where calls are made once only. */
  readonly retries: { readonly rules: RetryRules; readonly budget: RetryBudget } | undefined;
  /** Copies of requests that it has to do with. */
  copies = 0;
  readonly line = new Line(this);
  readonly #config: ServiceConfig;
  readonly #deps: ServiceDeps;
  readonly #balancer: Balancer;
  readonly #panicPercent: number;
  /** Those that take requests now. */
  #choice: Choice<Member> = toChoice([]);
  /** Some of them have to be asked. */
  #isGuarded = false;
  /** The one that takes all requests, and need not be asked. */
  #sole: Member | undefined = undefined;

  constructor({ owner, config, slots }: ServiceTerms, deps: ServiceDeps) {
    this.owner = owner;
    this.name = config.name;
    this.members = slots.map(({ member }) => member);
    this.#config = config;
    this.#deps = deps;
    this.#panicPercent = config.healthCheck?.panicPercent ?? 0;
    this.retries = config.retry && { rules: config.retry, budget: new RetryBudget() };
    this.#balancer = new Balancer(config.loadBalancingStrategy ?? 'round_robin');
  }

  /** Begins, or goes on with other targets: these members are its own now. */
  assume(slots: readonly Slot[]): void {
    const terms = toMemberTerms(this.#config);
    const before = this.members;
    this.members = slots.map(({ member }) => member);
    for (const { member, room, ...slot } of slots)
      member.assume({ ...terms, ...slot, room: Math.ceil(room / this.#deps.threads) }, this);
    this.#letGo(before, new Set(this.members));
    this.line.onMembers();
    this.#refresh();
  }

  /** Ends: calls under way and those that still come are served with what it knows. `kept` are the members that have others now. */
  retire(kept: ReadonlySet<Member>): void {
    this.#deps.sweep.remove(this);
    this.#letGo(this.members, kept);
  }

  health(): ServiceHealth {
    const targets = this.members.map(({ url, place, weight, health, breaker, inFlight }) => ({
      url,
      ...(place !== undefined && { address: place.address, port: place.port }),
      weight,
      ill: health.ill,
      circuit: breaker?.state,
      inFlight,
    }));
    return { service: this.name, targets };
  }

  /** Who takes a request of a caller at this address; undefined when all breakers are open, or nobody has room. */
  pick(address: string): Member | undefined {
    if (this.#sole !== undefined) return this.#sole;
    const picked = this.#balancer.pick(this.#choice, address);
    if (!this.#isGuarded || picked === undefined || picked.isAtHand) return picked;
    const { members } = this.#choice;
    const atHand = members.filter((member) => member.isAtHand);
    if (atHand.length > 0) return this.#balancer.pick(toChoice(atHand), address);
    if (picked.mayTake && picked.hasRoom) return picked;
    return this.#balancer.pick(toChoice(members.filter(({ mayTake, hasRoom }) => mayTake && hasRoom)), address);
  }

  /** Who takes it of those that have not been tried; undefined when nobody is left. */
  pickOther(address: string, tried: readonly Member[]): Member | undefined {
    const others = this.#choice.members.filter((member) => !tried.includes(member) && member.isAtHand);
    return this.#balancer.pick(toChoice(others), address);
  }

  get isBusy(): boolean {
    const able = this.#choice.members.filter(({ mayTake }) => mayTake);
    return able.length > 0 && able.every(({ hasRoom }) => !hasRoom);
  }

  /** How long until one of its breakers lets a call through, when none does now. */
  waitMs(): number {
    const { tick } = this.#deps.sweep;
    const waits = this.members.map(
      ({ weight, breaker }) => (weight > 0 ? breaker?.waitMs(tick) : undefined) ?? Infinity,
    );
    return Math.min(...waits);
  }

  onChange(): void {
    this.#refresh();
  }

  onSweep(tick: number): void {
    for (const member of this.members) {
      member.onTime(tick);
      if (member.health.takeProbe(tick)) this.#probe(member);
      const check = member.health.takeCheck(tick, this.#deps.random());
      if (check !== undefined) this.#deps.check(member, check, (hasPassed) => member.onCheck(hasPassed));
    }
    this.#refresh();
  }

  /** Tries a connection, so that no request has to. */
  #probe(member: Member): void {
    this.#deps.reach(member, (isReached) => {
      if (isReached) member.onReached();
    });
  }

  #letGo(members: readonly Member[], kept: ReadonlySet<Member>): void {
    for (const member of members) {
      if (!kept.has(member)) this.#deps.onNews(this, member.name, member.release());
    }
  }

  #refresh(): void {
    for (const member of this.members) {
      member.settle();
      const news = member.takeNews();
      if (news !== undefined) this.#deps.onNews(this, member.name, news);
    }
    const calling = this.members.filter(({ isCalled }) => isCalled);
    const up = calling.filter(({ health }) => health.isUp);
    // With so few up, what is known of their health is worth less than a try, and they would not bear the load.
    const isPanic = up.length === 0 || up.length * 100 < this.#panicPercent * calling.length;
    const taking = foremost(isPanic ? calling : up);
    this.#choice = toChoice(taking);
    this.#isGuarded = taking.some(({ isGuarded }) => isGuarded);
    const [first, second] = taking;
    const isFree = first?.room === Infinity && first.breaker?.state !== 'half_open';
    this.#sole = second === undefined && isFree ? first : undefined;
    if (this.members.some(({ needsTime }) => needsTime)) this.#deps.sweep.add(this);
    else this.#deps.sweep.remove(this);
    this.line.onRoom();
  }
}

/** Of every group, those that come first. */
function foremost(members: readonly Member[]): readonly Member[] {
  if (members.every(({ priority }) => priority === 0)) return members;
  const first = new Map<number, number>();
  for (const { group, priority } of members) first.set(group, Math.min(first.get(group) ?? Infinity, priority));
  return members.filter(({ group, priority }) => priority === first.get(group));
}
