// The places of concurrency that this thread holds in Redis. A place is a lease: whoever dies with it loses it within two leases, and who
// lives renews it three times in each.

import { randomBytes } from 'node:crypto';
import { LEASE_MS } from './take-script.ts';

/** Places renewed in one call. */
const MAX_NAMES = 500;

export class RedisPlaces {
  readonly #renew: (key: string, names: string) => void;
  readonly #holder = randomBytes(9).toString('base64url');
  readonly #held = new Map<string, Set<string>>();
  #last = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `renew` is given a key, and names with blanks between them. */
  constructor(renew: (key: string, names: string) => void) {
    this.#renew = renew;
  }

  /** A name that nobody else gives a place. */
  newName(): string {
    return `${this.#holder}${(this.#last++).toString(36)}`;
  }

  hold(keys: readonly string[], name: string): void {
    for (const key of keys) {
      const names = this.#held.get(key);
      if (names === undefined) this.#held.set(key, new Set([name]));
      else names.add(name);
    }
    this.#timer ??= setInterval(() => this.renewAll(), LEASE_MS / 3).unref();
  }

  letGo(keys: readonly string[], name: string): void {
    for (const key of keys) {
      const names = this.#held.get(key);
      if (names?.delete(name) === true && names.size === 0) this.#held.delete(key);
    }
  }

  renewAll(): void {
    for (const [key, names] of this.#held) {
      const all = [...names];
      for (let i = 0; i < all.length; i += MAX_NAMES) this.#renew(key, all.slice(i, i + MAX_NAMES).join(' '));
    }
    if (this.#held.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
