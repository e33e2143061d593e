// Lets so many exchanges in at a time. As many more may wait for their turn, in the order in which they came; an exchange holds its place until it is over,
// however it ends.

import type { Exchange, Held } from '../gateway/exchange.ts';

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
  #inside = 0;
  readonly #line = new Set<Waiting>();
  readonly #place: Held = { release: () => this.#leave() };

  constructor(rules: GateRules, later: Later) {
    this.#rules = rules;
    this.#later = later;
  }

  enter(exchange: Exchange): Entry | Promise<Entry> {
    if (this.#inside < this.#rules.inside) {
      this.#inside++;
      exchange.held = this.#place;
      return 'in';
    }
    return this.#line.size < this.#rules.waiting ? this.#wait(exchange) : 'full';
  }

  #wait(exchange: Exchange): Promise<Entry> {
    const { promise, resolve } = Promise.withResolvers<Entry>();
    const leaveLine = (): void => {
      patience.cancel();
      this.#line.delete(waiting);
      exchange.held = undefined;
    };
    const patience = this.#later(() => {
      leaveLine();
      resolve('full');
    }, this.#rules.patienceMs);
    const waiting: Waiting = {
      // The caller went away meanwhile: nobody is there to be let in.
      release: leaveLine,
      letIn: () => {
        leaveLine();
        exchange.held = this.#place;
        resolve('in');
      },
    };
    exchange.held = waiting;
    this.#line.add(waiting);
    return promise;
  }

  #leave(): void {
    const [next] = this.#line;
    if (next === undefined) this.#inside--;
    else next.letIn();
  }
}

interface Waiting extends Held {
  letIn(): void;
}
