// The data directory: one owner at a time, private, and the home of secrets that nobody gave.

import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

export class DataDirInUse extends Error {}

export interface DataDir {
  readonly path: string;
  /** Text of 64 hexadecimal digits, made at the first call and the same ever after. */
  secret(name: 'hmac-secret' | 'encryption-key'): string;
  release(): void;
}

/** Makes the folder when it is missing (mode 0700) and takes its lock, or throws DataDirInUse. */
export function openDataDir(dir: string): DataDir {
  const path = resolve(dir);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const lock = takeLock(path);
  writePrivate(join(path, 'pid'), `${process.pid}\n`);
  return {
    path,
    secret: (name) => loadSecret(join(path, name)),
    release: () => lock.close(),
  };
}

/**
 * Locks by an exclusive transaction on an empty SQLite file: the kernel's own file lock, which ends with the process however it ends,
 * so that there is never a stale one. Node offers no file lock by itself.
 */
function takeLock(path: string): DatabaseSync {
  const file = join(path, 'lock');
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock.close();
    if (!(cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY)) throw cause;
    throw new DataDirInUse(`process ${readPid(path)} uses it`, { cause });
  }
}

function readPid(path: string): string {
  try {
    return readFileSync(join(path, 'pid'), 'utf8').trim();
  } catch {
    return 'of another Tollgate';
  }
}

function loadSecret(file: string): string {
  let kept: string | undefined;
  try {
    chmodSync(file, 0o600);
    kept = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause;
  }
  // A new one in its place would silently lose every key, and an empty one would protect nothing.
  if (kept !== undefined && !/^[0-9a-f]{64}$/.test(kept))
    throw new Error(`${file} is damaged: it must hold 64 hexadecimal digits`);
  const secret = kept ?? randomBytes(32).toString('hex');
  if (kept === undefined) writePrivate(file, `${secret}\n`);
  return secret;
}

/** All or nothing, readable by the owner only, on disk before it is used. */
function writePrivate(file: string, text: string): void {
  const draft = `${file}.new`;
  const descriptor = openSync(draft, 'w', 0o600);
  writeSync(descriptor, text);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(draft, file);
  // The new name is on disk only when its folder is.
  const folder = openSync(dirname(file), 'r');
  fsyncSync(folder);
  closeSync(folder);
}
