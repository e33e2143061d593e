// Answers the gateway threads' look-ups: many at a time, so that a flood of unknown keys costs the database a few queries, not one each.

import type { Credential } from '../../gateway/ports.ts';

/** Public ids in one query. */
const MAX_BATCH = 256;
/** Queries at once: what the flood may take of the connections for look-ups. */
const MAX_QUERIES = 2;
/** Look-ups that wait for their query; more are refused at once. */
const MAX_WAITING = 10_000;

export interface CredentialSourceOptions {
  /** One query. */
  readonly load: (publicIds: readonly string[]) => Promise<ReadonlyMap<string, Credential>>;
  /** The database went away, with the reason, or came back. */
  readonly onAway: (cause: unknown) => void;
  readonly onBack: () => void;
}

export interface CredentialSource {
  /** The credential as it is when this is called or later; undefined when there is none. Rejects when the database cannot tell. */
  find(publicId: string): Promise<Credential | undefined>;
}

type Waiter = PromiseWithResolvers<Credential | undefined>;

export function createCredentialSource({ load, onAway, onBack }: CredentialSourceOptions): CredentialSource {
  /** Those whose query has not begun: only they may be joined, since a query under way may read what was before. */
  const waiting = new Map<string, Waiter>();
  let queries = 0;
  let isAway = false;

  function begin(): void {
    while (queries < MAX_QUERIES && waiting.size > 0) {
      const batch = new Map<string, Waiter>();
      for (const [publicId, waiter] of waiting) {
        batch.set(publicId, waiter);
        waiting.delete(publicId);
        if (batch.size === MAX_BATCH) break;
      }
      queries++;
      void answer(batch);
    }
  }

  async function answer(batch: ReadonlyMap<string, Waiter>): Promise<void> {
    try {
      const found = await load([...batch.keys()]);
      for (const [publicId, waiter] of batch) waiter.resolve(found.get(publicId));
      if (isAway) onBack();
      isAway = false;
    } catch (cause) {
      for (const waiter of batch.values()) waiter.reject(cause);
      if (!isAway) onAway(cause);
      isAway = true;
    }
    queries--;
    begin();
  }

  return {
    find(publicId) {
      const joined = waiting.get(publicId);
      if (joined !== undefined) return joined.promise;
      if (waiting.size >= MAX_WAITING) return Promise.reject(new Error('too many look-ups wait for the database'));
      const waiter: Waiter = Promise.withResolvers();
      waiting.set(publicId, waiter);
      begin();
      return waiter.promise;
    },
  };
}
