// Tollgate as a process: one gateway thread, the embedded Postgres, no demo.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { readProcessTicks, readProcessTimes, readTicksPerSecond } from './process-times.ts';
import { findFreePort, stopPlayer, waitUntilAnswers, type Stage } from './stage.ts';

const ENTRY = join(import.meta.dirname, '../src/main.ts');
/** The name that the supervisor gives its threads. */
const GATEWAY_THREAD = /^gateway-\d+$/;
/** The one that stores records, and deploys. */
const MAIN_THREAD = 'node-MainThread';
/** More than any case opens. */
const MAX_CONNECTIONS = 16_384;

export interface Tollgate {
  readonly origin: string;
  /** Where no certificates were given, nobody listens there. */
  readonly tlsOrigin: string;
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
  readonly cores?: Cores;
  /** The embedded one when absent. */
  readonly databaseUrl?: string;
  /** A folder with the pair `default`. */
  readonly certificates?: string;
}

export interface Cores {
  readonly proxy: number;
  readonly load: number;
}

/** Whether a thread of this name carries requests; the others of the process are company. */
export function isGatewayThread(name: string): boolean {
  return GATEWAY_THREAD.test(name);
}

export async function startTollgate(
  stage: Stage,
  { dataDir, cores, certificates, databaseUrl }: TollgatePlan,
): Promise<Tollgate> {
  const port = await findFreePort();
  const tlsPort = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const startedMs = performance.now();
  const player = stage.start({
    file: process.execPath,
    args: [ENTRY],
    ...(cores !== undefined && { core: cores.load }),
    env: {
      TOLLGATE_PORT: String(port),
      TOLLGATE_HOST: '127.0.0.1',
      TOLLGATE_DATA_DIR: dataDir,
      TOLLGATE_THREADS: '1',
      TOLLGATE_DEMO: 'false',
      TOLLGATE_DRAIN_DELAY_SECONDS: '0',
      TOLLGATE_LOG_LEVEL: 'warn',
      TOLLGATE_MAX_CONNECTIONS: String(MAX_CONNECTIONS),
      TOLLGATE_MAX_CONNECTIONS_PER_ADDRESS: String(MAX_CONNECTIONS),
      TOLLGATE_MAX_REQUESTS_PER_CONNECTION: '1000000000',
      TOLLGATE_PUBLIC_REQUESTS_PER_MINUTE: '0',
      TOLLGATE_IDLE_TIMEOUT_SECONDS: '3600',
      ...(certificates !== undefined && {
        TOLLGATE_TLS_PORT: String(tlsPort),
        TOLLGATE_TLS_CERTIFICATES: certificates,
      }),
      ...(databaseUrl !== undefined && { TOLLGATE_DATABASE_URL: databaseUrl }),
    },
  });
  await waitUntilAnswers(player, `${origin}/health/ready`, stage.signal);
  const readyMs = Math.round(performance.now() - startedMs);
  const readyProcessorMs = (readProcessTicks(player.pid) / readTicksPerSecond()) * 1000;
  if (cores !== undefined) separateThreads(player.pid, cores);
  const ended = player.job.exit.then((reason) => {
    throw new Error(`Tollgate ended by itself (${reason}):\n${player.job.logTail()}`);
  });
  ended.catch(() => undefined); // It ends in any case; only who works with it minds.
  return {
    origin,
    tlsOrigin: `https://127.0.0.1:${tlsPort}`,
    pid: player.pid,
    readyMs,
    readyProcessorMs,
    during: (work) => Promise.race([work, ended]),
    stop: () => stopPlayer(player, 'Tollgate', stage.signal),
  };
}

/**
 * The gateway thread alone on the measured core; whatever else the process does, on the other. There the main thread stands behind the load
 * and the upstream: storing records is to take what they leave, and to give the core back at once, not to slow what is measured. V8's helpers keep
 * their class: a gateway thread that has them collect its garbage waits for them.
 */
export function separateThreads(pid: number, { proxy }: Cores): void {
  for (const [tid, { name }] of readProcessTimes(pid).threads) {
    if (isGatewayThread(name)) settle('taskset', ['--cpu-list', '--pid', String(proxy), String(tid)]);
    else if (name === MAIN_THREAD) settle('chrt', ['--idle', '--pid', '0', String(tid)]);
  }
}

function settle(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`a thread of Tollgate could not be put in its place: ${stderr}`);
}
