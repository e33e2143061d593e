// A bounded map that forgets what was used longest ago, and what is older than its age.

export interface LruOptions {
  readonly maxEntries: number;
  readonly maxAgeMs: number;
  readonly nowMs: () => number;
}

export class Lru<Value> {
  readonly #entries = new Map<string, { value: Value; expiresAtMs: number }>();
  readonly #options: LruOptions;

  constructor(options: LruOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Who knows the time already need not ask again: on the path of every request, the clock is a third of the cost. */
  get(key: string, nowMs = this.#options.nowMs()): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.expiresAtMs <= nowMs) return undefined;
    this.#entries.set(key, entry); // A Map iterates in order of insertion: the first is the least recently used.
    return entry.value;
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#options.maxEntries) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
    this.#entries.set(key, { value, expiresAtMs: this.#options.nowMs() + this.#options.maxAgeMs });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
