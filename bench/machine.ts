// Where and of what a result was made.

import { spawnSync } from 'node:child_process';
import { cpus, loadavg, release } from 'node:os';
import type { Tools } from './tools.ts';

export interface Host {
  readonly processor: string;
  readonly cores: number;
  readonly kernel: string;
  readonly node: string;
  /** Of the last minute, before the run. */
  readonly loadAverage: number;
}

export interface Machine extends Host {
  readonly nginx: string | null;
  readonly wrk: string;
  readonly h2load: string | null;
}

export interface Commit {
  /** Null before the first one. */
  readonly id: string | null;
  /** Whether the tree held more than the commit, results aside. */
  readonly dirty: boolean;
}

export function readHost(): Host {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    kernel: release(),
    node: process.version,
    loadAverage: Number(loadavg()[0]?.toFixed(2)),
  };
}

export function readMachine({ nginx, h2load }: Tools): Machine {
  return {
    ...readHost(),
    nginx: nginx === undefined ? null : (/nginx\/(\S+)/.exec(say(nginx, '-v'))?.[1] ?? 'unknown'),
    wrk: /^wrk (\S+)/m.exec(say('wrk', '--version'))?.[1] ?? 'unknown',
    h2load: h2load === undefined ? null : (/nghttp2\/(\S+)/.exec(say(h2load, '--version'))?.[1] ?? 'unknown'),
  };
}

export function readCommit(): Commit {
  const id = /^[0-9a-f]{40,}$/m.exec(say('git', '-C', import.meta.dirname, 'rev-parse', 'HEAD'))?.[0] ?? null;
  // Without the optional lock: somebody may be committing right now.
  const status = say(
    'git',
    '-C',
    import.meta.dirname,
    '--no-optional-locks',
    'status',
    '--porcelain',
    '--',
    ':/',
    ':(top,exclude)bench/results',
  );
  return { id, dirty: status !== '' };
}

/** What a program prints on both its outputs; nothing when it cannot be started. */
function say(file: string, ...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 10_000 });
  return `${stdout}${stderr}`;
}
