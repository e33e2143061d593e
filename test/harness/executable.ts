// Finds installed programs.

import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Wanted {
  /** All must stand in one folder. */
  readonly names: readonly string[];
  /** Folders to look in after PATH, as globs; of several matches the one with the highest version wins. */
  readonly places: readonly string[];
}

/** The first folder that holds them all, or undefined. */
export function findExecutables(wanted: Wanted, env: NodeJS.ProcessEnv): string | undefined {
  const path = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const newestFirst = wanted.places.flatMap((place) =>
    globSync(place).toSorted((a, b) => b.localeCompare(a, 'en', { numeric: true })),
  );
  return [...path, ...newestFirst].find((folder) => wanted.names.every((name) => isExecutable(join(folder, name))));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
