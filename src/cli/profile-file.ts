// Where credentials are kept between commands: one file, for nobody else to read.

import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { Failure } from './failure.ts';
import type { World } from './world.ts';

export const DEFAULT_PROFILE = 'default';
const MAX_FILE_BYTES = 1_048_576;

const Profile = Type.Object(
  { url: Type.String({ minLength: 1 }), apiKey: Type.String({ minLength: 1 }) },
  { additionalProperties: false },
);
const ProfileFile = Type.Object({ profiles: Type.Record(Type.String(), Profile) }, { additionalProperties: false });

export type Profile = Static<typeof Profile>;
type Profiles = Readonly<Record<string, Profile>>;

export function profilePath({ env, homeDir }: Pick<World, 'env' | 'homeDir'>): string {
  const config = env['XDG_CONFIG_HOME'];
  return join(config === undefined || config === '' ? join(homeDir, '.config') : config, 'tollgate', 'profiles.json');
}

/** Empty when there is no file. Throws when others could read or have written it, or when it cannot be understood. */
export function readProfiles(path: string): Profiles {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return {};
  if (!stats.isFile()) refuse(`${path} is not a plain file`);
  if (process.platform !== 'win32') {
    if (stats.uid !== process.getuid?.()) refuse(`${path} belongs to another user: a key in it is not yours alone`);
    if ((stats.mode & 0o077) !== 0)
      refuse(
        `${path} can be read by others (mode ${(stats.mode & 0o777).toString(8)}); run: chmod 600 ${quoted(path)}`,
      );
  }
  if (stats.size > MAX_FILE_BYTES) refuse(`${path} is longer than a file of profiles can be`);
  const file = parse(readFileSync(path, 'utf8'));
  if (!Value.Check(ProfileFile, file)) refuse(`${path} is no file of profiles; remove it and run: tollgate login`);
  return file.profiles;
}

/** Written beside and put in its place whole, so that no half of it is ever seen. */
export function writeProfiles(path: string, profiles: Profiles): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  rmSync(draft, { force: true });
  const file = openSync(draft, 'wx', 0o600);
  try {
    // Whatever the umask left of it.
    chmodSync(draft, 0o600);
    writeSync(file, `${JSON.stringify({ profiles }, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

function refuse(problem: string): never {
  throw new Failure('usage', [problem]);
}
