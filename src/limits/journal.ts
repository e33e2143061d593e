// What a thread has counted for itself while Redis was away, and still has to add there.

import type { RedisCheckSet } from './redis-checks.ts';

/** Counters kept; what would be one more is counted on this node alone, and never added. */
const MAX_ENTRIES = 10_000;

export interface JournalEntry {
  /** One check. */
  readonly set: RedisCheckSet;
  readonly count: number;
  /** When the window ends in which it was counted. */
  readonly endMinute: number;
}

export class Journal {
  readonly #entries = new Map<string, JournalEntry>();

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** Adds to what was counted on a key; a negative count takes back. What an earlier window has counted is forgotten. */
  note(key: string, count: number, endMinute: number, toSet: () => RedisCheckSet): void {
    const known = this.#entries.get(key);
    if (known === undefined ? this.#entries.size >= MAX_ENTRIES : known.endMinute > endMinute) return;
    const before = known?.endMinute === endMinute ? known.count : 0;
    this.#entries.set(key, { set: known?.set ?? toSet(), count: Math.max(0, before + count), endMinute });
  }

  /** Takes out so many entries at most. */
  take(most: number): JournalEntry[] {
    const taken: JournalEntry[] = [];
    for (const [key, entry] of this.#entries) {
      if (taken.length === most) break;
      this.#entries.delete(key);
      if (entry.count > 0) taken.push(entry);
    }
    return taken;
  }
}
