// A Redis of a test's own, to which anything may happen. Lives as long as the test's process, at most.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { freePort } from '../../test/harness/free-port.ts';
import { findRedis } from '../../test/harness/redis.ts';

const folderOfRedis = findRedis(process.env);

/** Why tests with a Redis of their own are left out; false when they are not. */
export const skipWithoutRedis = folderOfRedis === undefined ? 'there is no redis-server here' : false;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class RedisServer {
  readonly port: number;
  readonly #args: readonly string[];
  readonly #folder: string;
  #child: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
    this.#folder = mkdtempSync(join(tmpdir(), 'tollgate-redis-'));
  }

  static async start(...args: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), args);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Again, at the same port. */
  async start(): Promise<void> {
    const usual = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const child = spawn(join(folderOfRedis ?? '', 'redis-server'), [...usual, ...this.#args], {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    running.add(child);
    let log = '';
    for await (const chunk of child.stdout) {
      log += String(chunk);
      if (/ready to accept connections/i.test(log)) break;
    }
    if (child.exitCode !== null) throw new Error(`redis-server did not start:\n${log}`);
    child.stdout.resume();
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  /** SIGKILL: as when its machine is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    running.delete(child);
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** One command, on a connection of its own. */
  async command(...words: readonly string[]): Promise<unknown> {
    const client = createClient({ url: this.url });
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.sendCommand(words);
    } finally {
      client.destroy();
    }
  }
}
