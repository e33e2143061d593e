// A YAML or JSON file that a person wrote, as a value.

import { readFileSync, statSync } from 'node:fs';
import { parseYaml } from '../lib/yaml-text.ts';
import { DeclarationError } from './fault-error.ts';
import { isTooDeep, TOO_DEEP } from '../lib/nesting.ts';

const MAX_BYTES = 16 * 1024 * 1024;

export function readDocument(file: string): unknown {
  const document = parseDocument(readText(file), file);
  if (isTooDeep(document)) throw new DeclarationError([`${file}: is ${TOO_DEEP}`]);
  return document;
}

function parseDocument(text: string, file: string): unknown {
  try {
    return parseYaml(text);
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : '';
    throw new DeclarationError([`${file}: is neither YAML nor JSON: ${reason}`]);
  }
}

function readText(file: string): string {
  try {
    if (statSync(file).size > MAX_BYTES) throw new DeclarationError([`${file}: is larger than ${MAX_BYTES} bytes`]);
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof DeclarationError) throw cause;
    throw new DeclarationError([`${file}: cannot be read (${reasonOf(cause)})`]);
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error) || !('code' in cause)) return String(cause);
  switch (cause.code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'this user may not read it';
    case 'EISDIR':
      return 'it is a folder';
    default:
      return String(cause.code);
  }
}
