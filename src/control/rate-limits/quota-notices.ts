// Announces that the quota of a month is nearly used, or wholly. The gateway threads tell of it, each of them and more than once; what makes
// it once is a row with a unique key, in the transaction of the event. Nobody waits for it: with a database that is away it is tried again.

import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { inTenant } from '../../db/tenant-transaction.ts';
import type { QuotaNews } from '../../gateway/ports.ts';
import type { Clock } from '../../lib/clock.ts';
import { Lru } from '../../lib/lru.ts';
import { emitEvent } from '../events/emit.ts';
import { insertQuotaNotice } from './store.ts';

const EVENTS = { warning: 'quota.warning', exceeded: 'quota.exceeded' } as const;

/** Notices that wait to be written; beyond it the oldest is let go. */
const MAX_WAITING = 10_000;
/** Notices that are known to stand there, so that the database is not asked for each word of a thread. */
const MAX_KNOWN = 10_000;
const RETRY_MS = 5_000;
/** Given up after so long: the next request of the caller tells of it again. */
const MAX_AGE_MS = 3_600_000;

export interface QuotaNoticesOptions {
  readonly db: Kysely<Database>;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Notices could not be written; unless the node ends, they are tried again. */
  readonly onError: (cause: unknown) => void;
}

interface Waiting {
  readonly news: QuotaNews;
  readonly atMs: number;
}

export class QuotaNotices {
  readonly #options: QuotaNoticesOptions;
  readonly #waiting = new Map<string, Waiting>();
  readonly #known: Lru<true>;
  #writing: Promise<void> | undefined = undefined;
  #retry: NodeJS.Timeout | undefined = undefined;

  constructor(options: QuotaNoticesOptions) {
    this.#options = options;
    this.#known = new Lru({ maxEntries: MAX_KNOWN, maxAgeMs: MAX_AGE_MS, nowMs: () => options.clock.nowMs() });
  }

  take(news: QuotaNews): void {
    const { tenantId, subject, resetsAtMs, quota, level } = news;
    const key = JSON.stringify([tenantId, subject, resetsAtMs, quota, level]);
    if (this.#waiting.has(key) || this.#known.get(key) === true) return;
    this.#waiting.set(key, { news, atMs: this.#options.clock.nowMs() });
    if (this.#waiting.size > MAX_WAITING) this.#dropOldest();
    if (this.#retry === undefined) this.#writing ??= this.#write();
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  /** Resolves when what waits was tried once more; nothing is tried later. */
  async close(): Promise<void> {
    await this.idle();
    clearTimeout(this.#retry);
    await this.#write();
    clearTimeout(this.#retry);
  }

  async #write(): Promise<void> {
    // What comes in meanwhile stands at the end, and is met as well.
    for (const [key, waiting] of this.#waiting) {
      this.#waiting.delete(key);
      try {
        await this.#announce(waiting.news, new Date(waiting.atMs));
        this.#known.set(key, true);
      } catch (cause) {
        this.#putOff(key, waiting, cause);
        break;
      }
    }
    this.#writing = undefined;
  }

  /** To the end, so that one that can never be written stands in nobody's way. */
  #putOff(key: string, waiting: Waiting, cause: unknown): void {
    const { clock, onError } = this.#options;
    if (clock.nowMs() - waiting.atMs < MAX_AGE_MS) this.#waiting.set(key, waiting);
    onError(cause);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (this.#waiting.size > 0) this.#writing ??= this.#write();
    }, RETRY_MS).unref();
  }

  async #announce({ tenantId, subject, quota, used, resetsAtMs, level }: QuotaNews, now: Date): Promise<void> {
    const resetsAt = new Date(resetsAtMs);
    await inTenant(this.#options.db, { tenantId }, async (trx) => {
      const row = { tenant_id: tenantId, subject, resets_at: resetsAt, quota, level, noticed_at: now };
      if (!(await insertQuotaNotice(trx, row))) return;
      const [of = '', id = ''] = subject.split(':', 2);
      const data = { of, [`${of}Id`]: id, quota, used, resetsAt: resetsAt.toISOString() };
      await emitEvent(trx, { tenantId }, { type: EVENTS[level], data }, now);
    });
  }

  #dropOldest(): void {
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined) this.#waiting.delete(oldest);
    this.#options.onError(new Error('too many notices of quotas wait to be written'));
  }
}
