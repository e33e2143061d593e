// A temporary folder and the processes that work in it. A guard process ends them and removes the folder, whatever becomes of us.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Job } from './job.ts';

export interface Sandbox {
  readonly folder: string;
  /** Starts a process that works in the folder and lives until the sandbox is closed, at the latest. */
  start(file: string, args: readonly string[]): Job;
  /** Takes the leader of a process group that was started elsewhere: it is ended with the others. */
  adopt(pid: number): void;
  /** Ends all of it. May be called more than once. */
  close(): Promise<void>;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

export async function openSandbox(): Promise<Sandbox> {
  const account = process.geteuid?.() === 0 ? findAccount() : undefined;
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-test-'));
  const guard = startGuard(folder);
  const guardGone = once(guard, 'close');
  if (account !== undefined) await chown(folder, account.uid, account.gid);

  let isClosed = false;
  const adopt = (pid: number): void => void guard.stdin?.write(`${pid}\n`);
  const start = (file: string, args: readonly string[]): Job => {
    if (isClosed) throw new Error('The sandbox is closed.');
    // English messages and UTC on every machine. A group of its own: Ctrl-C is for the tests, the servers end after them.
    const env = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
    const child = spawn(file, args, {
      ...account,
      cwd: folder,
      detached: true,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (child.pid !== undefined) adopt(child.pid);
    return new Job(child);
  };
  const close = async (): Promise<void> => {
    isClosed = true;
    guard.stdin?.end();
    await guardGone;
  };
  return { folder, start, adopt, close };
}

function startGuard(folder: string): ChildProcess {
  const script = join(import.meta.dirname, 'guard.ts');
  return spawn(process.execPath, [script, folder], { detached: true, stdio: ['pipe', 'ignore', 'inherit'] });
}

/** Servers refuse to run as root: somebody without rights does it, who is known on every Unix. */
function findAccount(): Account {
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number.parseInt(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout, 10),
    );
    if (uid !== undefined && gid !== undefined && uid > 0 && gid > 0) return { uid, gid };
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody: run the tests as another user.',
  );
}
