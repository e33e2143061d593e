// Announces changes of breakers. They come from the gateway threads and not from a caller: nobody waits for them, and with a database that
// is away or slow the newest state of each target is what counts.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import type { Clock } from '../../lib/clock.ts';
import { emitEvent } from '../events/emit.ts';
import type { CircuitChange } from './circuits.ts';

const EVENTS = {
  open: 'circuit.opened',
  half_open: 'circuit.half_opened',
  closed: 'circuit.closed',
} as const;

/** Targets whose change waits to be written; beyond it the oldest is let go. */
const MAX_WAITING = 1_000;

export interface CircuitEventsOptions {
  readonly db: Kysely<Database>;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** An event could not be written, and is lost. */
  readonly onError: (cause: unknown) => void;
}

export class CircuitEvents {
  readonly #options: CircuitEventsOptions;
  readonly #waiting = new Map<string, { readonly change: CircuitChange; readonly at: Date }>();
  #writing: Promise<void> | undefined = undefined;

  constructor(options: CircuitEventsOptions) {
    this.#options = options;
  }

  announce(change: CircuitChange): void {
    const key = JSON.stringify([change.gatewayId, change.service, change.target]);
    this.#waiting.delete(key);
    this.#waiting.set(key, { change, at: new Date(this.#options.clock.nowMs()) });
    if (this.#waiting.size > MAX_WAITING) this.#dropOldest();
    this.#writing ??= this.#write();
  }

  /** Resolves when nothing waits to be written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    for (let next = this.#takeNext(); next !== undefined; next = this.#takeNext()) {
      const { tenantId, state, ...circuit } = next.change;
      const event = { type: EVENTS[state], data: { ...circuit, state } };
      const { at } = next;
      try {
        await inTenant(this.#options.db, { tenantId }, (trx) => emitEvent(trx, { tenantId }, event, at));
      } catch (cause) {
        this.#options.onError(cause);
      }
    }
    this.#writing = undefined;
  }

  #takeNext(): { readonly change: CircuitChange; readonly at: Date } | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    this.#waiting.delete(first[0]);
    return first[1];
  }

  #dropOldest(): void {
    if (this.#takeNext() !== undefined) this.#options.onError(new Error('too many events wait to be written'));
  }
}
