// The process and its threads. The names that begin with `process_` are those that every client library of Prometheus uses.

import { readdirSync, readFileSync } from 'node:fs';
import { memoryUsage } from 'node:process';
import type { ThreadObservation } from '../gateway/supervision.ts';
import type { Family, Sample } from '../lib/exposition.ts';
import { family, single } from './catalogue.ts';

export interface Build {
  readonly version: string;
  readonly node: string;
}

/** What is known of a thread, the main one included. */
export interface ThreadReading {
  readonly thread: string;
  readonly isUp: boolean;
  readonly restarts: number;
  readonly busyMs: number;
  readonly delayMs: number;
  /** Undefined while it does not answer. */
  readonly heapUsedBytes: number | undefined;
}

/** Reads the main thread, on which it runs. */
export async function readMainThread(): Promise<ThreadReading> {
  const begin = performance.now();
  await new Promise((resolve) => void setImmediate(resolve));
  return {
    thread: 'main',
    isUp: true,
    restarts: 0,
    busyMs: performance.eventLoopUtilization().active,
    delayMs: performance.now() - begin,
    heapUsedBytes: memoryUsage().heapUsed,
  };
}

export function toThreadReading({ number, restarts, busyMs, delayMs, state }: ThreadObservation): ThreadReading {
  return {
    thread: `gateway-${number}`,
    isUp: state !== undefined,
    restarts,
    busyMs,
    delayMs,
    heapUsedBytes: state?.heapUsedBytes,
  };
}

export function threadFamilies(threads: readonly ThreadReading[]): Family[] {
  const by = (pick: (one: ThreadReading) => number): Sample[] =>
    threads.map((one) => ({ labels: { thread: one.thread }, value: pick(one) }));
  return [
    family(
      'tollgate_thread_up',
      by(({ isUp }) => Number(isUp)),
    ),
    family(
      'tollgate_thread_restarts_total',
      by(({ restarts }) => restarts),
    ),
    family(
      'tollgate_thread_busy_seconds_total',
      by(({ busyMs }) => busyMs / 1000),
    ),
    family(
      'tollgate_thread_delay_seconds',
      by(({ delayMs }) => delayMs / 1000),
    ),
    family(
      'tollgate_thread_heap_used_bytes',
      threads.flatMap(({ thread, heapUsedBytes: value }) =>
        value === undefined ? [] : [{ labels: { thread }, value }],
      ),
    ),
  ];
}

export function processFamilies({ version, node }: Build): Family[] {
  const { user, system } = process.cpuUsage();
  return [
    family('tollgate_build_info', [{ labels: { version, node }, value: 1 }]),
    single('process_cpu_seconds_total', (user + system) / 1e6),
    single('process_resident_memory_bytes', memoryUsage.rss()),
    single('process_start_time_seconds', performance.timeOrigin / 1000),
    ...openFiles(),
  ];
}

/** Where the system tells: Linux. */
function openFiles(): Family[] {
  try {
    const open = readdirSync('/proc/self/fd').length;
    const most = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return [single('process_open_fds', open), ...(most === undefined ? [] : [single('process_max_fds', Number(most))])];
  } catch {
    return [];
  }
}
