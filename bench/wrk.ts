// One load: wrk for some seconds, bound to its core. It is closed-loop: each connection sends its next request when it has its answer.

import type { Contestant } from './contestant.ts';
import type { Stage } from './stage.ts';
import { parseWrkReport, type WrkReport } from './wrk-report.ts';

const REQUEST_TIMEOUT_SECONDS = 5;
/** What wrk may take beyond its load, for connecting, for its last requests and for its report. */
const GRACE_MS = 15_000;

export interface Load {
  readonly seconds: number;
  readonly connections: number;
  readonly core: number;
}

export async function runLoad(stage: Stage, { url, headers }: Contestant, load: Load): Promise<WrkReport> {
  const headerArgs = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
  const wrk = stage.start({
    file: 'wrk',
    args: [
      '--threads=1',
      `--connections=${load.connections}`,
      `--duration=${load.seconds}s`,
      `--timeout=${REQUEST_TIMEOUT_SECONDS}s`,
      '--latency',
      ...headerArgs,
      url,
    ],
    core: load.core,
    endsByItself: true,
  });
  const kill = (): void => wrk.kill('SIGKILL');
  const timer = setTimeout(kill, load.seconds * 1000 + GRACE_MS);
  stage.signal.addEventListener('abort', kill, { once: true });
  try {
    await wrk.job.exit;
    stage.signal.throwIfAborted();
    return parseWrkReport(wrk.job.logTail());
  } finally {
    clearTimeout(timer);
    stage.signal.removeEventListener('abort', kill);
  }
}
