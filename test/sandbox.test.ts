// The promise that no server and no folder of a test run stays behind, kept even when the run is killed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { openSandbox } from './harness/sandbox.ts';

test('closing a sandbox ends its processes and removes its folder', async () => {
  const sandbox = await openSandbox();
  const job = sandbox.start('sleep', ['1000']);

  await sandbox.close();

  assert.equal(await job.exit, 'SIGINT');
  assert.equal(existsSync(sandbox.folder), false);
  assert.throws(() => sandbox.start('sleep', ['1000']), /closed/);
});

test('a sandbox is cleaned up when whoever opened it is killed', async () => {
  const program = `
    import { openSandbox } from '${join(import.meta.dirname, 'harness', 'sandbox.ts')}';
    const sandbox = await openSandbox();
    sandbox.start('sleep', ['1000']);
    process.stdout.write(sandbox.folder, () => process.kill(process.pid, 'SIGKILL'));`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });

  // The guard holds the error stream: its end says that the guard has done its work.
  const [folder] = await Promise.all([text(owner.stdout), text(owner.stderr), once(owner, 'close')]);

  assert.equal(owner.signalCode, 'SIGKILL');
  assert.match(folder, /tollgate-test-/);
  assert.equal(existsSync(folder), false);
});

test('a program that cannot be started is reported by its exit', async () => {
  const sandbox = await openSandbox();
  const job = sandbox.start('/nonexistent/server', []);

  const outcome = await job.waitForLog(/ready/, 10_000);

  assert.equal(outcome, 'exited');
  assert.match(String(await job.exit), /ENOENT/);
  await sandbox.close();
});
