// One line of standard input: an answer, or a secret that is handed in.

import { createInterface } from 'node:readline';
import type { World } from './world.ts';

/** Empty when there is none. */
export async function readLine(stdin: World['stdin']): Promise<string> {
  try {
    for await (const line of createInterface({ input: stdin, crlfDelay: Infinity })) return line;
    return '';
  } finally {
    // Whoever writes to it may keep it open, and would keep the program from ending.
    stdin.destroy();
  }
}
