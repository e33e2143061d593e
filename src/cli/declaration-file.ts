// Declarations as files: read, their references put in, several made one; and what is said of them in the terms of the files.

import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { isTooDeep, TOO_DEEP } from '../lib/nesting.ts';
import { hide, putIn, type Known } from '../declared/references.ts';
import type { Fault } from '../lib/problem.ts';
import { parseYaml } from '../lib/yaml-text.ts';
import { Failure } from './failure.ts';
import type { World } from './world.ts';

const MAX_FILE_BYTES = 16 * 1_048_576;
const STDIN = '-';

export interface FileDeclaration {
  readonly gateways: readonly unknown[];
  /** The same, with references in place of what they stood for. */
  readonly hidden: (value: unknown) => unknown;
  /** `gateways[3].name` of all → `shop.yaml: gateways[1].name`. */
  readonly inFileTerms: (fault: Fault) => string;
}

interface Origin {
  readonly file: string;
  readonly index: number;
}

/** Throws a Failure with every fault of the files' form. */
export async function readDeclaration(world: World, files: readonly string[]): Promise<FileDeclaration> {
  const known: Known = new Map();
  const faults: string[] = [];
  const gateways: unknown[] = [];
  const origins: Origin[] = [];
  for (const file of files) {
    const read = parseDeclaration(parseText(await readText(world, file), file), file);
    const folder = file === STDIN ? '.' : dirname(file);
    const put = putIn(read, { env: world.env, folder }, known);
    faults.push(...put.faults.map((fault) => `${file}: ${fault}`));
    gateways.push(...put.values);
    origins.push(...read.map((_, index) => ({ file, index })));
  }
  const [first, ...rest] = faults;
  if (first !== undefined) throw new Failure('usage', [first, ...rest]);
  return {
    gateways,
    hidden: (value) => hide(value, known),
    inFileTerms: ({ path, message }) =>
      String(hide(`${toFileTerms(path, files.length > 1 ? origins : [])} ${message}`, known)),
  };
}

function toFileTerms(path: string, origins: readonly Origin[]): string {
  const [, index = '', rest = ''] = /^(?:body\.)?gateways\[(\d+)\](.*)$/.exec(path) ?? [];
  if (index === '') return path;
  const origin = origins[Number(index)];
  return origin === undefined ? `gateways[${index}]${rest}` : `${origin.file}: gateways[${origin.index}]${rest}`;
}

/** `-` is standard input. */
export async function readText({ stdin }: World, file: string): Promise<string> {
  if (file === STDIN) return readAll(stdin);
  try {
    if (statSync(file).size > MAX_FILE_BYTES) throw new Failure('usage', [`${file} is longer than 16 MiB`]);
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure('usage', [`${file} cannot be read`]);
  }
}

function parseText(text: string, file: string): unknown {
  const document = parseValue(text, file);
  if (isTooDeep(document)) throw new Failure('usage', [`${file} is ${TOO_DEEP}`]);
  return document;
}

function parseValue(text: string, file: string): unknown {
  try {
    if (/^\s*\{/.test(text)) return JSON.parse(text);
    return parseYaml(text);
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : '';
    throw new Failure('usage', [`${file} is neither YAML nor JSON: ${reason}`]);
  }
}

function parseDeclaration(document: unknown, file: string): readonly unknown[] {
  if (
    typeof document !== 'object' ||
    document === null ||
    !('gateways' in document) ||
    !Array.isArray(document.gateways)
  )
    throw new Failure('usage', [`${file} is no declaration: it must have \`gateways\`, a list`]);
  // Of use to editors only.
  const strange = Object.keys(document).filter((name) => name !== 'gateways' && name !== '$schema');
  if (strange.length > 0) throw new Failure('usage', [`${file}: ${strange.join(', ')} is not known here`]);
  return document.gateways;
}
