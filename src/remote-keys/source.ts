// Keys that another Tollgate keeps, for one that keeps none: who is asked for what, how often, and what holds when nobody answers. What was
// answered is remembered by the gateway threads; here is only what keeps the questions few.

import type { Credential } from '../gateway/ports.ts';
import { hashKeyText } from '../lib/key-text.ts';
import { Lru } from '../lib/lru.ts';
import { toPeppers } from '../lib/pepper.ts';
import { parsePresentedKey } from '../lib/presented-key.ts';
import { toCredential, toLimits, type Proof } from './answer.ts';
import type { Answer, Failure } from './ask.ts';
import { COMFORTABLE_PER_SECOND, Guesses, sustainedPerSecond } from './guesses.ts';

/** Questions at once; of keys that are not known, half as many. */
const MAX_ASKS = 64;
/** A caller waits for the answer; nobody does for that about the asker's own key. */
const TIMEOUT_MS = 3000;
const CHECK_TIMEOUT_MS = 10_000;
const MIN_PAUSE_MS = 250;
const MAX_PAUSE_MS = 5000;
const KEYS_REMEMBERED = 10_000;

export interface RemoteKeysOptions {
  readonly ask: (text: string, timeoutMs: number) => Promise<Answer>;
  /** The key of whoever asks. */
  readonly ownKey: () => string;
  /** The pepper of this process: what is remembered of texts is of use in no other. */
  readonly secret: string;
  /** Whose the gateways are. */
  readonly tenantId: string;
  /** How long a key counts as known after the last answer. */
  readonly knownMs: number;
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
}

export interface RemoteKeys {
  /**
   * What the key permits; undefined when it is none. Rejects when nobody can tell. `declined`: nobody was asked, since too many were; that
   * says nothing of the other side.
   */
  find(text: string): Promise<Credential | undefined | 'declined'>;
  /** Whether the asker's own key does, and how often it may ask. */
  check(): Promise<Failure | undefined>;
}

export function createRemoteKeys(options: RemoteKeysOptions): RemoteKeys {
  const { ask, ownKey, secret, tenantId, nowMs, random, log } = options;
  const pepper = toPeppers(secret).current;
  const known = new Lru<true>({ maxEntries: KEYS_REMEMBERED, maxAgeMs: options.knownMs, nowMs });
  const guesses = new Guesses(nowMs);
  let asking = 0;
  let failures = 0;
  let closedUntilMs = Number.NEGATIVE_INFINITY;
  let told: string | undefined;
  let isChecked = false;

  function pause({ kind, reason, retryAfterMs = 0 }: Failure): void {
    if (told !== reason) log.error({ kind, reason }, 'the control plane cannot be asked: keys that are known go on');
    told = reason;
    const now = nowMs();
    if (now < closedUntilMs) return; // Another question that was under way with the first to fail.
    const longest = Math.min(MIN_PAUSE_MS * 2 ** failures, MAX_PAUSE_MS);
    closedUntilMs = now + Math.max(retryAfterMs, longest * (0.5 + random() / 2));
    failures++;
  }

  function goOn(): void {
    if (told !== undefined) log.info({}, 'the control plane answers again');
    told = undefined;
    failures = 0;
    closedUntilMs = Number.NEGATIVE_INFINITY;
    if (!isChecked) void check();
  }

  async function check(): Promise<Failure | undefined> {
    isChecked = true;
    const answer = await ask(ownKey(), CHECK_TIMEOUT_MS);
    if (answer.state === 'failed') {
      isChecked = false;
      pause(answer.failure);
      return answer.failure;
    }
    if (answer.state !== 'known') return undefined;
    const limits = toLimits(answer.key);
    guesses.fit(limits);
    if (sustainedPerSecond(limits) < COMFORTABLE_PER_SECOND) {
      const advice = 'give it a rateLimit of its own, such as {"requestsPerMinute": 6000}';
      log.warn(
        { limits },
        `the key with which the control plane is asked may be used too seldom for many callers: ${advice}`,
      );
    }
    return undefined;
  }

  return {
    check,
    async find(text) {
      // A typing error is told without a question.
      const presented = parsePresentedKey(text);
      if (presented === undefined) return undefined;
      if (nowMs() < closedUntilMs) throw new Error('the control plane cannot be asked now');
      const { publicId } = presented;
      const hash = hashKeyText(presented.proof, pepper.secret);
      const proof: Proof = { publicId, hash, pepper: pepper.id };
      const id = Buffer.from(hash).toString('base64');
      const isKnown = known.get(id) !== undefined;
      if (asking >= (isKnown ? MAX_ASKS : MAX_ASKS / 2) || (!isKnown && !guesses.take())) return 'declined';
      asking++;
      const answer = await ask(text, TIMEOUT_MS).finally(() => asking--);
      if (answer.state === 'failed') {
        pause(answer.failure);
        throw new Error(`the control plane cannot be asked: ${answer.failure.reason}`);
      }
      goOn();
      if (answer.state === 'known') known.set(id, true);
      else known.delete(id);
      return answer.state === 'known' ? toCredential(answer.key, proof, tenantId) : undefined;
    },
  };
}
