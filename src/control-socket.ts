// Where the control plane is reached by the gateway threads of its node, and by nobody else.

import { join } from 'node:path';
import { SettingsError } from './config.ts';
import type { DataDir } from './data-dir.ts';

/** A Unix socket's path has at most 107 bytes. */
export function socketPathIn(dataDir: DataDir): string {
  const path = join(dataDir.path, 'control.sock');
  if (Buffer.byteLength(path) <= 107) return path;
  throw new SettingsError([
    `DATA_DIR: ${dataDir.path} is too long for a socket in it; choose a path of at most 94 bytes`,
  ]);
}
