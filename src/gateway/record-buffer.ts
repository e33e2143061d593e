// Collects records and posts them in batches. When the main thread does not keep up, records are dropped and counted: recording
// can never slow a request, nor fill the memory.
//
// A record is written into a block of bytes at once. As text it would live until it is posted, and what lives on costs a collector that
// is made for what dies young far more than what it holds: half of a request's own share, when records waited for a while.

import type { ExchangeRecord, UsageSink } from './ports.ts';

/** A batch is what a block holds: several hundred records. */
const BLOCK_BYTES = 131_072;
/** What waits to be posted holds no more blocks than this. */
const MAX_WAITING = 64;
const BATCH_AGE_MS = 100;
const MAX_UNDERWAY = 4;
/** An octet of UTF-8 for a code unit at the least, three at the most. */
const MAX_UTF8 = 3;

export interface RecordBuffer extends UsageSink {
  /** Posts everything that is buffered. */
  flush(): void;
  /** A posted batch was taken care of; its memory, when it comes back, is used again. */
  acknowledge(memory?: ArrayBuffer): void;
}

/** `records` are each an ExchangeRecord as JSON with a comma after it, in UTF-8; the memory is the receiver's. */
export type PostRecords = (records: Uint8Array<ArrayBuffer>, dropped: number) => void;

interface Block {
  readonly bytes: Buffer<ArrayBuffer>;
  end: number;
}

export function createRecordBuffer(post: PostRecords): RecordBuffer {
  const waiting: Block[] = [];
  /** Memory that came back. */
  const spare: ArrayBuffer[] = [];
  let block: Block | undefined;
  let dropped = 0;
  let underway = 0;
  let timer: NodeJS.Timeout | undefined;

  function postOldest(): void {
    const { bytes, end } = waiting.shift() ?? { bytes: Buffer.alloc(0), end: 0 };
    underway++;
    post(new Uint8Array(bytes.buffer, 0, end), dropped);
    dropped = 0;
  }

  function closeBlock(): void {
    if (block !== undefined) waiting.push(block);
    block = undefined;
  }

  function postWhenFree(): void {
    while (waiting.length > 0 && underway < MAX_UNDERWAY) postOldest();
  }

  function onAge(): void {
    timer = undefined;
    closeBlock();
    postWhenFree();
  }

  /** A block with room for so many bytes; undefined when what waits is all that may. */
  function open(room: number): Block | undefined {
    closeBlock();
    postWhenFree();
    if (waiting.length >= MAX_WAITING) return undefined;
    // Only a record that is larger than a block needs memory of its own size.
    const memory = room > BLOCK_BYTES ? new ArrayBuffer(room) : (spare.pop() ?? new ArrayBuffer(BLOCK_BYTES));
    block = { bytes: Buffer.from(memory), end: 0 };
    timer ??= setTimeout(onAge, BATCH_AGE_MS);
    return block;
  }

  return {
    record(record) {
      const room = (record.length + 1) * MAX_UTF8;
      const into = block !== undefined && block.bytes.length - block.end >= room ? block : open(room);
      if (into === undefined) {
        dropped++;
        return;
      }
      into.end += into.bytes.write(record, into.end, 'utf8');
      into.bytes[into.end++] = COMMA;
    },
    flush() {
      clearTimeout(timer);
      onAge();
      while (waiting.length > 0) postOldest();
      if (dropped > 0) postOldest();
    },
    acknowledge(memory) {
      underway--;
      if (memory?.byteLength === BLOCK_BYTES && spare.length < MAX_UNDERWAY) spare.push(memory);
      postWhenFree();
    },
  };
}

const COMMA = 0x2c;

/** What was posted, on the other side. */
export function readRecords(batch: Uint8Array<ArrayBuffer>): ExchangeRecord[] {
  const text = Buffer.from(batch.buffer, 0, Math.max(0, batch.length - 1)).toString('utf8');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by our own thread a moment ago: record.ts
  return JSON.parse(`[${text}]`) as ExchangeRecord[];
}
