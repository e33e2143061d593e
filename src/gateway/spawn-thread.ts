// A gateway thread that loads its code, and waits for what it is born with.

import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

export function spawnThread(number: number): Worker {
  const entry = new URL(`./thread${extname(import.meta.filename)}`, import.meta.url);
  const worker = new Worker(entry, { name: `gateway-${number}` });
  // One that dies while it still waits is replaced at the start; without a listener its error would end the process.
  worker.on('error', () => {});
  return worker;
}
