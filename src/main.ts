#!/usr/bin/env node
// The program: `tollgate` starts a node, `tollgate config` prints the settings in force.

import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { toBanner } from './banner.ts';
import { printConfig } from './cli/config.ts';
import { loadSettings, SettingsError } from './config.ts';
import { startNode, type RunningNode } from './node.ts';

const USAGE = `Usage: tollgate [command]

Commands:
  start    run the gateway and its management API (also without a command)
  config   print every setting as it is in force, secrets masked

Settings come from tollgate.yaml and the environment; docs/reference/settings.md tells each.`;

async function main(args: readonly string[]): Promise<void> {
  const [command = 'start', ...rest] = args;
  if (rest.length > 0)
    throw new SettingsError([`${command}: takes no arguments, but got "${rest.join(' ')}"\n\n${USAGE}`]);
  switch (command) {
    case 'start':
      return start();
    case 'config':
      return printConfig(process.env, print);
    case 'help':
    case '--help':
    case '-h':
      return print(USAGE);
    default:
      throw new SettingsError([`${command}: there is no such command\n\n${USAGE}`]);
  }
}

async function start(): Promise<void> {
  const { settings } = loadSettings(process.env);
  // Synchronous: the last words of a process that ends are written before it ends.
  const log = pino({ level: settings.LOG_LEVEL, base: null }, pino.destination({ fd: 2, sync: true }));
  const node = await startNode(settings, log);
  stopOnSignals(node);
  print(
    toBanner({
      version: readVersion(),
      url: `http://${toReachable(settings.HOST)}:${node.port}`,
      threads: settings.THREADS,
      database: settings.DATABASE_URL === undefined ? `embedded Postgres in ${settings.DATA_DIR}` : 'PostgreSQL',
      setupToken: node.setupToken,
      isDemo: node.isDemo,
    }),
  );
}

/** The first signal ends in order, the second at once. */
function stopOnSignals(node: RunningNode): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1);
    stopping = true;
    node.stop().then(
      () => process.exit(0),
      (cause: unknown) => fail(cause),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** An address to write into examples: the wildcard addresses are none. */
function toReachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Faults of settings are told in one line each and end with 2; whatever else breaks the start is a defect and shows its stack. */
function fail(cause: unknown): never {
  if (cause instanceof SettingsError) {
    for (const fault of cause.faults) process.stderr.write(`tollgate: ${fault}\n`);
    process.exit(2);
  }
  process.stderr.write(`tollgate: ${cause instanceof Error ? cause.stack : String(cause)}\n`);
  process.exit(1);
}

main(process.argv.slice(2)).catch(fail);
