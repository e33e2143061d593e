// A gateway thread that loads its code, and waits for what it is born with.

import { extname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

/**
 * What a thread makes and drops again until its garbage is collected, in megabytes. The engine starts with less, and lets it grow only when
 * much of it lives on; hardly anything does here, so that a busy thread would stop several times as often, and for more time in all.
 */
const YOUNG_MEGABYTES = 16;

export function spawnThread(number: number): Worker {
  const entry = new URL(`./thread${extname(import.meta.filename)}`, import.meta.url);
  setFlagsFromString(`--min-semi-space-size=${YOUNG_MEGABYTES}`);
  const worker = new Worker(entry, { name: `gateway-${number}` });
  // One that dies while it still waits is replaced at the start; without a listener its error would end the process.
  worker.on('error', () => {});
  return worker;
}
