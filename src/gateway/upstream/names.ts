// Where the names of targets lead, kept up to date: each is asked for again when its time to live is over, and what was known last holds until
// there is something newer. No request waits for that.

import type { Cancellable } from '../exchange.ts';
import type { Place } from '../plan.ts';
import type { AskName, NameAnswer } from './ask-name.ts';
import type { DnsName } from './target.ts';

export interface Names {
  /** Undefined as long as nobody knows, or where the system has to be asked for each connection. A new name is asked for from then on. */
  known(name: DnsName): readonly Place[] | undefined;
  /** Tells of every change. Names that nobody watches are forgotten. */
  watch(name: DnsName, onChange: () => void): Cancellable;
  /** Resolves when all services have been asked for once, with an answer or without, or after so long. Hosts can be looked up meanwhile. */
  settled(patienceMs: number): Promise<void>;
}

export interface NamesDeps {
  readonly ask: AskName;
  readonly later: (callback: () => void, ms: number) => Cancellable;
}

const LEAST_TTL_MS = 1000;
const MOST_TTL_MS = 300_000;
/** After failures in a row, twice as long with each. */
const FIRST_PAUSE_MS = 1000;
const LAST_PAUSE_MS = 30_000;

export function createNames(deps: NamesDeps): Names {
  const entries = new Map<string, Entry>();

  function entryOf(name: DnsName): Entry {
    const key = `${name.kind} ${name.name}`;
    let entry = entries.get(key);
    if (entry === undefined) {
      entry = new Entry(name, deps, () => entries.delete(key));
      entries.set(key, entry);
    }
    return entry;
  }

  return {
    known: (name) => entryOf(name).places,
    watch: (name, onChange) => entryOf(name).watch(onChange),
    async settled(patienceMs) {
      const asked = [...entries.values()].filter(({ name, isAsked }) => name.kind === 'srv' && !isAsked);
      if (asked.length === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const patience = deps.later(resolve, patienceMs);
      void Promise.all(asked.map(({ first }) => first)).then(() => resolve());
      await promise;
      patience.cancel();
    },
  };
}

class Entry {
  places: readonly Place[] | undefined = undefined;
  /** Resolves when it has been asked for once. */
  readonly first: Promise<void>;
  isAsked = false;
  readonly name: DnsName;
  readonly #deps: NamesDeps;
  readonly #onForget: () => void;
  readonly #watchers = new Set<() => void>();
  #failures = 0;
  #next: Cancellable | undefined = undefined;
  #isForgotten = false;

  constructor(name: DnsName, deps: NamesDeps, onForget: () => void) {
    this.name = name;
    this.#deps = deps;
    this.#onForget = onForget;
    this.first = this.#ask();
  }

  watch(onChange: () => void): Cancellable {
    const watcher = (): void => onChange();
    this.#watchers.add(watcher);
    return {
      cancel: () => {
        if (this.#watchers.delete(watcher) && this.#watchers.size === 0) this.#forget();
      },
    };
  }

  async #ask(): Promise<void> {
    // Whatever the cause: what was known last is better than nothing.
    const answer = await this.#deps.ask(this.name).catch(() => undefined);
    this.isAsked = true;
    if (answer !== undefined) this.#take(answer);
    else this.#askIn(Math.min(FIRST_PAUSE_MS * 2 ** this.#failures++, LAST_PAUSE_MS));
  }

  #take(answer: NameAnswer | 'system'): void {
    this.#failures = 0;
    const places = answer === 'system' ? undefined : answer.places.toSorted(byAddress);
    this.#askIn(answer === 'system' ? LAST_PAUSE_MS : Math.min(MOST_TTL_MS, Math.max(LEAST_TTL_MS, answer.ttlMs)));
    if (this.#isForgotten || JSON.stringify(places) === JSON.stringify(this.places)) return;
    this.places = places;
    for (const tell of this.#watchers) tell();
  }

  #askIn(ms: number): void {
    if (this.#isForgotten) return;
    this.#next = this.#deps.later(() => {
      // It was asked for by a configuration that was never served.
      if (this.#watchers.size === 0) this.#forget();
      else void this.#ask();
    }, ms);
  }

  #forget(): void {
    this.#isForgotten = true;
    this.#next?.cancel();
    this.#onForget();
  }
}

function byAddress(a: Place, b: Place): number {
  if (a.address !== b.address) return a.address < b.address ? -1 : 1;
  return (a.port ?? 0) - (b.port ?? 0);
}
