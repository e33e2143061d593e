// OpenAPI documents as they come: texts of strangers. Read within limits; references lead to places of the same document only. Pure.

import { parseYaml } from '../../lib/yaml-text.ts';

/** YAML takes the machine a thousand times as long as JSON: whoever has more of it turns it into JSON first. */
const MAX_YAML_CHARACTERS = 1024 * 1024;
/** So many may lead from one to the next. */
const MAX_REFERENCES = 32;

export type Json = Readonly<Record<string, unknown>>;

export type ReadDocument =
  | { readonly ok: true; readonly document: Json }
  /** Completes "the document …". */
  | { readonly ok: false; readonly fault: string };

export interface ReadOptions {
  readonly maxYamlCharacters?: number;
}

/** A text in JSON or YAML, or what was JSON already. Versions 3.0 and 3.1. */
export function readOpenApi(
  given: string | Json,
  { maxYamlCharacters = MAX_YAML_CHARACTERS }: ReadOptions = {},
): ReadDocument {
  const parsed = typeof given === 'string' ? parseText(given, maxYamlCharacters) : { ok: true, document: given };
  if ('fault' in parsed) return { ok: false, fault: parsed.fault };
  const { document } = parsed;
  if (!isMap(document))
    return { ok: false, fault: 'must be an OpenAPI document: an object with openapi, info and paths' };
  if (document['swagger'] !== undefined) {
    return { ok: false, fault: 'is Swagger 2.0: convert it to OpenAPI 3 first, as many tools do' };
  }
  const { openapi } = document;
  if (typeof openapi !== 'string' || !/^3\.[01](?:\.|$)/.test(openapi)) {
    return { ok: false, fault: 'must say `openapi: 3.0.x` or `3.1.x`' };
  }
  return { ok: true, document };
}

type Parsed = { readonly ok: true; readonly document: unknown } | { readonly ok: false; readonly fault: string };

function parseText(text: string, maxYamlCharacters: number): Parsed {
  if (/^\s*\{/.test(text)) return parseWith(text, (json) => JSON.parse(json));
  if (text.length > maxYamlCharacters) {
    const fault = `has more than ${maxYamlCharacters} characters, which is too many for YAML: send it as JSON`;
    return { ok: false, fault };
  }
  return parseWith(text, parseYaml);
}

function parseWith(text: string, parse: (text: string) => unknown): Parsed {
  try {
    return { ok: true, document: parse(text) };
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : '';
    return { ok: false, fault: `cannot be read: ${reason.slice(0, 200)}` };
  }
}

/** What stands there, wherever a `$ref` leads; undefined when it leads nowhere, elsewhere, or in a circle. */
export function resolve(document: Json, value: unknown): Json | undefined {
  let found: unknown = value;
  for (let i = 0; i <= MAX_REFERENCES; i++) {
    if (!isMap(found)) return undefined;
    const { $ref: reference } = found;
    if (typeof reference !== 'string') return found;
    found = follow(document, reference);
  }
  return undefined;
}

/** RFC 6901, in a fragment. */
function follow(document: Json, reference: string): unknown {
  if (!reference.startsWith('#/')) return undefined;
  let place: unknown = document;
  for (const part of reference.slice(2).split('/')) {
    const name = decode(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof place !== 'object' || place === null || !Object.hasOwn(place, name)) return undefined;
    place = Reflect.get(place, name);
  }
  return place;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function toMap(value: unknown): Json {
  return isMap(value) ? value : {};
}

export function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function toText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
