// What a schema finds wrong, in words for the caller: where, and what to do.

import type { ErrorObject } from 'ajv';
import { nearest } from '../lib/nearest.ts';
import type { Fault } from '../lib/problem.ts';
import { FORMATS } from './formats.ts';

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'null',
};

/** Longer names are cut where they are shown: they are the caller's, and may be anything. */
const MAX_NAME_CHARACTERS = 100;

/** One thing wrong with a value: the names on the way to it, and what it is. */
export interface Flaw {
  readonly names: readonly string[];
  readonly message: string;
}

/** Of a member that is missing or unknown, its name comes last. */
export function toFlaw(error: ErrorObject): Flaw {
  const names = error.instancePath.split('/').slice(1).map(unescapePointer);
  const member = culprit(error);
  return { names: member === undefined ? names : [...names, member], message: toMessage(error) };
}

/** `part` is where the value came from: body, query, params or headers. */
export function toFault({ names, message }: Flaw, part: string): Fault {
  const path = names.map((name) => (/^\d+$/.test(name) ? `[${name}]` : `.${name.slice(0, MAX_NAME_CHARACTERS)}`));
  return { path: part + path.join(''), message };
}

/** RFC 6901, section 4. */
function unescapePointer(name: string): string {
  return name.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The member that an error of its object is about. */
function culprit(error: ErrorObject): string | undefined {
  switch (error.keyword) {
    case 'required':
      return textParameter(error, 'missingProperty');
    case 'additionalProperties':
      return textParameter(error, 'additionalProperty');
    default:
      return undefined;
  }
}

function toMessage(error: ErrorObject): string {
  const limit = numberParameter(error, 'limit');
  switch (error.keyword) {
    case 'required':
      return 'is required';
    case 'additionalProperties':
      return `is not known here${suggestion(error)}`;
    case 'type':
      return `must be ${typeWords(error)}`;
    case 'enum':
      return `must be one of ${listParameter(error, 'allowedValues').map(String).join(', ')}`;
    case 'format':
      return FORMATS[textParameter(error, 'format') ?? '']?.message ?? 'is malformed';
    case 'pattern':
      return `must match ${textParameter(error, 'pattern')}`;
    case 'minLength':
      return limit === 1 ? 'must not be empty' : `must have at least ${limit} characters`;
    case 'maxLength':
      return `must have at most ${limit} characters`;
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    case 'minItems':
      return `must have at least ${limit} ${limit === 1 ? 'entry' : 'entries'}`;
    case 'maxItems':
      return `must have at most ${limit} entries`;
    case 'uniqueItems':
      return 'must not have the same entry twice';
    case 'minProperties':
      return `must name at least ${limit} field${limit === 1 ? '' : 's'}`;
    case 'maxProperties':
      return `must have at most ${limit} fields`;
    default:
      return error.message ?? 'is invalid';
  }
}

function suggestion(error: ErrorObject): string {
  const known = Object.keys(isMap(error.parentSchema?.['properties']) ? error.parentSchema['properties'] : {});
  const name = textParameter(error, 'additionalProperty') ?? '';
  const near = name.length > MAX_NAME_CHARACTERS ? undefined : nearest(name, known);
  if (near !== undefined) return `; did you mean ${near}?`;
  return known.length === 0 ? '; nothing is expected' : '';
}

function typeWords(error: ErrorObject): string {
  const type: unknown = parameters(error)['type'];
  const names = Array.isArray(type) ? type.map(String) : String(type).split(',');
  return names.map((name) => TYPE_WORDS[name] ?? name).join(' or ');
}

function textParameter(error: ErrorObject, name: string): string | undefined {
  const value = parameters(error)[name];
  return typeof value === 'string' ? value : undefined;
}

function numberParameter(error: ErrorObject, name: string): number | undefined {
  const value = parameters(error)[name];
  return typeof value === 'number' ? value : undefined;
}

function listParameter(error: ErrorObject, name: string): readonly unknown[] {
  const value = parameters(error)[name];
  return Array.isArray(value) ? value : [];
}

function parameters(error: ErrorObject): Readonly<Record<string, unknown>> {
  return isMap(error.params) ? error.params : {};
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
