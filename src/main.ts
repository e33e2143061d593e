#!/usr/bin/env node
// The program: `tollgate` starts a node, `tollgate config` prints the settings in force, and the other commands manage a node by its API.

import { homedir } from 'node:os';
import { pino, type Logger } from 'pino';
import { toBanner, toSidecarBanner } from './banner.ts';
import { printConfig, RUN_COMMANDS } from './cli/config.ts';
import { GROUPS } from './cli/groups/index.ts';
import { programHelp } from './cli/help.ts';
import { runCommand, SINGLE_COMMANDS } from './cli/run.ts';
import { sidecar, type SidecarOptions } from './cli/sidecar.ts';
import type { World } from './cli/world.ts';
import { loadSettings, SettingsError, type Settings } from './config.ts';
import { readVersion } from './version.ts';

async function main(args: readonly string[]): Promise<void> {
  const [command = 'start', ...rest] = args;
  switch (command) {
    case 'start':
      checkAlone(command, rest);
      return start();
    case 'config':
      checkAlone(command, rest);
      return printConfig(process.env, print);
    case 'help':
    case '--help':
    case '-h':
      return print(programHelp(RUN_COMMANDS, SINGLE_COMMANDS, GROUPS));
    default:
      process.exitCode = await runCommand(args, worldOf(), [sidecar(startBeside)]);
  }
}

function checkAlone(command: string, rest: readonly string[]): void {
  if (rest.length === 0) return;
  throw new SettingsError([
    `${command}: takes no arguments, but got ${rest.length}; \`tollgate help\` tells what the commands are`,
  ]);
}

function worldOf(): World {
  const { env, stdin, stdout, stderr } = process;
  // Whoever read the output has enough, as `head` has.
  stdout.on('error', (cause: NodeJS.ErrnoException) => (cause.code === 'EPIPE' ? process.exit(0) : fail(cause)));
  return {
    env,
    homeDir: homedir(),
    stdin,
    stdout,
    stderr,
    // Loaded here: no other command needs what a node checks with.
    checkDeclaration: async (document) => (await import('./offline-check.ts')).checkOffline(document, env),
  };
}

async function start(): Promise<void> {
  const { settings } = loadSettings(process.env);
  const log = openLog(settings);
  // Loaded here: a command that only calls the API of a node needs nothing of what makes one.
  const { startNode } = await import('./node.ts');
  const node = await startNode(settings, log);
  stopOnSignals(node);
  print(
    toBanner({
      version: readVersion(),
      url: `http://${toReachable(settings.HOST)}:${node.port}`,
      tlsUrl: settings.TLS_PORT === 0 ? undefined : `https://${toReachable(settings.HOST)}:${settings.TLS_PORT}`,
      threads: settings.THREADS,
      database: settings.DATABASE_URL === undefined ? `embedded Postgres in ${settings.DATA_DIR}` : 'PostgreSQL',
      setupToken: node.setupToken,
      isDemo: node.isDemo,
    }),
  );
}

async function startBeside(options: SidecarOptions): Promise<void> {
  const loaded = loadSettings(process.env);
  const { startSidecar } = await import('./sidecar.ts');
  const running = await startSidecar(options, loaded, { log: openLog(loaded.settings), print, env: process.env });
  stopOnSignals(running);
  const url = `http://${toReachable(options.host ?? loaded.settings.HOST)}:${running.port}`;
  print(toSidecarBanner({ ...running, version: readVersion(), url, serves: options.upstream ?? options.config ?? '' }));
}

function openLog({ LOG_LEVEL: level }: Settings): Logger {
  // Synchronous: the last words of a process that ends are written before it ends.
  return pino({ level, base: null }, pino.destination({ fd: 2, sync: true }));
}

/** The first signal ends in order, the second at once. */
function stopOnSignals(node: { readonly stop: () => Promise<void> }): void {
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
