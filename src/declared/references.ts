// `${env:NAME}` and `${file:/path}` in the texts of a declaration: what they stand for is kept outside of the file, and is put in by the
// command that reads it. `$${` stands for the letters `${`.

import { closeSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';

const MAX_FILE_BYTES = 65_536;
const REFERENCE = /\$\$\{|\$\{([^}]*)\}?/g;

export interface Surrounding {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where paths that are not absolute begin. */
  readonly folder: string;
}

/** What a reference stood for, and the reference. */
export type Known = Map<string, string>;

/** Every text of the documents with its references put in; they are noted in `known`. Faults complete "the declaration …". */
export function putIn(
  documents: readonly unknown[],
  surrounding: Surrounding,
  known: Known,
): { values: unknown[]; faults: string[] } {
  const faults = new Set<string>();
  const putInText = (text: string): string =>
    text.replaceAll(REFERENCE, (reference: string, inner: string | undefined) => {
      if (inner === undefined) return '${';
      const found = lookUp(inner, surrounding);
      if ('fault' in found) faults.add(`${reference} ${found.fault}`);
      else known.set(found.text, reference);
      return 'fault' in found ? reference : found.text;
    });
  return { values: documents.map((document) => mapTexts(document, putInText)), faults: [...faults] };
}

/** The other way: no text of it is taken for a reference. */
export function escapeReferences(document: unknown): unknown {
  return mapTexts(document, (text) => text.replaceAll('${', () => '$${'));
}

/** References in place of what they stood for, wherever it turns up. */
export function hide(value: unknown, known: Known): unknown {
  const longestFirst = [...known].toSorted(([a], [b]) => b.length - a.length);
  return mapTexts(value, (text) =>
    longestFirst.reduce((rest, [found, reference]) => rest.replaceAll(found, () => reference), text),
  );
}

function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((entry) => mapTexts(entry, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, mapTexts(entry, map)]));
}

type Found = { readonly text: string } | { readonly fault: string };

function lookUp(inner: string, { env, folder }: Surrounding): Found {
  const [, kind, name = ''] = /^(env|file):(.+)$/.exec(inner) ?? [];
  switch (kind) {
    case 'env': {
      const text = env[name] ?? '';
      return text === '' ? { fault: `is not there: set ${name} in the environment` } : { text };
    }
    case 'file':
      return readSecret(resolve(folder, name));
    case undefined:
    default:
      return { fault: 'is no reference: write ${env:NAME} or ${file:/path}, or $${ for the letters' };
  }
}

/** Without the end of its last line, which editors put there. */
function readSecret(path: string): Found {
  try {
    const bytes = readStart(path, MAX_FILE_BYTES + 1);
    if (bytes.length > MAX_FILE_BYTES) return { fault: `leads to a file of more than ${MAX_FILE_BYTES} bytes` };
    const text = bytes.toString().replace(/\r?\n$/, '');
    return text === '' ? { fault: 'leads to an empty file' } : { text };
  } catch {
    return { fault: 'leads to a file that cannot be read' };
  }
}

/** Devices and pipes do not say how long they are. */
function readStart(path: string, most: number): Buffer {
  const bytes = Buffer.alloc(most);
  const file = openSync(path, 'r');
  try {
    let length = 0;
    for (let read = -1; read !== 0 && length < most; length += read)
      read = readSync(file, bytes, length, most - length, null);
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}
