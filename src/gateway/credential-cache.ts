// A thread's memory of credentials: bounded, coalescing, quick to forget, and steady while the database is away.

import { Lru } from '../lib/lru.ts';
import type { CredentialAnswer } from './messages.ts';
import type { Credential, CredentialLookup, PresentedText } from './ports.ts';

// Unknown ids live apart and shortly: guessing can neither push out known keys nor hammer the database with one wrong key.
const MAX_UNKNOWN = 1000;
const MAX_UNKNOWN_AGE_MS = 5000;
const MAX_PENDING = 1000;
const ANSWER_TIMEOUT_MS = 5000;
/** In the last part of its age, a credential that is used is asked for anew while it goes on: else all its calls would wait for the answer. */
const RENEWED_AFTER = 0.9;
/** Of one credential, asked in vain, so long until the next question. */
const RENEWAL_PAUSE_MS = 1000;
/** How long a call waits for news of a credential that is known, but old. */
const RENEWAL_TIMEOUT_MS = 1000;
/** While the database is away, it is asked for old credentials so often; calls do not wait for the answer. */
const PROBE_INTERVAL_MS = 1000;

export interface CacheLimits {
  readonly entries: number;
  /** An older credential is asked for anew. */
  readonly ageMs: number;
  /** When that cannot be answered, it goes on for so much longer. */
  readonly awayMs: number;
}

interface Known {
  readonly credential: Credential;
  /** When it is to be asked for while it is still fresh: until then there is nothing to be done about it. */
  renewAtMs: number;
  readonly freshUntilMs: number;
}

interface Pending {
  readonly promise: Promise<Credential | undefined>;
  readonly settle: (answer: CredentialAnswer, id: number) => void;
}

export interface CredentialCache {
  /** What `find` would only give back; undefined for what it has to do something about. */
  recall(publicId: string): Credential | undefined;
  find(publicId: string, presented: Pick<PresentedText, 'text'>): ReturnType<CredentialLookup['find']>;
  /** The main thread's answer to an `ask`. */
  answer(publicId: string, id: number, answer: CredentialAnswer): void;
  forget(publicIds: readonly string[] | 'all'): void;
}

export interface CredentialCacheOptions {
  readonly ask: (publicId: string, id: number, text: string) => void;
  readonly nowMs: () => number;
  readonly limits: CacheLimits;
}

/**
 * Where keys are known elsewhere and only by their whole texts: what is remembered of one text says nothing of another, or whoever has seen
 * a public id could bring a wrong secret with it and have the right one refused.
 */
export function toTextLookup(cache: CredentialCache): CredentialLookup {
  return {
    recall: (_publicId, digest) => cache.recall(digest),
    find: (_publicId, presented) => cache.find(presented.digest, presented),
  };
}

export function createCredentialCache({ ask, nowMs, limits }: CredentialCacheOptions): CredentialCache {
  const known = new Lru<Known>({ maxEntries: limits.entries, maxAgeMs: limits.ageMs + limits.awayMs, nowMs });
  const unknown = new Lru<true>({ maxEntries: MAX_UNKNOWN, maxAgeMs: MAX_UNKNOWN_AGE_MS, nowMs });
  const pending = new Map<string, Pending>();
  let forgotten = 0;
  let asks = 0;
  let isAway = false;
  let nextProbeMs = Number.NEGATIVE_INFINITY;

  function look(publicId: string, text: string, timeoutMs: number): Promise<Credential | undefined> {
    if (pending.size >= MAX_PENDING) return Promise.reject(new Error('too many credential look-ups are waiting'));
    let asked = forgotten;
    let askId = ++asks;
    const { promise, resolve, reject } = Promise.withResolvers<Credential | undefined>();
    const timer = setTimeout(() => settle({ state: 'unavailable' }, askId), timeoutMs);
    const settle = (answer: CredentialAnswer, id: number): void => {
      if (id !== askId) return; // The late answer to a question that was given up.
      // What was read before something was forgotten may be the old state, and whoever came after it must not get that.
      if (asked !== forgotten && (answer.state === 'known' || answer.state === 'unknown')) {
        asked = forgotten;
        askId = ++asks;
        ask(publicId, askId, text);
        return;
      }
      clearTimeout(timer);
      pending.delete(publicId);
      if (answer.state !== 'declined') isAway = answer.state === 'unavailable';
      switch (answer.state) {
        case 'known':
          known.set(publicId, toKnown(answer.credential));
          resolve(answer.credential);
          return;
        case 'unknown':
          known.delete(publicId);
          unknown.set(publicId, true);
          resolve(undefined);
          return;
        case 'declined':
        case 'unavailable': {
          const old = known.get(publicId);
          if (old === undefined) reject(new Error('the credential could not be looked up'));
          else resolve(old.credential);
        }
      }
    };
    pending.set(publicId, { promise, settle });
    ask(publicId, askId, text);
    return promise;
  }

  function toKnown(credential: Credential): Known {
    const now = nowMs();
    return { credential, renewAtMs: now + RENEWED_AFTER * limits.ageMs, freshUntilMs: now + limits.ageMs };
  }

  /** For a credential that will soon be older than it should be: nobody waits. */
  function renewAhead(publicId: string, text: string, aging: Known, now: number): void {
    if (now < aging.renewAtMs || pending.has(publicId) || pending.size >= MAX_PENDING) return;
    if (isAway && now < nextProbeMs) return;
    if (isAway) nextProbeMs = now + PROBE_INTERVAL_MS;
    aging.renewAtMs = Math.min(aging.freshUntilMs, now + RENEWAL_PAUSE_MS);
    look(publicId, text, RENEWAL_TIMEOUT_MS).catch(() => undefined);
  }

  /** For a credential that is older than it should be. Whoever waits gets the old one only if it was not forgotten meanwhile. */
  function renew(publicId: string, text: string, old: Credential): Credential | Promise<Credential | undefined> {
    const renewal = pending.get(publicId)?.promise;
    const isFull = pending.size >= MAX_PENDING;
    if (!isAway && renewal !== undefined) return renewal;
    if (!isAway && !isFull) return look(publicId, text, RENEWAL_TIMEOUT_MS);
    if (renewal === undefined && !isFull && nowMs() >= nextProbeMs) {
      nextProbeMs = nowMs() + PROBE_INTERVAL_MS;
      look(publicId, text, ANSWER_TIMEOUT_MS).catch(() => undefined);
    }
    return old;
  }

  return {
    recall(publicId) {
      const now = nowMs();
      const found = known.get(publicId, now);
      return found !== undefined && now < found.renewAtMs ? found.credential : undefined;
    },
    find(publicId, { text }) {
      const found = known.get(publicId);
      if (found !== undefined) {
        const now = nowMs();
        if (now >= found.freshUntilMs) return renew(publicId, text, found.credential);
        renewAhead(publicId, text, found, now);
        return found.credential;
      }
      if (unknown.get(publicId) !== undefined) return undefined;
      return pending.get(publicId)?.promise ?? look(publicId, text, ANSWER_TIMEOUT_MS);
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
