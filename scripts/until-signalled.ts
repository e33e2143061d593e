// Work that a signal stops in order: the work sees its AbortSignal fire, cleans up, and the process exits as the signal demands.

import { toExitCode } from './run.ts';

/** Does the work and sets the exit code that it returns. A second signal ends the process at once. */
export async function untilSignalled(work: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const stop = new AbortController();
  let received: NodeJS.Signals | undefined;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => {
      received ??= name;
      stop.abort();
    });
  }
  try {
    process.exitCode = await work(stop.signal);
  } catch (error) {
    if (received === undefined) console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
  if (received !== undefined) process.exitCode = toExitCode(received);
}
