// Records as bytes in a block of memory, on their way from a gateway thread to whoever stores them.
//
// Most of a record says what the one before it on the same connection said. That part is written once a block, as JSON; a record is then a row
// of numbers that tells where its part stands. A row makes no garbage, and is short.

import type { Exchange } from './exchange.ts';
import type { ExchangeRecord } from './ports.ts';
import { type SharedPart, toSeldom, toShared, toStatus } from './record.ts';

// A part:  PART u8, length u32, JSON in UTF-8.
// A row:   ROW u8, length of the id u8, length of what few records say u32, place of its part u32, status u16, then as doubles the time of
//          its begin, its duration, that to the upstream's first byte (NaN when none came), the bytes of its request and of its answer;
//          then the id in Latin-1 and what few records say, as JSON in UTF-8.
const PART = 1;
const ROW = 2;
const PART_BYTES = 5;
const ROW_BYTES = 52;
/** An octet of UTF-8 for a code unit at the least, three at the most. */
const MAX_UTF8 = 3;

/** Counts the blocks of this thread: a part knows by it whether it stands in this one. */
let blocks = 0;

export class RecordBlock {
  readonly #bytes: Buffer<ArrayBuffer>;
  readonly #view: DataView<ArrayBuffer>;
  readonly #number = ++blocks;
  #end = 0;

  constructor(memory: ArrayBuffer) {
    this.#bytes = Buffer.from(memory);
    this.#view = new DataView(memory);
  }

  /** What was written. */
  get written(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes.buffer, 0, this.#end);
  }

  /** Writes the record of an exchange; false when there is not room enough. */
  add(exchange: Exchange, durationMs: number): boolean {
    const shared = toShared(exchange);
    const seldom = toSeldom(exchange);
    if (this.#bytes.length - this.#end < this.#roomFor(shared, exchange.id, seldom)) return false;
    if (shared.block !== this.#number) this.#addPart(shared);
    const { id } = exchange;
    const view = this.#view;
    const at = this.#end;
    view.setUint8(at, ROW);
    view.setUint8(at + 1, id.length);
    view.setUint32(at + 6, shared.at);
    view.setUint16(at + 10, toStatus(exchange));
    view.setFloat64(at + 12, exchange.startedAtMs);
    view.setFloat64(at + 20, durationMs);
    view.setFloat64(at + 28, exchange.upstreamMs);
    view.setFloat64(at + 36, exchange.requestBytes);
    view.setFloat64(at + 44, exchange.responseBytes);
    this.#bytes.write(id, at + ROW_BYTES, 'latin1');
    const end = at + ROW_BYTES + id.length;
    const seldomBytes = seldom === '' ? 0 : this.#bytes.write(seldom, end, 'utf8');
    view.setUint32(at + 2, seldomBytes);
    this.#end = end + seldomBytes;
    return true;
  }

  #addPart(shared: SharedPart): void {
    const at = this.#end;
    const length = this.#bytes.write(shared.text, at + PART_BYTES, 'utf8');
    this.#view.setUint8(at, PART);
    this.#view.setUint32(at + 1, length);
    shared.block = this.#number;
    shared.at = at;
    this.#end = at + PART_BYTES + length;
  }

  #roomFor(shared: SharedPart, id: string, seldom: string): number {
    const part = shared.block === this.#number ? 0 : PART_BYTES + shared.text.length * MAX_UTF8;
    return part + ROW_BYTES + id.length + seldom.length * MAX_UTF8;
  }
}

/** The memory of a block that has room for this record, whatever else. */
export function bytesFor(exchange: Exchange): number {
  const texts = toShared(exchange).text.length + toSeldom(exchange).length;
  return PART_BYTES + ROW_BYTES + exchange.id.length + texts * MAX_UTF8;
}

/** The record of one exchange, for whoever takes it at once. */
export function toRecord(exchange: Exchange, durationMs: number): ExchangeRecord {
  const block = new RecordBlock(new ArrayBuffer(bytesFor(exchange)));
  block.add(exchange, durationMs);
  const [record] = readRecords(block.written);
  if (record === undefined) throw new Error('a block that has no room for what it was made for');
  return record;
}

/** What blocks hold, on the other side. */
export function readRecords(written: Uint8Array<ArrayBuffer>): ExchangeRecord[] {
  const bytes = Buffer.from(written.buffer, 0, written.length);
  const view = new DataView(written.buffer);
  const parts = new Map<number, Partial<ExchangeRecord>>();
  const records: ExchangeRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    if (view.getUint8(at) === PART) {
      const end = at + PART_BYTES + view.getUint32(at + 1);
      parts.set(at, parse(bytes, at + PART_BYTES, end));
      at = end;
      continue;
    }
    const idEnd = at + ROW_BYTES + view.getUint8(at + 1);
    const end = idEnd + view.getUint32(at + 2);
    const upstreamMs = view.getFloat64(at + 28);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its parts were written by our own thread a moment ago
    records.push({
      ...parts.get(view.getUint32(at + 6)),
      requestId: bytes.toString('latin1', at + ROW_BYTES, idEnd),
      startedAtMs: view.getFloat64(at + 12),
      durationMs: toMicroseconds(view.getFloat64(at + 20)),
      ...(!Number.isNaN(upstreamMs) && { upstreamMs: toMicroseconds(upstreamMs) }),
      status: view.getUint16(at + 10),
      requestBytes: view.getFloat64(at + 36),
      responseBytes: view.getFloat64(at + 44),
      rateLimited: false,
      authFailed: false,
      ...(end > idEnd && parse(bytes, idEnd, end)),
    } as ExchangeRecord);
    at = end;
  }
  return records;
}

function parse(bytes: Buffer, from: number, end: number): Partial<ExchangeRecord> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by our own thread a moment ago: record.ts
  return JSON.parse(bytes.toString('utf8', from, end)) as Partial<ExchangeRecord>;
}

/** Finer than that is noise. */
function toMicroseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
