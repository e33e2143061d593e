// Real servers for the tests: those that the environment names, else throwaway ones of our own.

import { installDebianPackages, isDebianRoot } from './debian.ts';
import { findPostgres, startPostgres } from './postgres.ts';
import { findRedis, startRedis } from './redis.ts';
import { openSandbox } from './sandbox.ts';

export interface Servers {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Has the leader of a process group ended together with the servers, if it has not ended before. */
  adopt(pid: number): void;
  /** Ends what was started here and removes its folder. */
  stop(): Promise<void>;
}

/**
 * Returns once both answer; on failure nothing is left behind. Uses TEST_DATABASE_URL and TEST_REDIS_URL where they are set, and
 * refuses with one line that says what to do when it can neither find nor install a server. The signal stops the start only.
 */
export async function startServers(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Servers> {
  // An empty variable is as good as none.
  const databaseUrl = env['TEST_DATABASE_URL'] || undefined;
  const redisUrl = env['TEST_REDIS_URL'] || undefined;
  const missing: Package[] = [];
  if (databaseUrl === undefined && findPostgres(env) === undefined) missing.push('postgresql');
  if (redisUrl === undefined && findRedis(env) === undefined) missing.push('redis-server');
  await provide(missing);

  const sandbox = await openSandbox();
  const stopNow = (): void => void sandbox.close();
  signal.addEventListener('abort', stopNow);
  try {
    signal.throwIfAborted();
    const [database, redis] = await Promise.all([
      databaseUrl ?? startPostgres(sandbox, env),
      redisUrl ?? startRedis(sandbox, env),
    ]);
    return {
      databaseUrl: database,
      redisUrl: redis,
      adopt: (pid) => sandbox.adopt(pid),
      stop: () => sandbox.close(),
    };
  } catch (cause) {
    await sandbox.close();
    throw cause;
  } finally {
    signal.removeEventListener('abort', stopNow);
  }
}

type Package = 'postgresql' | 'redis-server';

const REMEDIES: Readonly<Record<Package, string>> = {
  postgresql:
    'The tests need PostgreSQL: install it (with initdb on PATH), or set TEST_DATABASE_URL to a server where they may create databases.',
  'redis-server': 'The tests need Redis: install redis-server, or set TEST_REDIS_URL to a server that they may empty.',
};

async function provide(missing: readonly Package[]): Promise<void> {
  if (missing.length === 0) return;
  if (!isDebianRoot()) throw new Error(missing.map((name) => REMEDIES[name]).join('\n'));
  await installDebianPackages(missing);
}
