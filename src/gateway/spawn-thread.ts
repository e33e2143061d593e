// A gateway thread that loads its code, and waits for what it is born with.

import { extname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';

/**
 * What a thread makes and drops again until its garbage is collected, in megabytes. The engine starts with less, and lets it grow only when
 * much of it lives on; hardly anything does here, so that a busy thread would stop several times as often, and for more time in all.
 */
const YOUNG_MEGABYTES = 16;

/**
 * The second: a thread collects what it made itself. With helpers it would wait for whichever of them has begun a part of the work and was put
 * aside for something else, for as long as that takes on a busy machine, with all its requests; and there is little to share.
 */
const ENGINE_FLAGS = [`--min-semi-space-size=${YOUNG_MEGABYTES}`, '--no-parallel-scavenge'];

export function spawnThread(number: number): Worker {
  const entry = new URL(`./thread${extname(import.meta.filename)}`, import.meta.url);
  for (const flag of ENGINE_FLAGS) setFlagsFromString(flag);
  const worker = new Worker(entry, { name: `gateway-${number}` });
  // One that dies while it still waits is replaced at the start; without a listener its error would end the process.
  worker.on('error', () => {});
  return worker;
}
