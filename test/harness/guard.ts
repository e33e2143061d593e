// Cleans up after the tests, whatever becomes of them. A process of its own that reads ids of process groups, a line each, until its
// standard input ends, as it does when whoever started it exits, crashes or is killed; then ends the groups and removes the folder.

import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;
const MAX_POLLS = 250;

const [, , folder] = process.argv;
if (folder === undefined) throw new Error('Which folder?');
// Its work begins where others end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);

const groups: number[] = [];
for await (const line of createInterface({ input: process.stdin })) groups.push(Number(line));

// To PostgreSQL, SIGINT means: now, without waiting for clients.
signalAll('SIGINT');
for (let poll = 0; poll < MAX_POLLS && signalAll(0); poll++) await sleep(POLL_MS);
signalAll('SIGKILL');
await rm(folder, { recursive: true, force: true, maxRetries: 5 });

/** Whether any of them was there to be signalled. */
function signalAll(signal: NodeJS.Signals | 0): boolean {
  return groups.filter((group) => trySignal(group, signal)).length > 0;
}

function trySignal(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}
