// `npm run check`: what is quick enough to be run before every commit. The static checks, and the unit tests without any server.

import { run } from './run.ts';
import { runStaticChecks } from './static-checks.ts';
import { untilSignalled } from './until-signalled.ts';

await untilSignalled(async (signal) => {
  const code = await runStaticChecks(signal);
  if (code !== 0) return code;
  const { TEST_DATABASE_URL: _database, TEST_REDIS_URL: _redis, ...env } = process.env;
  return run([process.execPath, '--test', '--test-timeout=60000', 'src/**/*.test.ts'], { signal, env });
});
