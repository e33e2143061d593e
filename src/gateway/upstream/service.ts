// A service: its targets, and which of them takes a request. What it knows is of this thread.

import type { Sweep, Timed } from '../../lib/sweep.ts';
import type { ServiceHealth } from '../ports.ts';
import type { GatewayConfig, ServiceConfig } from '../snapshot.ts';
import { Balancer, type Choice, toChoice } from './balance.ts';
import type { Check } from './check.ts';
import type { Member, MemberNews, MemberWatcher } from './member.ts';
import type { Reach } from './reach.ts';
import { RetryBudget, type RetryRules } from './retry.ts';
import { toMemberTerms } from './service-config.ts';

export interface ServiceDeps {
  readonly sweep: Pick<Sweep, 'add' | 'remove' | 'tick'>;
  readonly reach: Reach;
  readonly check: Check;
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
  /** Those of the targets, in their order; they go on as they did until `assume`. */
  readonly members: readonly Member[];
}

export class Service implements MemberWatcher, Timed {
  readonly owner: ServiceOwner;
  readonly name: string;
  readonly members: readonly Member[];
  /** Undefined where calls are made once only. */
  readonly retries: { readonly rules: RetryRules; readonly budget: RetryBudget } | undefined;
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

  constructor({ owner, config, members }: ServiceTerms, deps: ServiceDeps) {
    this.owner = owner;
    this.name = config.name;
    this.members = members;
    this.#config = config;
    this.#deps = deps;
    this.#panicPercent = config.healthCheck?.panicPercent ?? 0;
    this.retries = config.retry && { rules: config.retry, budget: new RetryBudget() };
    this.#balancer = new Balancer(config.loadBalancingStrategy ?? 'round_robin');
  }

  /** Begins: the members are its own now. */
  assume(): void {
    const terms = toMemberTerms(this.#config);
    this.#config.targets.forEach(({ weight = 1 }, i) => this.members[i]?.assume({ ...terms, weight }, this));
    this.#refresh();
  }

  /** Ends: calls under way and those that still come are served with what it knows. `kept` are the members that have others now. */
  retire(kept: ReadonlySet<Member>): void {
    this.#deps.sweep.remove(this);
    for (const member of this.members) {
      if (!kept.has(member)) this.#deps.onNews(this, member.url, member.release());
    }
  }

  health(): ServiceHealth {
    const targets = this.members.map(({ url, weight, health, breaker, inFlight }) => ({
      url,
      weight,
      ill: health.ill,
      circuit: breaker?.state,
      inFlight,
    }));
    return { service: this.name, targets };
  }

  /** Who takes a request of a caller at this address; undefined when all breakers are open. */
  pick(address: string): Member | undefined {
    if (this.#sole !== undefined) return this.#sole;
    const picked = this.#balancer.pick(this.#choice, address);
    if (!this.#isGuarded || picked === undefined || picked.isAtHand) return picked;
    const { members } = this.#choice;
    const atHand = members.filter((member) => member.isAtHand);
    if (atHand.length > 0) return this.#balancer.pick(toChoice(atHand), address);
    if (picked.mayTake) return picked;
    return this.#balancer.pick(toChoice(members.filter((member) => member.mayTake)), address);
  }

  /** Who takes it of those that have not been tried; undefined when nobody is left. */
  pickOther(address: string, tried: readonly Member[]): Member | undefined {
    const others = this.#choice.members.filter((member) => !tried.includes(member) && member.isAtHand);
    return this.#balancer.pick(toChoice(others), address);
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

  #refresh(): void {
    for (const member of this.members) {
      member.settle();
      const news = member.takeNews();
      if (news !== undefined) this.#deps.onNews(this, member.url, news);
    }
    const calling = this.members.filter(({ isCalled }) => isCalled);
    const up = calling.filter(({ health }) => health.isUp);
    // With so few up, what is known of their health is worth less than a try, and they would not bear the load.
    const isPanic = up.length === 0 || up.length * 100 < this.#panicPercent * calling.length;
    const taking = isPanic ? calling : up;
    this.#choice = toChoice(taking);
    this.#isGuarded = taking.some(({ isGuarded }) => isGuarded);
    const [first, second] = taking;
    this.#sole = second === undefined && first?.breaker?.state !== 'half_open' ? first : undefined;
    if (this.members.some(({ needsTime }) => needsTime)) this.#deps.sweep.add(this);
    else this.#deps.sweep.remove(this);
  }
}
