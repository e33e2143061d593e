// What an import could not carry over: told, a line for each kind and reason, with some of the places. Pure.

import type { NotCarried } from './import-schema.ts';

/** More places than these help nobody. */
const MAX_PLACES = 20;
const MAX_LINES = 500;

export class LeftBehind {
  readonly #lines = new Map<string, { what: string; why: string; count: number; places: string[] }>();

  /** `place` such as `GET /users/{id}`. */
  add(what: string, why: string, place: string): void {
    const key = `${what}\n${why}`;
    const line = this.#lines.get(key) ?? { what, why, count: 0, places: [] };
    line.count++;
    if (line.places.length < MAX_PLACES) line.places.push(place);
    if (this.#lines.has(key) || this.#lines.size < MAX_LINES) this.#lines.set(key, line);
  }

  list(): NotCarried[] {
    return [...this.#lines.values()];
  }
}
