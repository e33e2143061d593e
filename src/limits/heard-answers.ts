// What this thread has heard from Redis and not yet noted for the node's other threads. Noting a caller's counters costs about as much as
// counting in memory; so it is done for a caller's last answer of a moment, and not for each. Whoever counts without Redis notes first.

/** How often some of it is noted. */
const TICK_MS = 20;
/** In so many ticks all of it is: a quarter of a second. */
const TICKS = 12;
/** What is more than this is noted at once. */
const MAX_SETS = 10_000;

/** What is heard of: it tells itself whether it waits to be noted, which a table of all would take longer to tell. */
export interface Hearable {
  isHeard: boolean;
}

export class HeardAnswers<Heard extends Hearable> {
  readonly #note: (set: Heard) => void;
  /** Those that wait, the one that was heard last at the end. */
  #sets: Heard[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** Noted in a tick; does not shrink while something is left, or the last ones would wait long. */
  #share = 0;

  constructor(note: (set: Heard) => void) {
    this.#note = note;
  }

  add(set: Heard): void {
    if (set.isHeard) return;
    set.isHeard = true;
    this.#sets.push(set);
    if (this.#sets.length > MAX_SETS) this.noteAll();
    this.#timer ??= setInterval(() => this.#noteSome(), TICK_MS).unref();
  }

  noteAll(): void {
    this.#noteEach(this.#sets);
    this.#sets = [];
  }

  /** A share in each tick, so that no request waits for all of them. */
  #noteSome(): void {
    this.#share = Math.max(this.#share, Math.ceil(this.#sets.length / TICKS));
    this.#noteEach(this.#sets.splice(0, this.#share));
    if (this.#sets.length > 0) return;
    this.#share = 0;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #noteEach(sets: readonly Heard[]): void {
    for (const set of sets) {
      set.isHeard = false;
      this.#note(set);
    }
  }
}
