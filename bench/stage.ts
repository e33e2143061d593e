// A temporary folder and the processes that take part. The guard of the test harness ends them and removes the folder, whatever
// becomes of us.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Job } from '../test/harness/job.ts';
import { punctually } from './precedence.ts';

const ANSWER_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 30_000;
const ATTEMPT_TIMEOUT_MS = 2000;
const POLL_MS = 5;
/**
 * A process group of its own, by which the guard ends it with all that it started; Ctrl-C is for us, the others end in order. But our session, as
 * `detached` would not have it: where each session has its share of a core (sched(7), "The autogroup feature"), classes count for nothing
 * between them.
 */
const OWN_GROUP = ['perl', '-e', 'setpgrp; exec @ARGV or die'];

export interface Part {
  readonly file: string;
  readonly args: readonly string[];
  /** The processor core to which the process is bound; all of them when absent. */
  readonly core?: number;
  readonly env?: Readonly<Record<string, string>>;
  /**
   * A load. The guard need not know it: process ids are used again, so the guard should hold none of the long dead. The kernel ends it
   * when we end.
   */
  readonly endsByItself?: boolean;
  /** It goes before all else on its core, where that is permitted. */
  readonly isPunctual?: boolean;
}

export interface Player {
  readonly pid: number;
  readonly job: Job;
  kill(signal: NodeJS.Signals): void;
}

export interface Stage {
  readonly folder: string;
  /** Fires when the run is to end. */
  readonly signal: AbortSignal;
  start(part: Part): Player;
  close(): Promise<void>;
}

export async function openStage(signal: AbortSignal): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-bench-'));
  const guardScript = join(import.meta.dirname, '../test/harness/guard.ts');
  const guard = spawn(process.execPath, [guardScript, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const guardGone = once(guard, 'close');

  const start = ({ file, args, core, env, endsByItself, isPunctual }: Part): Player => {
    signal.throwIfAborted();
    // Each becomes the program that it starts, so the process id is the program's.
    const [command = file, ...rest] = [
      ...OWN_GROUP,
      ...(endsByItself === true ? ['setpriv', '--pdeathsig', 'KILL'] : []),
      ...(core === undefined ? [] : ['taskset', '--cpu-list', String(core)]),
      ...(isPunctual === true ? punctually() : []),
      file,
      ...args,
    ];
    const child = spawn(command, rest, {
      cwd: folder,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const job = new Job(child);
    if (child.pid === undefined) throw new Error(`${file} could not be started`);
    if (endsByItself !== true) guard.stdin.write(`${child.pid}\n`);
    return { pid: child.pid, job, kill: (name) => void child.kill(name) };
  };
  const close = async (): Promise<void> => {
    guard.stdin.end();
    await guardGone;
  };
  return { folder, signal, start, close };
}

/** Ends a player that is to end in order when it is told to. */
export async function stopPlayer(player: Player, name: string, signal: AbortSignal): Promise<void> {
  player.kill('SIGTERM');
  const exit = await Promise.race([player.job.exit, sleep(STOP_TIMEOUT_MS, 'too slow', { signal, ref: false })]);
  if (exit !== 0) throw new Error(`${name} did not stop in order (${exit}):\n${player.job.logTail()}`);
}

/** Resolves when the address answers with 200; rejects when the player ends before that, or it takes too long. */
export async function waitUntilAnswers(player: Player, url: string, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + ANSWER_TIMEOUT_MS;
  let ended: number | string | undefined;
  void player.job.exit.then((reason) => (ended = reason));
  while (!(await answers(url, signal))) {
    if (ended !== undefined) throw new Error(`ended at its start (${ended}):\n${player.job.logTail()}`);
    if (performance.now() > deadlineMs) throw new Error(`${url} does not answer:\n${player.job.logTail()}`);
    await sleep(POLL_MS, undefined, { signal });
  }
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)]) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    signal.throwIfAborted();
    return false; // Nobody listens there yet.
  }
}

export async function findFreePort(): Promise<number> {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const address = holder.address();
  holder.close();
  await once(holder, 'close');
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port.');
  return address.port;
}
