// The file that keys stand in: who may write it, and how one is added. What people wrote in it, comments too, stays as it is.

import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { parse, stringify } from 'yaml';
import type { Peppers } from '../lib/pepper.ts';
import { DeclarationError, toLines } from './fault-error.ts';
import { parseKeys, type KeyEntry } from './keys.ts';

const WRITABLE_BY_OTHERS = 0o002;
const READABLE_BY_OTHERS = 0o004;

const HEADER = `# Keys of a Tollgate without a database. Their texts are not here, only what proves them: what is lost is made anew.
# To take a key back, remove its entry; what reads this file sees that within seconds.
`;

/** Throws when anybody may put a key of their own in; answers with what else should be told, if anything. */
export function checkGuard(file: string): string | undefined {
  // Elsewhere the bits say nothing.
  const mode = process.platform === 'win32' ? 0 : (statSync(file, { throwIfNoEntry: false })?.mode ?? 0);
  if ((mode & WRITABLE_BY_OTHERS) !== 0) {
    throw new DeclarationError([
      `${file}: every user of this machine may write it, and so let themselves in: \`chmod o-w\` it`,
    ]);
  }
  if ((mode & READABLE_BY_OTHERS) === 0) return undefined;
  return `${file} can be read by every user of this machine: \`chmod o-r\` it`;
}

/**
 * Puts the entry behind what is in the file; a file that is made is its owner's alone. Throws a DeclarationError, and writes nothing, when
 * the list would not be sound.
 */
export function addEntry(file: string, entry: KeyEntry, peppers: Peppers): void {
  const before = readIfThere(file);
  const text = joined(before ?? HEADER, entry);
  const list = parseList(file, text, entry);
  const { faults } = parseKeys(list, { peppers, tenantId: '', defaultRateLimit: {} });
  // What is wrong with the entry itself is told in its own terms: it stands nowhere yet.
  const own = `${file}: [${list.length - 1}].`;
  const lines = toLines(faults, file).map((line) => (line.startsWith(own) ? line.slice(own.length) : line));
  if (lines.length > 0) throw new DeclarationError(lines);
  try {
    if (before === undefined) writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
    else appendFileSync(file, text.slice(before.length));
  } catch (cause) {
    throw new DeclarationError([`${file}: cannot be written (${codeOf(cause)})`]);
  }
}

function parseList(file: string, text: string, entry: KeyEntry): readonly unknown[] {
  try {
    const list: unknown = parse(text);
    const last: unknown = Array.isArray(list) ? list.at(-1) : undefined;
    if (Array.isArray(list) && isDeepStrictEqual(last, entry)) return list;
  } catch {
    // Told below: what is there is no list that another entry can stand behind.
  }
  throw new DeclarationError([
    `${file}: is no list of entries that each begin with a dash; put this into it yourself:\n${toText(entry)}`,
  ]);
}

function joined(before: string, entry: KeyEntry): string {
  return `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${toText(entry)}`;
}

function toText(entry: KeyEntry): string {
  return stringify([entry], { lineWidth: 0 });
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new DeclarationError([`${file}: cannot be read (${codeOf(cause)})`]);
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
}
