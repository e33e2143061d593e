// The targets of a service as members: one for each URL, or, where its name is known to DNS, one for each address that it leads to.

import type { Sweep } from '../../lib/sweep.ts';
import type { Cancellable } from '../exchange.ts';
import type { Place, TargetTls } from '../plan.ts';
import type { ServiceConfig } from '../snapshot.ts';
import { Member } from './member.ts';
import type { Names } from './names.ts';
import { toDnsName, toTarget } from './target.ts';

/** A member, and what its service's configuration and DNS say of it. */
export interface Slot {
  readonly member: Member;
  readonly weight: number;
  /** In all threads together. */
  readonly room: number;
  /** Of several members of a group, those of the lowest priority come first. */
  readonly group: number;
  readonly priority: number;
}

export interface RosterTerms {
  readonly config: ServiceConfig;
  readonly tls: TargetTls | undefined;
  /** The one whose place it takes: what is known of its members goes on. */
  readonly before: Roster | undefined;
}

export interface RosterDeps {
  readonly names: Names;
  readonly sweep: Pick<Sweep, 'tick'>;
}

export class Roster {
  readonly #config: ServiceConfig;
  readonly #tls: TargetTls | undefined;
  readonly #deps: RosterDeps;
  #members: ReadonlyMap<string, Member>;
  /** It, or the one before, has had members. */
  #hasBegun: boolean;

  constructor({ config, tls, before }: RosterTerms, deps: RosterDeps) {
    this.#config = config;
    this.#tls = tls;
    this.#deps = deps;
    this.#members = before?.members ?? new Map();
    this.#hasBegun = before !== undefined;
  }

  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  /** As it is now. */
  slots(): Slot[] {
    const members = new Map<string, Member>();
    const seen = new Set<string>();
    const slots = this.#config.targets.flatMap((target, group) => {
      const { weight = 1, maxConcurrentRequests: room = Infinity } = target;
      const tls = this.#tls;
      const url = tls === undefined ? target.url : `${target.url} ${tls.identity}`;
      // One URL may stand there twice, as two targets.
      const own = seen.has(url) ? `${url} ${group}` : url;
      seen.add(url);
      const name = toDnsName(target.url);
      const places = name && this.#deps.names.known(name);
      return (places ?? [undefined]).map((place): Slot => {
        const key = place === undefined ? own : `${own} at ${place.address} ${place.port ?? ''}`;
        const member = this.#members.get(key) ?? this.#make(target.url, own, place);
        members.set(key, member);
        const part = place === undefined ? 1 : partOf(place, places ?? []);
        return { member, weight: weight * part, room, group, priority: place?.priority ?? 0 };
      });
    });
    this.#members = members;
    this.#hasBegun = true;
    return slots;
  }

  /** Tells when `slots` would answer something else. */
  watch(onChange: () => void): Cancellable[] {
    const urls = new Set(this.#config.targets.map(({ url }) => url));
    return [...urls].flatMap((url) => {
      const name = toDnsName(url);
      return name === undefined ? [] : [this.#deps.names.watch(name, onChange)];
    });
  }

  /** A target that comes to others is late, and may start slowly; the first that is known of where a name leads is not. */
  #make(url: string, own: string, place: Place | undefined): Member {
    const isLate = this.#hasBegun && !(place !== undefined && this.#members.has(own));
    return new Member(toTarget(url, this.#tls, place), this.#deps.sweep, isLate);
  }
}

/** Of what its name gets, beside those of the same priority. */
function partOf({ weight, priority }: Place, places: readonly Place[]): number {
  let total = 0;
  for (const other of places) if (other.priority === priority) total += other.weight;
  return weight / total;
}
