// Reads the import lines of source files.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dirname, normalize } from 'node:path/posix';

export interface ImportLine {
  /** The importing file, below the folder that was read. */
  readonly from: string;
  /** The imported file below that folder, or the name of a package. */
  readonly to: string;
  /** Gone when the types are stripped. */
  readonly isTypeOnly: boolean;
}

// Formatted code only: an import begins its line and has single quotes. An inline `{ type A }` still loads the file.
const FROM =
  /^(?:import|export)\s+(type\s+)?(?:[\w$]+\s*,?\s*)?(?:\*(?:\s+as\s+[\w$]+)?|\{[^}]*\})?\s*from\s+'([^']+)'/gm;
const BARE = /(?:^import\s+|\bimport\(\s*)'([^']+)'/gm;

/** All files of the folder, below it. */
export function listSources(folder: string): string[] {
  return globSync('**/*.ts', { cwd: folder }).toSorted();
}

export function readImportLines(folder: string, files: readonly string[]): ImportLine[] {
  return files.flatMap((file) => parseImportLines(file, readFileSync(join(folder, file), 'utf8')));
}

export function parseImportLines(file: string, source: string): ImportLine[] {
  const resolve = (specifier: string): string =>
    specifier.startsWith('.') ? normalize(`${dirname(file)}/${specifier}`) : specifier;
  return [
    ...source
      .matchAll(FROM)
      .map(([, type, to = '']) => ({ from: file, to: resolve(to), isTypeOnly: type !== undefined })),
    ...source.matchAll(BARE).map(([, to = '']) => ({ from: file, to: resolve(to), isTypeOnly: false })),
  ];
}
