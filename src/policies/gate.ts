// Lets so many exchanges in at a time. As many more may wait for their turn, in the order in which they came. Whoever entered has to leave, let in
// or not, however it ends.

import type { Exchange } from '../gateway/exchange.ts';

export interface GateRules {
  readonly inside: number;
  readonly waiting: number;
  readonly patienceMs: number;
}

export type Later = (callback: () => void, ms: number) => { cancel(): void };

/** `full`: nobody else may wait, or it has waited in vain. */
export type Entry = 'in' | 'full';

export class Gate {
  readonly #rules: GateRules;
  readonly #later: Later;
  readonly #inside = new Set<Exchange>();
  readonly #line = new Map<Exchange, Waiting>();

  constructor(rules: GateRules, later: Later) {
    this.#rules = rules;
    this.#later = later;
  }

  enter(exchange: Exchange): Entry | Promise<Entry> {
    if (this.#inside.size < this.#rules.inside) {
      this.#inside.add(exchange);
      return 'in';
    }
    return this.#line.size < this.#rules.waiting ? this.#wait(exchange) : 'full';
  }

  /** It is over, or will not be let in any more. */
  leave(exchange: Exchange): void {
    this.#takeFromLine(exchange);
    if (!this.#inside.delete(exchange)) return;
    const [next] = this.#line.keys();
    if (next === undefined) return;
    this.#inside.add(next);
    this.#takeFromLine(next)?.resolve('in');
  }

  #wait(exchange: Exchange): Promise<Entry> {
    const { promise, resolve } = Promise.withResolvers<Entry>();
    const patience = this.#later(() => {
      this.#line.delete(exchange);
      resolve('full');
    }, this.#rules.patienceMs);
    this.#line.set(exchange, { patience, resolve });
    return promise;
  }

  #takeFromLine(exchange: Exchange): Waiting | undefined {
    const waiting = this.#line.get(exchange);
    waiting?.patience.cancel();
    this.#line.delete(exchange);
    return waiting;
  }
}

interface Waiting {
  readonly patience: ReturnType<Later>;
  readonly resolve: (entry: Entry) => void;
}
