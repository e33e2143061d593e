// How many keys that nobody here knows yet may be asked for: whoever tries keys at random must not flood those who keep them, nor use up
// what the asker itself may ask.

import type { CallerLimit } from '../gateway/ports.ts';
import { WINDOW_SECONDS } from '../lib/window.ts';

const MAX_PER_SECOND = 100;
const MAX_AT_ONCE = 500;
/** Of what the asker may ask in a minute: a quarter at once, and a quarter while it passes. The rest is for keys that are known. */
const SHARE = 4;
/** An asker whose limits come to less will not get far. */
export const COMFORTABLE_PER_SECOND = 10;

export class Guesses {
  readonly #nowMs: () => number;
  #perSecond = MAX_PER_SECOND;
  #atOnce = MAX_AT_ONCE;
  #left = MAX_AT_ONCE;
  #countedMs: number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#countedMs = nowMs();
  }

  /** Holds from now on to what the asker itself may ask. */
  fit(limits: readonly CallerLimit[]): void {
    const minute = Math.min(...limits.map(perMinute));
    this.#perSecond = Math.min(MAX_PER_SECOND, minute / 60 / SHARE);
    this.#atOnce = Math.max(1, Math.min(MAX_AT_ONCE, Math.floor(minute / SHARE)));
    this.#left = Math.min(this.#left, this.#atOnce);
  }

  /** Whether one more may be asked for now. */
  take(): boolean {
    const now = this.#nowMs();
    this.#left = Math.min(this.#atOnce, this.#left + ((now - this.#countedMs) / 1000) * this.#perSecond);
    this.#countedMs = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}

/** What these limits come to over all of their time. */
export function sustainedPerSecond(limits: readonly CallerLimit[]): number {
  return Math.min(
    ...limits.map((limit) => ('window' in limit ? limit.limit / WINDOW_SECONDS[limit.window] : Infinity)),
  );
}

function perMinute(limit: CallerLimit): number {
  return 'window' in limit && limit.window === 'minute' ? limit.limit : Infinity;
}
