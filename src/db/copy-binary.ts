// Rows as COPY takes them in its binary format (PostgreSQL's reference of COPY, "Binary Format"): what is a number here is never written as text,
// which the database would have to read again.

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
/** Behind the signature: no flags, and no extension of the header. */
const HEADER_BYTES = SIGNATURE.length + 8;
const LENGTH_BYTES = 4;
const NULL = -1;
const END = -1;
/** An octet of UTF-8 for a code unit at the least, three at the most. */
const MAX_UTF8 = 3;
const FIRST_BYTES = 65_536;
/** Times count from the begin of 2000 in UTC, in microseconds. */
const EPOCH_MS = Date.UTC(2000, 0, 1);
const JSONB_VERSION = 1;
const TWO_32 = 2 ** 32;

/** Each row has its fields in the order of the statement's columns; undefined is NULL. */
export class CopyRows {
  readonly #columns: number;
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #end = HEADER_BYTES;

  constructor(columns: number) {
    this.#columns = columns;
    this.#bytes.fill(0, 0, HEADER_BYTES);
    this.#bytes.set(SIGNATURE);
  }

  beginRow(): void {
    this.#end = this.#room(2).writeInt16BE(this.#columns, this.#end);
  }

  /** `text`: without NUL, and well-formed. */
  addText(value: string | undefined): void {
    if (value === undefined) this.#addNull();
    else this.#addString(value, -1);
  }

  /** `jsonb`. */
  addJson(value: unknown): void {
    if (value === undefined) this.#addNull();
    else this.#addString(JSON.stringify(value), JSONB_VERSION);
  }

  /** `boolean`. */
  addBoolean(value: boolean): void {
    const bytes = this.#beginField(1);
    this.#end = bytes.writeUInt8(value ? 1 : 0, this.#end);
  }

  /** `integer`. */
  addInteger(value: number): void {
    const bytes = this.#beginField(4);
    this.#end = bytes.writeInt32BE(value, this.#end);
  }

  /** `bigint`, up to 2^53. */
  addBigInteger(value: number): void {
    const bytes = this.#beginField(8);
    const high = Math.floor(value / TWO_32);
    this.#end = bytes.writeInt32BE(high, this.#end);
    this.#end = bytes.writeUInt32BE(value - high * TWO_32, this.#end);
  }

  /** `double precision`. */
  addDouble(value: number | undefined): void {
    if (value === undefined) {
      this.#addNull();
      return;
    }
    const bytes = this.#beginField(8);
    this.#end = bytes.writeDoubleBE(value, this.#end);
  }

  /** `timestamptz`, from whole milliseconds since 1970. */
  addTime(epochMs: number): void {
    this.addBigInteger((epochMs - EPOCH_MS) * 1000);
  }

  /** All of it, once. */
  finish(): Uint8Array<ArrayBuffer> {
    this.#end = this.#room(2).writeInt16BE(END, this.#end);
    return this.#bytes.subarray(0, this.#end);
  }

  #addString(value: string, version: number): void {
    const bytes = this.#room(LENGTH_BYTES + 1 + value.length * MAX_UTF8);
    const start = this.#end + LENGTH_BYTES;
    let end = start;
    if (version >= 0) end = bytes.writeUInt8(version, end);
    end += bytes.write(value, end);
    bytes.writeInt32BE(end - start, this.#end);
    this.#end = end;
  }

  #addNull(): void {
    this.#end = this.#room(LENGTH_BYTES).writeInt32BE(NULL, this.#end);
  }

  #beginField(length: number): Buffer {
    const bytes = this.#room(LENGTH_BYTES + length);
    this.#end = bytes.writeInt32BE(length, this.#end);
    return bytes;
  }

  #room(needed: number): Buffer {
    if (this.#bytes.length - this.#end < needed) {
      const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#end + needed));
      larger.set(this.#bytes.subarray(0, this.#end));
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}
