// Tollgate as a process: one gateway thread, the embedded Postgres, no demo.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readProcessTicks, readTicksPerSecond } from './process-times.ts';
import { findFreePort, waitUntilAnswers, type Player, type Stage } from './stage.ts';

const ENTRY = join(import.meta.dirname, '../src/main.ts');
const STOP_TIMEOUT_MS = 30_000;

export interface Tollgate {
  readonly origin: string;
  readonly pid: number;
  /** From before its process was made until it answered that it is ready. */
  readonly readyMs: number;
  /** Processor time of all its threads until then: what a busy machine stretches less. */
  readonly readyProcessorMs: number;
  /** The work's result, or the reason why the process ended before it. */
  during<Result>(work: Promise<Result>): Promise<Result>;
  stop(): Promise<void>;
}

export interface TollgatePlan {
  readonly dataDir: string;
  /** All cores when absent. */
  readonly core?: number;
}

export async function startTollgate(stage: Stage, { dataDir, core }: TollgatePlan): Promise<Tollgate> {
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const startedMs = performance.now();
  const player = stage.start({
    file: process.execPath,
    args: [ENTRY],
    ...(core !== undefined && { core }),
    env: {
      TOLLGATE_PORT: String(port),
      TOLLGATE_HOST: '127.0.0.1',
      TOLLGATE_DATA_DIR: dataDir,
      TOLLGATE_THREADS: '1',
      TOLLGATE_DEMO: 'false',
      TOLLGATE_DRAIN_DELAY_SECONDS: '0',
      TOLLGATE_LOG_LEVEL: 'warn',
    },
  });
  await waitUntilAnswers(player, `${origin}/health/ready`, stage.signal);
  const readyMs = Math.round(performance.now() - startedMs);
  const readyProcessorMs = (readProcessTicks(player.pid) / readTicksPerSecond()) * 1000;
  const ended = player.job.exit.then((reason) => {
    throw new Error(`Tollgate ended by itself (${reason}):\n${player.job.logTail()}`);
  });
  ended.catch(() => undefined); // It ends in any case; only who works with it minds.
  return {
    origin,
    pid: player.pid,
    readyMs,
    readyProcessorMs,
    during: (work) => Promise.race([work, ended]),
    stop: () => stop(player, stage.signal),
  };
}

async function stop(player: Player, signal: AbortSignal): Promise<void> {
  player.kill('SIGTERM');
  const exit = await Promise.race([player.job.exit, sleep(STOP_TIMEOUT_MS, 'too slow', { signal, ref: false })]);
  if (exit !== 0) throw new Error(`Tollgate did not stop in order (${exit}):\n${player.job.logTail()}`);
}
