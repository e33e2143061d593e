// package-lock.json, as far as its completeness is concerned. Fields that are not named here are carried along.

import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';

const LockEntry = Type.Object({
  dev: Type.Optional(Type.Boolean()),
  optionalDependencies: Type.Optional(Type.Record(Type.String(), Type.String())),
});
const LockFile = Type.Object({ packages: Type.Record(Type.String(), LockEntry) });

export type LockFile = Static<typeof LockFile>;

/** A build for one platform, by the convention of its name: `binding-linux-x64-musl`, `darwin-arm64`. */
const PLATFORM_BUILD =
  /(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|ia32|ppc64|riscv64|s390x|x64)(?:-(gnu|musl|eabi|msvc)\w*)?$/;
const LIBC: Readonly<Record<string, string>> = { gnu: 'glibc', musl: 'musl' };

export function parseLock(text: string): LockFile {
  return Value.Parse(LockFile, JSON.parse(text));
}

/** Optional dependencies without an entry, and who asks for them. */
export function findMissing(lock: LockFile): { name: string; version: string; isDev: boolean }[] {
  return Object.values(lock.packages).flatMap((entry) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => lock.packages[`node_modules/${name}`] === undefined)
      .map(([name, version]) => ({ name, version, isDev: entry.dev === true })),
  );
}

/** With an entry for every platform's build, as npm would have written it, but for the checksum. */
export function toCompleteLock(lock: LockFile): LockFile {
  const packages: Record<string, object> = { ...lock.packages };
  for (const { name, version, isDev } of findMissing(lock)) {
    const [, os, cpu, abi = ''] = PLATFORM_BUILD.exec(name) ?? [];
    if (os === undefined) throw new Error(`${name} is missing from package-lock.json, and its name tells no platform.`);
    const libc = LIBC[abi];
    packages[`node_modules/${name}`] = {
      version,
      cpu: [cpu],
      ...(isDev && { dev: true }),
      ...(libc !== undefined && { libc: [libc] }),
      optional: true,
      os: [os],
    };
  }
  return { ...lock, packages: Object.fromEntries(Object.entries(packages).toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}
