// A whole Tollgate as its users start it: a process of its own, a fresh folder, a free port.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// An embedded database that is made from nothing takes seconds, and on a busy machine a minute.
const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 20_000;
const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

export interface RunningTollgate {
  readonly url: string;
  readonly dataDir: string;
  /** All of standard output until now. */
  output(): string;
  /** All of standard error until now: the log. */
  log(): string;
  signal(signal: NodeJS.Signals): void;
  /** Waits for the end; the exit code, or null when a signal killed it. */
  ended(): Promise<number | null>;
  /** SIGKILL and wait: as when the power of the process is cut. */
  kill(): Promise<void>;
}

export interface Sandbox {
  readonly dataDir: string;
  /** `args` for another way to run than a node; it works in the folder then. */
  start(env?: Readonly<Record<string, string>>, args?: readonly string[]): Promise<RunningTollgate>;
  /** Runs to its end without waiting for a start, as for a start that fails, or a command; `input` is its standard input. */
  run(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
    input?: string,
  ): Promise<{ code: number | null; output: string; log: string }>;
  /** Ends what still runs and removes the folder. */
  remove(): Promise<void>;
}

export async function createSandbox(): Promise<Sandbox> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tollgate-'));
  const running = new Set<Run>();
  const launch = (args: readonly string[], env: Readonly<Record<string, string>>, input = ''): Run => {
    const settings = { TOLLGATE_DATA_DIR: dataDir, TOLLGATE_PORT: '0', TOLLGATE_THREADS: '2', ...env };
    // Commands that name files work in the folder; a node looks there for no settings.
    const cwd = args.length === 0 ? process.cwd() : dataDir;
    const run = new Run(args, settings, { cwd, input });
    running.add(run);
    return run;
  };
  return {
    dataDir,
    async start(env = {}, args = []) {
      const run = launch(args, { TOLLGATE_DEMO: 'false', TOLLGATE_DRAIN_DELAY_SECONDS: '0', ...env });
      const url = await run.started();
      return {
        url,
        dataDir,
        output: () => run.output,
        log: () => run.log,
        signal: (signal) => run.child.kill(signal),
        ended: () => run.ended(),
        async kill() {
          run.child.kill('SIGKILL');
          await run.ended();
        },
      };
    },
    async run(args, env = {}, input = '') {
      const run = launch(args, env, input);
      return { code: await run.ended(), output: run.output, log: run.log };
    },
    async remove() {
      for (const run of running) run.child.kill('SIGKILL');
      await Promise.all([...running].map((run) => run.ended()));
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

class Run {
  readonly child: ChildProcess;
  output = '';
  log = '';
  readonly #closed: Promise<unknown>;

  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    { cwd, input }: { readonly cwd: string; readonly input: string },
  ) {
    // Settings of whoever runs the tests must not reach the product.
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('TOLLGATE_'));
    this.child = spawn(process.execPath, [MAIN, ...args], {
      cwd,
      env: { ...Object.fromEntries(own), ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // Whoever reads nothing may be gone before it is written.
    this.child.stdin?.on('error', () => undefined).end(input);
    this.child.stdout?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    this.#closed = once(this.child, 'close');
  }

  /** The address in the banner's first line. */
  async started(): Promise<string> {
    const signal = AbortSignal.timeout(START_TIMEOUT_MS);
    while (true) {
      const url = /listens on (http:\/\/\S+)/.exec(this.output)?.[1];
      if (url !== undefined) return url;
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`Tollgate did not start:\n${this.output}${this.log}`);
      if (this.child.stdout === null) throw new Error('no standard output');
      await Promise.race([once(this.child.stdout, 'data', { signal }), this.#closed]);
    }
  }

  async ended(): Promise<number | null> {
    const late = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#closed;
    clearTimeout(late);
    return this.child.exitCode;
  }
}
