// The last head of a connection, octet for octet, to be compared with what comes: four octets at a time, as Buffer's own comparison costs more
// for so few. It stands in one piece of memory, since what lies apart has to be fetched apart.

const NOTHING = new DataView(new ArrayBuffer(0));

/** What is longer is read each time: what a connection keeps must be little. */
const MAX_LINE = 256;
const MAX_SECTION = 2048;
/** Room for start lines that are a little longer than the first. */
const SPARE = 32;

/** What was compared with last, for reading it in fours: nearly always the buffer that a thread reads into. */
let compared: Uint8Array | undefined;
let view: DataView = NOTHING;

export class RememberedHead {
  /** The field section, and the start line behind it, which changes oftener. */
  #view = NOTHING;
  #sectionLength = 0;
  #lineLength = 0;

  /** How many octets the section has, with its empty line; 0 when none is remembered. */
  get sectionLength(): number {
    return this.#sectionLength;
  }

  /** How many octets the whole head has; 0 when it is not remembered. */
  get length(): number {
    return this.#lineLength === 0 ? 0 : this.#lineLength + this.#sectionLength;
  }

  /** From now on the head that begins at `start`, with its fields from `section` to `end`. */
  set(bytes: Uint8Array, start: number, section: number, end: number): void {
    this.#sectionLength = 0;
    this.#lineLength = 0;
    const length = end - section;
    if (length > MAX_SECTION) return;
    const needed = length + Math.min(MAX_LINE, section - start);
    if (this.#view.byteLength < needed) this.#view = new DataView(new ArrayBuffer(needed + SPARE));
    this.#copy(toView(bytes), section, length, 0);
    this.#sectionLength = length;
    this.setLine(bytes, start, section);
  }

  /** Another start line before the same section. */
  setLine(bytes: Uint8Array, start: number, end: number): void {
    this.#lineLength = 0;
    const length = end - start;
    const sectionLength = this.#sectionLength;
    if (sectionLength === 0 || length > MAX_LINE) return;
    if (this.#view.byteLength < sectionLength + length) {
      const larger = new DataView(new ArrayBuffer(sectionLength + length + SPARE));
      new Uint8Array(larger.buffer).set(new Uint8Array(this.#view.buffer, 0, sectionLength));
      this.#view = larger;
    }
    this.#copy(toView(bytes), start, length, sectionLength);
    this.#lineLength = length;
  }

  /** Whether the octets from `at` on, which go up to `end`, begin with all of the head. */
  standsAt(bytes: Uint8Array, at: number, end: number): boolean {
    const line = this.#lineLength;
    const section = this.#sectionLength;
    if (line === 0 || end - at < line + section) return false;
    const others = toView(bytes);
    return this.#equals(others, at, line, section) && this.#equals(others, at + line, section, 0);
  }

  /** Whether the octets from `at` on, which go up to `end`, begin with all of the section. */
  sectionStandsAt(bytes: Uint8Array, at: number, end: number): boolean {
    const length = this.#sectionLength;
    return length > 0 && end - at >= length && this.#equals(toView(bytes), at, length, 0);
  }

  #copy(others: DataView, at: number, length: number, ownAt: number): void {
    const own = this.#view;
    let i = 0;
    for (; i + 4 <= length; i += 4) own.setInt32(ownAt + i, others.getInt32(at + i));
    for (; i < length; i++) own.setInt8(ownAt + i, others.getInt8(at + i));
  }

  #equals(others: DataView, at: number, length: number, ownAt: number): boolean {
    const own = this.#view;
    let i = 0;
    for (; i + 4 <= length; i += 4) if (own.getInt32(ownAt + i) !== others.getInt32(at + i)) return false;
    for (; i < length; i++) if (own.getInt8(ownAt + i) !== others.getInt8(at + i)) return false;
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
