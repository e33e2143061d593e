// A throwaway PostgreSQL: loopback only, no password, and nothing flushed to disk unless its pace is what matters, since nothing of it is
// kept.

import { join } from 'node:path';
import { findExecutables } from './executable.ts';
import type { Sandbox } from './sandbox.ts';
import { startServer } from './server.ts';

/** The folder of the installed programs, or undefined. Debian keeps them off PATH. */
export function findPostgres(env: NodeJS.ProcessEnv): string | undefined {
  return findExecutables(
    {
      names: ['initdb', 'postgres'],
      places: [
        '/usr/lib/postgresql/*/bin',
        '/usr/pgsql-*/bin',
        '/usr/local/pgsql/bin',
        '/opt/homebrew/opt/postgresql*/bin',
        '/usr/local/opt/postgresql*/bin',
      ],
    },
    env,
  );
}

/** The URL of its superuser, who may create databases. `durable`: it waits for the disk, as a real one does. */
export async function startPostgres(
  sandbox: Sandbox,
  env: NodeJS.ProcessEnv,
  pace: 'hasty' | 'durable' = 'hasty',
): Promise<string> {
  const programs = findPostgres(env);
  if (programs === undefined) throw new Error('PostgreSQL was not found, although it was installed just now.');
  const data = join(sandbox.folder, 'postgres');

  const setUp = sandbox.start(join(programs, 'initdb'), [
    `--pgdata=${data}`,
    '--username=postgres',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ]);
  const failure = await setUp.exit;
  if (failure !== 0) throw new Error(`initdb failed (${failure}):\n${setUp.logTail()}`);

  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    ...(pace === 'hasty' && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const port = await startServer(sandbox, {
    name: 'PostgreSQL',
    file: join(programs, 'postgres'),
    toArgs: (free) => [
      `-D${data}`,
      `-p${free}`,
      ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`),
    ],
  });
  return `postgresql://postgres@127.0.0.1:${port}/postgres`;
}
