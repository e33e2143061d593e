// Who goes first: what is measured before whatever else the machine does; and in an open loop, on the core that load, upstream and all else share,
// the upstream and the load.
//
// Among equals Linux lets whoever runs finish a slice of some milliseconds (sched(7)), so the load would send late, and the latency measured would
// be that of the slices. In the real-time class (SCHED_FIFO) each goes on as soon as it has something to do: the upstream before the load, as
// a service that has a machine of its own would, and both before all else. How late the load was all the same is told with each measurement.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const AUTOGROUP = '/proc/self/autogroup';
const FIRST = '-20';

const UPSTREAM = 2;
const LOAD = 1;

let permitted: boolean | undefined;

/**
 * Our session goes before all others until what is returned is called. Linux shares a core between sessions first (sched(7), "The autogroup
 * feature"), and all kernel threads stand beside them: one that looks through memory for some milliseconds every few seconds would take half of the
 * measured core meanwhile. Where that is not permitted, or there are no such groups, nothing changes.
 */
export function raiseSession(): () => void {
  try {
    const before = /nice (-?\d+)/.exec(readFileSync(AUTOGROUP, 'utf8'))?.[1] ?? '0';
    writeFileSync(AUTOGROUP, FIRST);
    return () => writeFileSync(AUTOGROUP, before);
  } catch {
    return () => undefined;
  }
}

/** It takes CAP_SYS_NICE, and a control group that may have real time. */
export function mayTakePrecedence(): boolean {
  permitted ??= spawnSync('chrt', ['--fifo', String(LOAD), 'true']).status === 0;
  return permitted;
}

/** What stands before the command line of a load that is to be punctual; nothing where that is not permitted. */
export function punctually(): readonly string[] {
  return mayTakePrecedence() ? ['chrt', '--fifo', String(LOAD)] : [];
}

/** The upstream goes before the load until the work is done. */
export async function withUpstreamFirst<Result>(pid: number, work: () => Promise<Result>): Promise<Result> {
  if (!mayTakePrecedence()) return work();
  schedule(pid, '--fifo', UPSTREAM);
  try {
    return await work();
  } finally {
    schedule(pid, '--other', 0);
  }
}

function schedule(pid: number, policy: '--fifo' | '--other', priority: number): void {
  const { status, stderr } = spawnSync('chrt', [policy, '--pid', String(priority), String(pid)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the upstream could not be put in its place: ${stderr}`);
}
