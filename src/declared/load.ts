// Everything that a gateway without a database serves: what is published, and who may call. From files or from values, checked as a whole.

import { dirname } from 'node:path';
import type { SnapshotConfig } from '../gateway/snapshot.ts';
import type { Peppers } from '../lib/pepper.ts';
import type { Fault } from '../lib/problem.ts';
import { readDocument } from './document.ts';
import { DeclarationError, toLines } from './fault-error.ts';
import { findGuarded, parseGateways, TENANT_ID, toPassThrough, type GatewayRules } from './gateways.ts';
import { checkGuard } from './key-file.ts';
import { hide, putIn, type Known } from './references.ts';
import { parseKeys, type KeyOptions, type KeyRing } from './keys.ts';

/** A value, or the path of the YAML or JSON file that it stands in. */
export type Source = string | object;

export interface Sources {
  /** Either what is published, or the one service that gets everything. */
  readonly config: Source | undefined;
  readonly upstream: string | undefined;
  /** With `upstream`: no key is asked for. */
  readonly isOpen: boolean;
  readonly keys: Source | undefined;
}

export interface DeclaredRules extends GatewayRules {
  readonly peppers: Peppers;
  readonly defaultRateLimit: KeyOptions['defaultRateLimit'];
  /** What `${env:NAME}` in a file stands for. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the sources are called where faults are told: `config` or `--config`. */
  readonly spell: (source: 'config' | 'upstream' | 'keys') => string;
}

export interface Declared {
  readonly snapshot: SnapshotConfig;
  readonly keys: KeyRing;
  /** What serves, and yet had better be mended. */
  readonly warnings: readonly string[];
}

/** Throws a DeclarationError that tells every fault of both. */
export function loadDeclared({ config, upstream = '', isOpen, keys }: Sources, rules: DeclaredRules): Declared {
  const faults: string[] = [];
  const warnings: string[] = [];
  const { gateways = [] } =
    config === undefined
      ? attempt(faults, () => readUpstream(upstream, isOpen, rules))
      : attempt(faults, () => readConfig(config, rules));
  const { ring = new Map() } = attempt(faults, () => {
    if (keys === undefined) return { ring: new Map(), faults: [] };
    const guard = typeof keys === 'string' ? checkGuard(keys) : undefined;
    if (guard !== undefined) warnings.push(guard);
    return readKeys(keys, rules);
  });
  const guarded = keys === undefined ? findGuarded(gateways) : undefined;
  if (guarded !== undefined) {
    const what = `${guarded} asks callers for a key, and there is none`;
    faults.push(
      `${rules.spell('keys')}: is missing: ${what}; give a file of keys (\`tollgate key-file add\` makes one)`,
    );
  }
  if (faults.length > 0) throw new DeclarationError(faults);
  return { snapshot: { version: 0, paths: rules.paths, gateways: [...gateways] }, keys: ring, warnings };
}

/** What it gives, or nothing and the faults noted. */
function attempt<Result extends { readonly faults: readonly string[] }>(
  faults: string[],
  work: () => Result,
): Partial<Result> {
  try {
    const result = work();
    faults.push(...result.faults);
    return result;
  } catch (cause) {
    if (!(cause instanceof DeclarationError)) throw cause;
    faults.push(...cause.faults);
    return {};
  }
}

function readConfig(config: Source, rules: DeclaredRules) {
  const known: Known = new Map();
  const document = typeof config === 'string' ? readDeclaration(config, rules, known) : config;
  const { gateways, faults } = parseGateways(document, rules);
  const lines = toLines(faults, nameOf(config, rules.spell('config')));
  return { gateways, faults: lines.map((line) => String(hide(line, known))) };
}

/** With its references put in; a value of a program has none. */
function readDeclaration(file: string, { env }: DeclaredRules, known: Known): unknown {
  const { values, faults } = putIn([readDocument(file)], { env, folder: dirname(file) }, known);
  if (faults.length > 0) throw new DeclarationError(faults.map((fault) => `${file}: ${fault}`));
  const [document] = values;
  if (typeof document !== 'object' || document === null || !('$schema' in document)) return document;
  const { $schema: _forEditors, ...rest } = document;
  return rest;
}

function readUpstream(upstream: string, isOpen: boolean, rules: DeclaredRules) {
  const { gateways, faults } = parseGateways(toPassThrough(upstream, isOpen), rules);
  const own = faults.map(({ message }): Fault => ({ path: '', message }));
  return { gateways, faults: toLines(own, rules.spell('upstream')) };
}

function readKeys(keys: Source, rules: DeclaredRules) {
  const { keys: ring, faults } = parseKeys(contentOf(keys), { ...rules, tenantId: TENANT_ID });
  return { ring, faults: toLines(faults, nameOf(keys, rules.spell('keys'))) };
}

function contentOf(source: Source): unknown {
  return typeof source === 'string' ? readDocument(source) : source;
}

function nameOf(source: Source, name: string): string {
  return typeof source === 'string' ? source : name;
}
