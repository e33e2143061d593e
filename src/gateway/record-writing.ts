// The records that gateway threads post, on their way into the store, and how many of them arrive there.

import type { SupervisorOptions } from './supervision.ts';
import type { ExchangeRecord } from './ports.ts';
import { readRecords } from './record-block.ts';

/** Since the start. */
export interface RecordCounts {
  readonly stored: number;
  /** By threads, since the store did not keep up. */
  readonly dropped: number;
  /** Since the store refused them. */
  readonly lost: number;
}

export class RecordWriting {
  readonly #options: Pick<SupervisorOptions, 'log' | 'writeRecords'>;
  readonly #underway = new Set<Promise<void>>();
  #stored = 0;
  #dropped = 0;
  #lost = 0;

  constructor(options: Pick<SupervisorOptions, 'log' | 'writeRecords'>) {
    this.#options = options;
  }

  get counts(): RecordCounts {
    return { stored: this.#stored, dropped: this.#dropped, lost: this.#lost };
  }

  /** Resolves when they are written, or lost; never rejects. */
  take(thread: number, batch: Uint8Array<ArrayBuffer>, dropped: number): Promise<void> {
    if (dropped > 0) {
      this.#dropped += dropped;
      this.#options.log.warn({ thread, dropped }, 'request records were dropped: the store does not keep up');
    }
    const writing = this.#write(readRecords(batch)).finally(() => this.#underway.delete(writing));
    this.#underway.add(writing);
    return writing;
  }

  /** Resolves when all that was taken is written, or lost. */
  async settled(): Promise<void> {
    await Promise.all(this.#underway);
  }

  async #write(records: readonly ExchangeRecord[]): Promise<void> {
    try {
      await this.#options.writeRecords(records);
      this.#stored += records.length;
    } catch (cause) {
      this.#lost += records.length;
      const fields = { lost: records.length, reason: String(cause) };
      this.#options.log.error(fields, 'request records could not be stored');
    }
  }
}
