// One contestant under one load, from idle to idle.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Contestant } from './contestant.ts';
import type { Load, Pace } from './load/load.ts';
import { runLoad } from './load/run-load.ts';
import type { CoreTicks } from './proc-text.ts';
import { readCoreTicks, readProcessTicks, readProcessTimes, type ProcessTimes } from './process-times.ts';
import type { Stage } from './stage.ts';

/** A process is idle when it has used at most one tick in each of so many looks in a row. */
const IDLE_LOOKS = 3;
const LOOK_EVERY_MS = 100;
const MAX_LOOKS = 300;

/** A log may hold what was under way at the end of the load a little later. */
const RECORD_GRACE_MS = 1000;

export interface Bench {
  readonly stage: Stage;
  readonly load: Load;
  readonly proxyCore: number;
  readonly ticksPerSecond: number;
}

export interface Measurement {
  readonly contestant: string;
  readonly requests: number;
  readonly errors: number;
  readonly requestsPerSecond: number;
  /** Where the load tells them. */
  readonly p50Ms?: number | undefined;
  readonly p99Ms?: number | undefined;
  /** Of an open loop. */
  readonly pace?: Pace | undefined;
  /** Processor time of the threads that carry requests, divided by the requests. */
  readonly threadMicroseconds: number;
  /** That of the whole process: also what is done beside and after the requests, until it is idle again. */
  readonly processMicroseconds: number;
  /** Clock ticks from idle to idle by thread name; threads of one name together. */
  readonly threadTicks: Readonly<Record<string, number>>;
  /** Parts of the proxy's core while the load lasted: the threads that carry requests; everything else; what the hypervisor took. */
  readonly proxyCore: { readonly contestant: number; readonly others: number; readonly stolen: number };
  /** The part of the load's core that nobody used: without any, the load may have been what was slow. */
  readonly loadCoreIdle: number;
  /** At most so many requests, beside one that was answered, were cut off at the end: their time counts, and they do not. */
  readonly cutOff: number;
  /** How long the process worked on after the load. */
  readonly settleSeconds: number;
  /** False when it still worked when we stopped waiting. */
  readonly settled: boolean;
  /**
   * Of the requests, how many are in the contestant's log, where it keeps one: under overload records are dropped. Those cut off at the
   * end of the load may be there too.
   */
  readonly recorded?: number | undefined;
}

export async function measure(bench: Bench, contestant: Contestant): Promise<Measurement> {
  const { stage, load, ticksPerSecond } = bench;
  const { pid } = contestant;
  await waitUntilIdle(pid, stage.signal);

  const from = new Date();
  const before = readProcessTimes(pid);
  const proxyBefore = readCoreTicks(bench.proxyCore);
  const loadBefore = readCoreTicks(load.core);
  const report = await runLoad(stage, contestant, load);
  const during = toTicksByName(before, readProcessTimes(pid));
  const proxyCore = subtract(readCoreTicks(bench.proxyCore), proxyBefore);
  const loadCore = subtract(readCoreTicks(load.core), loadBefore);
  const to = new Date(Date.now() + RECORD_GRACE_MS);
  const settling = await waitUntilIdle(pid, stage.signal);
  const after = readProcessTimes(pid);
  checkThreads(contestant, before, after);
  const recorded = await contestant.countRecords?.(contestant.prefix + load.request.route.path, { from, to });
  const loadTicks = carryingTicks(contestant, during);

  if (report.requests === 0) throw new Error(`${contestant.name} answered nothing`);
  const toMicroseconds = (ticks: number): number => round((ticks / ticksPerSecond / report.requests) * 1e6, 3);
  const threadTicks = toTicksByName(before, after);
  return {
    contestant: contestant.name,
    requests: report.requests,
    errors: report.errors,
    requestsPerSecond: round(report.requests / report.seconds, 1),
    p50Ms: report.p50Ms,
    p99Ms: report.p99Ms,
    pace: report.pace,
    threadMicroseconds: toMicroseconds(carryingTicks(contestant, threadTicks)),
    processMicroseconds: toMicroseconds(after.ticks - before.ticks),
    threadTicks: Object.fromEntries(threadTicks),
    proxyCore: {
      contestant: toShare(loadTicks, proxyCore),
      others: toShare(Math.max(0, proxyCore.busy - loadTicks), proxyCore),
      stolen: toShare(proxyCore.stolen, proxyCore),
    },
    loadCoreIdle: toShare(loadCore.idle, loadCore),
    cutOff: report.pace === undefined ? round(load.connections / report.requests, 3) : 0,
    settleSeconds: settling.seconds,
    settled: settling.idle,
    recorded,
  };
}

/** Refuses a measurement whose threads are not those that were bound to the core; the time of one that ended is lost as well. */
function checkThreads({ name, carriesRequests }: Contestant, before: ProcessTimes, after: ProcessTimes): void {
  const carrying = [...after.threads].filter(([, thread]) => carriesRequests(thread.name));
  if (carrying.length === 0) throw new Error(`${name} has no thread that carries requests`);
  for (const [tid, thread] of carrying) {
    if (!before.threads.has(tid))
      throw new Error(`${name}: ${thread.name}, which carries requests, ended under load and was started anew`);
  }
}

export async function waitUntilIdle(pid: number, signal: AbortSignal): Promise<{ idle: boolean; seconds: number }> {
  let ticks = readProcessTicks(pid);
  let idleLooks = 0;
  for (let look = 1; look <= MAX_LOOKS; look++) {
    await sleep(LOOK_EVERY_MS, undefined, { signal });
    const now = readProcessTicks(pid);
    idleLooks = now - ticks <= 1 ? idleLooks + 1 : 0;
    ticks = now;
    if (idleLooks === IDLE_LOOKS) return { idle: true, seconds: ((look - IDLE_LOOKS) * LOOK_EVERY_MS) / 1000 };
  }
  return { idle: false, seconds: (MAX_LOOKS * LOOK_EVERY_MS) / 1000 };
}

function toTicksByName(before: ProcessTimes, after: ProcessTimes): Map<string, number> {
  const byName = new Map<string, number>();
  for (const [tid, { name, ticks }] of after.threads) {
    const used = ticks - (before.threads.get(tid)?.ticks ?? 0);
    if (used > 0) byName.set(name, (byName.get(name) ?? 0) + used);
  }
  return byName;
}

function carryingTicks({ carriesRequests }: Contestant, threadTicks: ReadonlyMap<string, number>): number {
  return [...threadTicks].reduce((total, [thread, ticks]) => (carriesRequests(thread) ? total + ticks : total), 0);
}

function subtract(after: CoreTicks, before: CoreTicks): CoreTicks {
  return { busy: after.busy - before.busy, idle: after.idle - before.idle, stolen: after.stolen - before.stolen };
}

function toShare(ticks: number, core: CoreTicks): number {
  return round(ticks / Math.max(1, core.busy + core.idle + core.stolen), 3);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
