// How much processor time a process has used, by thread, and what its core did besides.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { parseCoreTicks, parseResidentBytes, parseTaskStat, type CoreTicks } from './proc-text.ts';

export interface ProcessTimes {
  /** Of the whole process, threads that have ended included. */
  readonly ticks: number;
  readonly threads: ReadonlyMap<number, { readonly name: string; readonly ticks: number }>;
}

export function readProcessTimes(pid: number): ProcessTimes {
  const threads = new Map<number, { name: string; ticks: number }>();
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    const stat = tryRead(`/proc/${pid}/task/${tid}/stat`);
    if (stat !== undefined) threads.set(Number(tid), parseTaskStat(stat));
  }
  return { ticks: readProcessTicks(pid), threads };
}

export function readProcessTicks(pid: number): number {
  return parseTaskStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).ticks;
}

export function readCoreTicks(core: number): CoreTicks {
  return parseCoreTicks(readFileSync('/proc/stat', 'utf8'), core);
}

export function readResidentBytes(pid: number): { readonly now: number; readonly peak: number } {
  return parseResidentBytes(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

/** The unit of all these ticks. */
export function readTicksPerSecond(): number {
  const ticks = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout);
  if (!(ticks > 0)) throw new Error('getconf does not tell the length of a clock tick');
  return ticks;
}

/** A thread may end between the listing and the reading. */
function tryRead(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
