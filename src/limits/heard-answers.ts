// What this thread has heard from Redis and not yet noted for the node's other threads. Noting a caller's counters costs about as much as
// counting in memory; so it is done for a caller's last answer of a moment, and not for each. Whoever counts without Redis notes first.

/** How often some of it is noted. */
const TICK_MS = 20;
/** In so many ticks all of it is: a quarter of a second. */
const TICKS = 12;
/** What is more than this is noted at once. */
const MAX_SETS = 10_000;

export class HeardAnswers<Heard> {
  readonly #note: (set: Heard) => void;
  /** The first that was heard first. */
  readonly #sets = new Set<Heard>();
  #timer: NodeJS.Timeout | undefined;
  /** Noted in a tick; does not shrink while something is left, or the last ones would wait long. */
  #share = 0;

  constructor(note: (set: Heard) => void) {
    this.#note = note;
  }

  add(set: Heard): void {
    this.#sets.add(set);
    if (this.#sets.size > MAX_SETS) this.noteAll();
    this.#timer ??= setInterval(() => this.#noteSome(), TICK_MS).unref();
  }

  noteAll(): void {
    for (const set of this.#sets) this.#note(set);
    this.#sets.clear();
  }

  /** A share in each tick, so that no request waits for all of them. */
  #noteSome(): void {
    this.#share = Math.max(this.#share, Math.ceil(this.#sets.size / TICKS));
    let left = this.#share;
    for (const set of this.#sets) {
      if (left-- === 0) break;
      this.#sets.delete(set);
      this.#note(set);
    }
    if (this.#sets.size > 0) return;
    this.#share = 0;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
