// Requests that wait until a target of their service has room again, in the order in which they came. Waiting is bounded: by the number of those
// who wait, by the time that each of them does, and whoever leaves is not served.

import { Problem } from '../../lib/problem.ts';
import type { Cancellable, Exchange, Reply } from '../exchange.ts';
import type { Plan } from '../plan.ts';
import { problemReply } from '../problem-reply.ts';
import type { Member, RoomWatcher } from './member.ts';

const MOST_WAITING = 1000;
const PATIENCE_MS = 5000;
/** How soon there will be room is anybody's guess. */
const HEADERS = ['retry-after', '1', 'proxy-status', 'tollgate; error=connection_limit_reached'];

/** Where members are had: the service. */
export interface Counter {
  readonly members: readonly Member[];
  /** Nobody is to be had, and for somebody it is only for want of room. */
  readonly isBusy: boolean;
  pick(address: string): Member | undefined;
}

interface Waiter {
  readonly address: string;
  /** Undefined: nobody will be to be had. */
  take(member: Member | undefined): void;
}

export class Line implements RoomWatcher {
  readonly #counter: Counter;
  readonly #waiting = new Set<Waiter>();

  constructor(counter: Counter) {
    this.#counter = counter;
  }

  /** Undefined: nobody else may wait. */
  join(waiter: Waiter): Cancellable | undefined {
    const { members } = this.#counter;
    const most = Math.min(
      MOST_WAITING,
      members.reduce((sum, { room }) => sum + room, 0),
    );
    if (this.#waiting.size >= most) return undefined;
    this.#waiting.add(waiter);
    this.#lookAtMembers();
    return { cancel: () => this.#leave(waiter) };
  }

  /** The service has other members. */
  onMembers(): void {
    if (this.#waiting.size > 0) this.#lookAtMembers();
  }

  onRoom(): void {
    for (const waiter of this.#waiting) {
      const member = this.#counter.pick(waiter.address);
      if (member === undefined && this.#counter.isBusy) return;
      this.#leave(waiter);
      waiter.take(member);
    }
  }

  #lookAtMembers(): void {
    for (const member of this.#counter.members) member.roomWatchers.add(this);
  }

  #leave(waiter: Waiter): void {
    this.#waiting.delete(waiter);
    if (this.#waiting.size > 0) return;
    for (const member of this.#counter.members) member.roomWatchers.delete(this);
  }
}

export interface WaitTerms {
  readonly later: (callback: () => void, ms: number) => Cancellable;
  /** How much of its time the request has left. */
  readonly restMs: number;
  /** There is room: the member has to be taken at once. */
  readonly onRoom: (member: Member) => void;
  /** There is none, or nobody to have it; `undefined` where breakers are what stands in the way. */
  readonly onNone: (reply: Reply | undefined) => void;
}

/** For a request for which nobody is to be had now. */
export function waitForRoom(exchange: Exchange, { upstream }: Plan, terms: WaitTerms): void {
  if (!upstream.isBusy) {
    terms.onNone(undefined);
    return;
  }
  const place = upstream.line.join({
    address: exchange.clientAddress,
    take(member) {
      patience.cancel();
      if (member === undefined) terms.onNone(undefined);
      else terms.onRoom(member);
    },
  });
  if (place === undefined) {
    terms.onNone(busy(exchange));
    return;
  }
  const patience = terms.later(
    () => {
      place.cancel();
      terms.onNone(busy(exchange));
    },
    Math.min(PATIENCE_MS, terms.restMs),
  );
  exchange.upstreamCall = {
    cancel() {
      place.cancel();
      patience.cancel();
    },
  };
}

function busy(exchange: Exchange): Reply {
  return problemReply(exchange, new Problem('upstream_busy', { headers: HEADERS }));
}
