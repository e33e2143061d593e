// The breakers of a node's gateway threads, as subscribers hear of them. Each thread has a breaker of its own for every target; told is
// the worst of them, once for each change.

import type { CircuitNews, CircuitState } from '../../gateway/ports.ts';

export type Circuit = Omit<CircuitNews, 'state'>;

export interface CircuitChange extends Circuit {
  readonly state: CircuitState;
}

interface Known {
  readonly circuit: Circuit;
  /** By thread; those that are closed are left out. */
  readonly states: Map<number, Exclude<CircuitState, 'closed'>>;
  told: CircuitState;
}

export class Circuits {
  /** Those of which any thread's breaker is not closed. */
  readonly #known = new Map<string, Known>();
  readonly #onChange: (change: CircuitChange) => void;

  constructor(onChange: (change: CircuitChange) => void) {
    this.#onChange = onChange;
  }

  take(thread: number, { state, ...circuit }: CircuitNews): void {
    const key = JSON.stringify([circuit.gatewayId, circuit.service, circuit.target]);
    const known = this.#known.get(key) ?? { circuit, states: new Map(), told: 'closed' };
    this.#known.set(key, known);
    if (state === 'closed' || state === 'gone') known.states.delete(thread);
    else known.states.set(thread, state);
    // A target that is no more has not come to be well.
    if (state === 'gone' && known.states.size === 0) this.#known.delete(key);
    else this.#settle(key, known);
  }

  /** The thread is gone, and its breakers with it. */
  drop(thread: number): void {
    for (const [key, known] of this.#known) {
      known.states.delete(thread);
      this.#settle(key, known);
    }
  }

  #settle(key: string, known: Known): void {
    const worst = worstOf([...known.states.values()]);
    if (worst === 'closed') this.#known.delete(key);
    if (worst === known.told) return;
    known.told = worst;
    this.#onChange({ ...known.circuit, state: worst });
  }
}

function worstOf(states: readonly CircuitState[]): CircuitState {
  if (states.includes('open')) return 'open';
  return states.includes('half_open') ? 'half_open' : 'closed';
}
