// Which of a service's targets takes the next request. Pure but for the turns that it counts; each gateway thread counts its own.

export type Strategy = 'round_robin' | 'weighted' | 'least_connections' | 'ip_hash';

/** What is drawn for a key. */
interface Drawn {
  /** Its part of the requests beside those of the others, above 0. */
  readonly share: number;
  /** A number made of its name: where it stands for every key. */
  readonly seed: number;
}

/** A target as the strategies see it. */
export interface Candidate extends Drawn {
  /** What it is owed of the requests that it did not get; counted here. */
  owed: number;
  /** Calls that it has under way. */
  readonly inFlight: number;
}

/** The targets among which to choose. */
export interface Choice<Member> {
  readonly members: readonly Member[];
  /** All shares are equal. */
  readonly isEven: boolean;
}

export function toChoice<Member extends Drawn>(members: readonly Member[]): Choice<Member> {
  return { members, isEven: members.every(({ share }) => share === members[0]?.share) };
}

export class Balancer {
  readonly #strategy: Strategy;
  #turn = -1;

  constructor(strategy: Strategy) {
    this.#strategy = strategy;
  }

  /** Undefined only when there is nobody to choose. `key` is the caller's address: with ip_hash, one key stays with one target. */
  pick<Member extends Candidate>(choice: Choice<Member>, key: string): Member | undefined {
    switch (this.#strategy) {
      case 'round_robin':
      case 'weighted':
        return choice.isEven ? this.#next(choice.members) : pickSmoothly(choice.members);
      case 'least_connections':
        return this.#leastBusy(choice.members);
      case 'ip_hash':
        return pickByKey(choice, hashText(key));
    }
  }

  #next<Member>(members: readonly Member[]): Member | undefined {
    this.#turn = this.#turn + 1 < members.length ? this.#turn + 1 : 0;
    return members[this.#turn];
  }

  /** Of several that are equally busy, they take turns. */
  #leastBusy<Member extends Candidate>(members: readonly Member[]): Member | undefined {
    let best = this.#next(members);
    if (best === undefined) return undefined;
    for (let i = this.#turn + 1; i < this.#turn + members.length; i++) {
      const other = members[i % members.length];
      if (other !== undefined && (other.inFlight + 1) * best.share < (best.inFlight + 1) * other.share) best = other;
    }
    return best;
  }
}

/** Smooth weighted turns, as nginx takes them: shares 5, 1, 1 give a a b a c a a and not a a a a a b c. */
function pickSmoothly<Member extends Candidate>(members: readonly Member[]): Member | undefined {
  let total = 0;
  let best: Member | undefined;
  for (const member of members) {
    member.owed += member.share;
    total += member.share;
    if (best === undefined || member.owed > best.owed) best = member;
  }
  if (best !== undefined) best.owed -= total;
  return best;
}

/**
 * Rendezvous hashing (Thaler, Ravishankar 1998): every target throws a die for the key, and the highest wins. Whoever loses a target moves
 * its keys alone, to all others alike. With shares, the die is weighted (Schindelhauer, Schomaker 2005).
 */
export function pickByKey<Member extends Drawn>({ members, isEven }: Choice<Member>, key: number): Member | undefined {
  let best: Member | undefined;
  let highest = -Infinity;
  for (const member of members) {
    const thrown = mix(key ^ member.seed);
    const score = isEven ? thrown : Math.log((thrown + 0.5) / 4_294_967_296) / member.share;
    if (score > highest) {
      highest = score;
      best = member;
    }
  }
  return best;
}

/** A text as a whole number of 32 bits (FNV-1a). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** Every bit in has to do with every bit out (the end of MurmurHash3). */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
