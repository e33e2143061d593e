// A bounded map that forgets what was used longest ago, and what is older than its age.
//
// The order of use is a list through the entries. To keep it by deleting and setting again, in a Map that iterates in order of insertion, would have the
// whole table made anew again and again, on the path of requests.

export interface LruOptions {
  readonly maxEntries: number;
  readonly maxAgeMs: number;
  readonly nowMs: () => number;
}

interface Entry<Value> {
  readonly key: string;
  readonly value: Value;
  readonly expiresAtMs: number;
  older: Entry<Value> | undefined;
  newer: Entry<Value> | undefined;
}

export class Lru<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #options: LruOptions;
  #newest: Entry<Value> | undefined = undefined;
  #oldest: Entry<Value> | undefined = undefined;

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
    if (entry.expiresAtMs <= nowMs) {
      this.#remove(entry);
      return undefined;
    }
    if (entry !== this.#newest) {
      this.#unlink(entry);
      this.#link(entry);
    }
    return entry.value;
  }

  set(key: string, value: Value): void {
    this.delete(key);
    const { maxEntries, maxAgeMs, nowMs } = this.#options;
    if (this.#entries.size >= maxEntries && this.#oldest !== undefined) this.#remove(this.#oldest);
    const entry = { key, value, expiresAtMs: nowMs() + maxAgeMs, older: undefined, newer: undefined };
    this.#entries.set(key, entry);
    this.#link(entry);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#remove(entry);
  }

  clear(): void {
    this.#entries.clear();
    this.#newest = undefined;
    this.#oldest = undefined;
  }

  #remove(entry: Entry<Value>): void {
    this.#entries.delete(entry.key);
    this.#unlink(entry);
  }

  #link(entry: Entry<Value>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink({ older, newer }: Entry<Value>): void {
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
  }
}
