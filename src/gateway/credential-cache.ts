// A thread's memory of credentials: bounded, coalescing, and quick to forget.

import { Lru } from '../lib/lru.ts';
import type { CredentialAnswer } from './messages.ts';
import type { Credential, CredentialLookup } from './ports.ts';

const MAX_KNOWN = 10_000;
const MAX_KNOWN_AGE_MS = 300_000;
// Unknown ids live apart and shortly: guessing can neither push out known keys nor hammer the database with one wrong key.
const MAX_UNKNOWN = 1000;
const MAX_UNKNOWN_AGE_MS = 5000;
const MAX_PENDING = 1000;
const ANSWER_TIMEOUT_MS = 5000;

interface Pending {
  readonly promise: Promise<Credential | undefined>;
  readonly settle: (answer: CredentialAnswer, id: number) => void;
}

export interface CredentialCache extends CredentialLookup {
  /** The main thread's answer to an `ask`. */
  answer(publicId: string, id: number, answer: CredentialAnswer): void;
  forget(publicIds: readonly string[] | 'all'): void;
}

export interface CredentialCacheOptions {
  readonly ask: (publicId: string, id: number) => void;
  readonly nowMs: () => number;
}

export function createCredentialCache({ ask, nowMs }: CredentialCacheOptions): CredentialCache {
  const known = new Lru<Credential>({ maxEntries: MAX_KNOWN, maxAgeMs: MAX_KNOWN_AGE_MS, nowMs });
  const unknown = new Lru<true>({ maxEntries: MAX_UNKNOWN, maxAgeMs: MAX_UNKNOWN_AGE_MS, nowMs });
  const pending = new Map<string, Pending>();
  let forgotten = 0;
  let asks = 0;

  function look(publicId: string): Promise<Credential | undefined> {
    if (pending.size >= MAX_PENDING) return Promise.reject(new Error('too many credential look-ups are waiting'));
    let asked = forgotten;
    let askId = ++asks;
    const { promise, resolve, reject } = Promise.withResolvers<Credential | undefined>();
    const timer = setTimeout(() => settle({ state: 'unavailable' }, askId), ANSWER_TIMEOUT_MS);
    const settle = (answer: CredentialAnswer, id: number): void => {
      if (id !== askId) return; // The late answer to a question that was given up.
      // What was read before something was forgotten may be the old state, and whoever came after it must not get that.
      if (asked !== forgotten && answer.state !== 'unavailable') {
        asked = forgotten;
        askId = ++asks;
        ask(publicId, askId);
        return;
      }
      clearTimeout(timer);
      pending.delete(publicId);
      switch (answer.state) {
        case 'known':
          known.set(publicId, answer.credential);
          resolve(answer.credential);
          return;
        case 'unknown':
          unknown.set(publicId, true);
          resolve(undefined);
          return;
        case 'unavailable':
          reject(new Error('the credential could not be looked up'));
      }
    };
    pending.set(publicId, { promise, settle });
    ask(publicId, askId);
    return promise;
  }

  return {
    find(publicId) {
      const credential = known.get(publicId);
      if (credential !== undefined) return credential;
      if (unknown.get(publicId) !== undefined) return undefined;
      return pending.get(publicId)?.promise ?? look(publicId);
    },
    answer(publicId, id, answer) {
      pending.get(publicId)?.settle(answer, id);
    },
    forget(publicIds) {
      forgotten++;
      if (publicIds === 'all') {
        known.clear();
        unknown.clear();
        return;
      }
      for (const publicId of publicIds) {
        known.delete(publicId);
        unknown.delete(publicId);
      }
    },
  };
}
