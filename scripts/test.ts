// `npm test`: the static checks, then every test with real servers up. Stops at the first failure.
// `npm test -- <files and flags of node --test>`: only those, with servers up.

import { startServers } from '../test/harness/servers.ts';
import { run } from './run.ts';
import { runStaticChecks } from './static-checks.ts';
import { untilSignalled } from './until-signalled.ts';

const ALL_TESTS = ['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'];
const TEST_FLAGS = ['--test-reporter=spec', '--test-timeout=120000', '--test-concurrency=2'];

await untilSignalled(async (signal) => {
  const wanted = process.argv.slice(2);
  if (wanted.length === 0) {
    const code = await runStaticChecks(signal);
    if (code !== 0) return code;
  }
  const flags = wanted.filter((argument) => argument.startsWith('-'));
  const files = wanted.filter((argument) => !argument.startsWith('-'));
  return runTests([...flags, ...(files.length > 0 ? files : ALL_TESTS)], signal);
});

async function runTests(args: readonly string[], signal: AbortSignal): Promise<number> {
  const startedMs = performance.now();
  const servers = await startServers(process.env, signal);
  try {
    console.log(`✔ servers (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
    const env = { ...process.env, TEST_DATABASE_URL: servers.databaseUrl, TEST_REDIS_URL: servers.redisUrl };
    return await run([process.execPath, '--test', ...TEST_FLAGS, ...args], {
      signal,
      env,
      onStart: (pid) => servers.adopt(pid),
    });
  } finally {
    await servers.stop();
  }
}
