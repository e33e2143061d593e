// The promise that no process and no folder of a run stays behind, kept even when the run is killed.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findTools } from './tools.ts';

const skip = findTools(process.env).tools === undefined ? 'wrk, taskset or setpriv is not installed' : false;

function isRunning(pid: number): boolean {
  try {
    // One that has ended and that nobody has asked for yet is a zombie.
    return !/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test('a stage is cleaned up, players, loads and folder, when whoever opened it is killed', { skip }, async () => {
  const program = `
    import { openStage } from '${join(import.meta.dirname, 'stage.ts')}';
    const stage = await openStage(new AbortController().signal);
    const player = stage.start({ file: 'sleep', args: ['1000'], core: 0 });
    const load = stage.start({ file: 'sleep', args: ['1000'], core: 0, endsByItself: true });
    // Both have become sleep, which is what the kernel is to end.
    const { readFileSync } = await import('node:fs');
    for (const { pid } of [player, load]) while (!readFileSync('/proc/' + pid + '/cmdline', 'utf8').startsWith('sleep')) ;
    process.stdout.write([player.pid, load.pid, stage.folder].join(' '), () => process.kill(process.pid, 'SIGKILL'));`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });

  // The guard holds the error stream: its end says that the guard has done its work.
  const [said] = await Promise.all([text(owner.stdout), text(owner.stderr), once(owner, 'close')]);

  const [player, load, folder = ''] = said.split(' ');
  assert.match(folder, /tollgate-bench-/);
  assert.equal(existsSync(folder), false);
  for (const pid of [Number(player), Number(load)]) {
    assert.ok(pid > 0);
    for (let look = 0; look < 500 && isRunning(pid); look++) await sleep(10);
    assert.equal(isRunning(pid), false);
  }
});
