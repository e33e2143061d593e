// Runs one child process to its end, with everything that it starts itself.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

const KILL_AFTER_MS = 5_000;

export interface RunOptions {
  /** Ends the process and its children: SIGTERM, and SIGKILL five seconds later. */
  readonly signal: AbortSignal;
  readonly env?: NodeJS.ProcessEnv;
  /** Is told the id of the process group. */
  readonly onStart?: (pid: number) => void;
}

/** The exit code, as a shell would tell it. Output goes where ours goes. */
export async function run(command: readonly string[], options: RunOptions): Promise<number> {
  const [file, ...args] = command;
  if (file === undefined) throw new Error('A command has a name.');
  options.signal.throwIfAborted();
  // A process group of its own, so that grandchildren can be reached too.
  const child = spawn(file, args, {
    detached: true,
    env: options.env ?? process.env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (child.pid !== undefined) options.onStart?.(child.pid);
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    signalGroup(child.pid, 'SIGTERM');
    timer = setTimeout(signalGroup, KILL_AFTER_MS, child.pid, 'SIGKILL');
  };
  options.signal.addEventListener('abort', end, { once: true });
  await once(child, 'close');
  options.signal.removeEventListener('abort', end);
  clearTimeout(timer);
  return child.exitCode ?? toExitCode(child.signalCode);
}

/** 128 and the signal's number. */
export function toExitCode(signal: NodeJS.Signals | null): number {
  return signal === null ? 1 : 128 + constants.signals[signal];
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // All of the group had ended.
  }
}
