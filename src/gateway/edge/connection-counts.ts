// How many connections there are, in all and from each address, over all gateway threads of the process: one table in shared memory, and
// a lock around it, since connections come and go a thousand times more seldom than requests.

import { toAddressBlock } from '../../lib/address-block.ts';

/** Where in the memory the lock, the total and the table stand, in words. */
const LOCK = 0;
const TOTAL = 1;
const TABLE = 2;
/** Two words of the address, the thread, and how many. */
const ENTRY = 4;
/** An entry's thread when it counts those of all. */
const ALL = 0;
/** A held lock is looked at again after that, in case nobody says that it is free. */
const LOCK_PATIENCE_MS = 1;

/** For so many connections at a time. Each takes at most two entries, and a third of them stays empty, so that searches are short. */
export function createConnectionCounts(connections: number): SharedArrayBuffer {
  const entries = 2 ** Math.ceil(Math.log2(connections * 3 + 1));
  return new SharedArrayBuffer((TABLE + entries * ENTRY) * Int32Array.BYTES_PER_ELEMENT);
}

/** How many there are, in all threads together. */
export function readConnections(memory: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(memory), TOTAL);
}

export interface ConnectionLimits {
  readonly connections: number;
  /** From one IPv4 address, or one /64 of IPv6. */
  readonly connectionsPerAddress: number;
}

export class ConnectionCounts {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #thread: number;
  readonly #mask: number;

  /** `thread`: the number of the one that counts here, from 1 on. */
  constructor(memory: SharedArrayBuffer, thread: number) {
    this.#words = new Int32Array(memory);
    this.#thread = thread;
    this.#mask = (this.#words.length - TABLE) / ENTRY - 1;
  }

  /** Counts a connection from this address, unless it would be one too many. */
  admit(address: string, limits: ConnectionLimits): boolean {
    const key = toKey(address);
    return this.#locked(() => {
      if (this.#word(TOTAL) >= limits.connections) return false;
      if (this.#count(this.#find(key, ALL)) >= limits.connectionsPerAddress) return false;
      this.#add(key, ALL, 1);
      this.#add(key, this.#thread, 1);
      this.#words[TOTAL] = this.#word(TOTAL) + 1;
      return true;
    });
  }

  release(address: string): void {
    const key = toKey(address);
    this.#locked(() => this.#take(key, this.#thread, 1));
  }

  /** Gives back all that a thread held that has died, and the lock, too. */
  forget(thread: number): void {
    Atomics.compareExchange(this.#words, LOCK, thread, 0);
    this.#locked(() => {
      const held: (readonly [Key, number])[] = [];
      for (let at = TABLE; at < this.#words.length; at += ENTRY) {
        if (this.#count(at) > 0 && this.#word(at + 2) === thread)
          held.push([[this.#word(at), this.#word(at + 1)], this.#count(at)]);
      }
      for (const [key, count] of held) this.#take(key, thread, count);
    });
  }

  #take(key: Key, thread: number, count: number): void {
    this.#add(key, thread, -count);
    this.#add(key, ALL, -count);
    this.#words[TOTAL] = this.#word(TOTAL) - count;
  }

  #locked<T>(work: () => T): T {
    while (Atomics.compareExchange(this.#words, LOCK, 0, this.#thread) !== 0)
      Atomics.wait(this.#words, LOCK, Atomics.load(this.#words, LOCK) || this.#thread, LOCK_PATIENCE_MS);
    try {
      return work();
    } finally {
      Atomics.store(this.#words, LOCK, 0);
      Atomics.notify(this.#words, LOCK, 1);
    }
  }

  #word(at: number): number {
    return this.#words[at] ?? 0;
  }

  #count(at: number): number {
    return this.#word(at + 3);
  }

  #home([high, low]: Key, thread: number): number {
    let hash = Math.imul(high ^ Math.imul(low, 0x9e37_79b1), 0x85eb_ca6b) ^ Math.imul(thread, 0xc2b2_ae35);
    hash ^= hash >>> 15;
    return Math.imul(hash, 0x27d4_eb2f) >>> 0;
  }

  /** Where the entry stands, or the empty place where it would. */
  #find(key: Key, thread: number): number {
    for (let i = this.#home(key, thread) & this.#mask; ; i = (i + 1) & this.#mask) {
      const at = TABLE + i * ENTRY;
      if (this.#count(at) === 0) return at;
      if (this.#word(at) === key[0] && this.#word(at + 1) === key[1] && this.#word(at + 2) === thread) return at;
    }
  }

  #add(key: Key, thread: number, count: number): void {
    const at = this.#find(key, thread);
    const sum = this.#count(at) + count;
    if (sum <= 0) {
      this.#remove((at - TABLE) / ENTRY);
      return;
    }
    this.#words.set([key[0], key[1], thread, sum], at);
  }

  /** Fills the hole with what was put behind it for want of a better place, so that no search ends too early (Knuth, 6.4, algorithm R). */
  #remove(index: number): void {
    let hole = index;
    for (let i = (hole + 1) & this.#mask; ; i = (i + 1) & this.#mask) {
      const at = TABLE + i * ENTRY;
      if (this.#count(at) === 0) break;
      const home = this.#home([this.#word(at), this.#word(at + 1)], this.#word(at + 2)) & this.#mask;
      const isBetween = ((i - home) & this.#mask) < ((i - hole) & this.#mask);
      if (isBetween) continue;
      this.#words.copyWithin(TABLE + hole * ENTRY, at, at + ENTRY);
      hole = i;
    }
    this.#words.fill(0, TABLE + hole * ENTRY, TABLE + (hole + 1) * ENTRY);
  }
}

type Key = readonly [high: number, low: number];

/** An IPv4 address, or the network of an IPv6 one, in 64 bits: two of them are never one. */
function toKey(address: string): Key {
  const group = toAddressBlock(address, 64);
  if (group.includes(':')) {
    const [a = 0, b = 0, c = 0, d = 0] = group.split(':').map((part) => Number.parseInt(part, 16));
    return [(a << 16) | b, (c << 16) | d];
  }
  // 0000::/8 is nobody's network (RFC 4291 §2.4): there is room for the others.
  if (group === '') return [2, 0];
  const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
  return [1, (a << 24) | (b << 16) | (c << 8) | d];
}
