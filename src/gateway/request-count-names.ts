// Which gateway has which place in the counts, in shared memory: the threads compile the same gateways each for itself, and must agree.
// Places are given out in order and never taken back, so that whoever looks for a name finds it before the first place that is free.

const NAME_BYTES = 60;
const PLACE_BYTES = 4 + NAME_BYTES;
const PLACE_WORDS = PLACE_BYTES / Int32Array.BYTES_PER_ELEMENT;

const FREE = 0;
/** Its name is being written. */
const TAKEN = 1;
const NAMED = 2;
/** Writing a name takes no longer, unless the thread that did it is dead: then the place stays without one. */
const PATIENCE_MS = 100;

export class RequestCountNames {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #bytes: Buffer<SharedArrayBuffer>;
  readonly #places: number;
  /** Those that were found, and how many places were looked at for it. */
  readonly #known = new Map<string, number>();
  #looked = 0;

  static sizeBytes(places: number): number {
    return places * PLACE_BYTES;
  }

  /** At the beginning of the memory. */
  constructor(memory: SharedArrayBuffer, places: number) {
    this.#words = new Int32Array(memory, 0, places * PLACE_WORDS);
    this.#bytes = Buffer.from(memory, 0, places * PLACE_BYTES);
    this.#places = places;
  }

  /** The place of this name, from now on; undefined when all places are given out, or the name is too long. */
  placeOf(name: string): number | undefined {
    if (Buffer.byteLength(name) > NAME_BYTES) return undefined;
    for (; this.#looked < this.#places && !this.#known.has(name); this.#looked++) {
      const place = this.#looked;
      const isOurs = Atomics.compareExchange(this.#words, place * PLACE_WORDS, FREE, TAKEN) === FREE;
      if (isOurs) this.#write(place, name);
      else Atomics.wait(this.#words, place * PLACE_WORDS, TAKEN, PATIENCE_MS);
      const found = this.#read(place);
      if (found !== undefined) this.#known.set(found, place);
    }
    return this.#known.get(name);
  }

  /** By place; undefined where the name is being written, or a thread died over it. */
  list(): (string | undefined)[] {
    const names: (string | undefined)[] = [];
    for (let place = 0; place < this.#places && this.#state(place) !== FREE; place++) names.push(this.#read(place));
    return names;
  }

  #state(place: number): number {
    return Atomics.load(this.#words, place * PLACE_WORDS);
  }

  #write(place: number, name: string): void {
    this.#bytes.write(name, place * PLACE_BYTES + 4);
    Atomics.store(this.#words, place * PLACE_WORDS, NAMED);
    Atomics.notify(this.#words, place * PLACE_WORDS);
  }

  #read(place: number): string | undefined {
    if (this.#state(place) !== NAMED) return undefined;
    const from = place * PLACE_BYTES + 4;
    const name = this.#bytes.subarray(from, from + NAME_BYTES);
    const end = name.indexOf(0);
    return name.toString('utf8', 0, end < 0 ? NAME_BYTES : end);
  }
}
