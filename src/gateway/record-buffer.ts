// Collects records and posts them in batches. When the main thread does not keep up, records are dropped and counted: recording
// can never slow a request, nor fill the memory.
//
// A record is written into a block of bytes at once (record-block.ts). As text it would live until it is posted, and what lives on costs a
// collector that is made for what dies young far more than what it holds: half of a request's own share, when records waited for a while.

import type { UsageSink } from './ports.ts';
import { bytesFor, RecordBlock } from './record-block.ts';

/** A batch is what a block holds: several hundred records. */
const BLOCK_BYTES = 65_536;
/** What waits to be posted holds no more blocks than this. */
const MAX_WAITING = 256;
const BATCH_AGE_MS = 100;
const MAX_UNDERWAY = 4;

export interface RecordBuffer extends UsageSink {
  /** Posts everything that is buffered. */
  flush(): void;
  /** A posted batch was taken care of; its memory, when it comes back, is used again. */
  acknowledge(memory?: ArrayBuffer): void;
}

/** `records` is what a block holds, for `readRecords`; the memory is the receiver's. */
export type PostRecords = (records: Uint8Array<ArrayBuffer>, dropped: number) => void;

export function createRecordBuffer(post: PostRecords): RecordBuffer {
  const waiting: RecordBlock[] = [];
  /** Memory that came back. */
  const spare: ArrayBuffer[] = [];
  let block: RecordBlock | undefined;
  let dropped = 0;
  let underway = 0;
  let timer: NodeJS.Timeout | undefined;

  function postOldest(): void {
    underway++;
    post(waiting.shift()?.written ?? new Uint8Array(0), dropped);
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

  /** An empty block, of so many bytes at the least; undefined when what waits is all that may. */
  function open(bytes: number): RecordBlock | undefined {
    closeBlock();
    postWhenFree();
    if (waiting.length >= MAX_WAITING) return undefined;
    // Only a record that is larger than a block needs memory of its own size.
    block = new RecordBlock(
      bytes > BLOCK_BYTES ? new ArrayBuffer(bytes) : (spare.pop() ?? new ArrayBuffer(BLOCK_BYTES)),
    );
    timer ??= setTimeout(onAge, BATCH_AGE_MS);
    return block;
  }

  return {
    record(exchange, durationMs) {
      if (block?.add(exchange, durationMs) === true) return;
      if (open(bytesFor(exchange))?.add(exchange, durationMs) !== true) dropped++;
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
