// Collects records and posts them in batches. When the main thread does not keep up, records are dropped and counted: recording
// can never slow a request, nor fill the memory.

import type { UsageSink } from './ports.ts';

const BATCH_RECORDS = 500;
const BATCH_AGE_MS = 100;
const MAX_BUFFERED = 20_000;
const MAX_UNDERWAY = 4;

export interface RecordBuffer extends UsageSink {
  /** Posts everything that is buffered. */
  flush(): void;
  /** A posted batch was taken care of. */
  acknowledge(): void;
}

/** `records` is a list of ExchangeRecord as JSON. */
export type PostRecords = (records: string, dropped: number) => void;

export function createRecordBuffer(post: PostRecords): RecordBuffer {
  let buffered: string[] = [];
  let dropped = 0;
  let underway = 0;
  let timer: NodeJS.Timeout | undefined;

  function postAll(): void {
    clearTimeout(timer);
    timer = undefined;
    if (buffered.length === 0 && dropped === 0) return;
    underway++;
    post(`[${buffered.join(',')}]`, dropped);
    buffered = [];
    dropped = 0;
  }

  function postWhenFree(): void {
    if (underway < MAX_UNDERWAY) postAll();
    else timer = undefined; // The next acknowledgement posts.
  }

  return {
    record(record) {
      if (buffered.length >= MAX_BUFFERED) {
        dropped++;
        return;
      }
      buffered.push(record);
      if (buffered.length >= BATCH_RECORDS && underway < MAX_UNDERWAY) postAll();
      else timer ??= setTimeout(postWhenFree, BATCH_AGE_MS);
    },
    flush: postAll,
    acknowledge() {
      underway--;
      if (buffered.length >= BATCH_RECORDS || (timer === undefined && buffered.length > 0)) postWhenFree();
    },
  };
}
