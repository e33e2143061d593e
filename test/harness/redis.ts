// A throwaway Redis: loopback only, everything in memory.

import { join } from 'node:path';
import { findExecutables } from './executable.ts';
import type { Sandbox } from './sandbox.ts';
import { startServer } from './server.ts';

/** The folder of the installed program, or undefined. */
export function findRedis(env: NodeJS.ProcessEnv): string | undefined {
  return findExecutables({ names: ['redis-server'], places: ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'] }, env);
}

export async function startRedis(sandbox: Sandbox, env: NodeJS.ProcessEnv): Promise<string> {
  const programs = findRedis(env);
  if (programs === undefined) throw new Error('Redis was not found, although it was installed just now.');
  const port = await startServer(sandbox, {
    name: 'Redis',
    file: join(programs, 'redis-server'),
    toArgs: (free) => ['--port', String(free), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
  });
  return `redis://127.0.0.1:${port}`;
}
