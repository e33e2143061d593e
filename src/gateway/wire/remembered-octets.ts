// Octets that were read before, to be compared with what comes: four at a time, as Buffer's own comparison costs more for so few.

const NOTHING = new DataView(new ArrayBuffer(0));

/** What was compared with last, for reading it in fours: nearly always the buffer that a thread reads into. */
let compared: Uint8Array | undefined;
let view: DataView = NOTHING;

export class RememberedOctets {
  readonly #most: number;
  #view = NOTHING;
  /** How many there are; 0 for none. */
  length = 0;

  /** What is longer than `most` is not remembered: what a connection keeps must be little. */
  constructor(most: number) {
    this.#most = most;
  }

  /** From now on those between `start` and `end`. */
  set(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.length = 0;
    if (length > this.#most) return;
    if (this.#view.byteLength < length) this.#view = new DataView(new ArrayBuffer(length));
    const own = this.#view;
    const from = toView(bytes);
    let i = 0;
    for (; i + 4 <= length; i += 4) own.setInt32(i, from.getInt32(start + i));
    for (; i < length; i++) own.setInt8(i, from.getInt8(start + i));
    this.length = length;
  }

  /** Whether the octets from `at` on are all of these; there are as many at least. */
  standAt(bytes: Uint8Array, at: number): boolean {
    const { length } = this;
    const own = this.#view;
    const others = toView(bytes);
    let i = 0;
    for (; i + 4 <= length; i += 4) if (own.getInt32(i) !== others.getInt32(at + i)) return false;
    for (; i < length; i++) if (own.getInt8(i) !== others.getInt8(at + i)) return false;
    return true;
  }
}

function toView(bytes: Uint8Array): DataView {
  if (bytes !== compared) {
    compared = bytes;
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return view;
}
