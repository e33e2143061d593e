// A command's own part of the command line → values, or every fault at once. Pure.

import { parseArgs } from 'node:util';
import { nearest } from '../lib/nearest.ts';
import type { Command, Option, Values } from './command.ts';

/** What every command of a group takes. */
export const COMMON_OPTIONS: readonly Option[] = [
  { name: 'json', type: 'flag', meaning: 'Print the answer as JSON, for scripts; problems too, on standard error.' },
  { name: 'profile', type: 'word', meaning: 'Use the credentials of this profile (`tollgate login`).' },
  { name: 'help', type: 'flag', meaning: 'Tell what the command does, with examples.' },
];

export type Parsed =
  | { readonly ok: true; readonly values: Values }
  | { readonly ok: false; readonly faults: readonly string[] };

export function parseCommandLine(command: Command, argv: readonly string[]): Parsed {
  const options = [...(command.options ?? []), ...COMMON_OPTIONS];
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      options.map(
        ({ name, letter, type }) =>
          [
            name,
            {
              type: isBare(type) ? 'boolean' : 'string',
              multiple: true,
              ...(letter !== undefined && { short: letter }),
            },
          ] as const,
      ),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const faults: string[] = [];
  const given = new Map<string, unknown>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const option = find(token.rawName, options);
    const fault = option === undefined ? unknownOption(token.rawName, options) : take(option, token, given);
    if (fault !== undefined) faults.push(fault);
  }
  for (const option of command.options ?? [])
    if (option.isRequired === true && !given.has(option.name))
      faults.push(`--${option.name} is missing: ${option.meaning}`);
  // What follows an option that is not known may be its value, or what the command is for.
  const isReadable = tokens.every((token) => token.kind !== 'option' || isKnown(token.rawName, options));
  const args = isReadable ? placeArgs(command, positionals, faults) : {};
  if (faults.length > 0) return { ok: false, faults };
  const profile = given.get('profile');
  return {
    ok: true,
    values: {
      args,
      options: given,
      isJson: given.get('json') === true,
      profile: typeof profile === 'string' ? profile : undefined,
    },
  };
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** Keeps the value, or tells what is wrong with it. */
function take(option: Option, token: OptionToken, given: Map<string, unknown>): string | undefined {
  const { name, type } = option;
  const { value, inlineValue } = token;
  if (isBare(type)) {
    if (value !== undefined) return `--${name} takes no value`;
    given.set(name, true);
    return undefined;
  }
  if (value === undefined) return `--${name} needs a value`;
  // What looks like an option behind an option is a forgotten value more often than a value.
  if (inlineValue !== true && /^--?[a-z]/.test(value))
    return `--${name} needs a value; if it is ${value}, write --${name}=${value}`;
  if (given.has(name) && type !== 'list' && type !== 'words' && type !== 'clear') return `--${name} is given twice`;
  const parsed = parseValue(option, value, given.get(name));
  if (!parsed.ok) return `--${name} ${parsed.fault}`;
  given.set(name, parsed.value);
  return undefined;
}

type ParsedValue = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly fault: string };

function parseValue(option: Option, text: string, before: unknown): ParsedValue {
  switch (option.type) {
    case 'text':
    case 'word':
    case 'body':
      return text === '' ? { ok: false, fault: 'must not be empty' } : { ok: true, value: text };
    case 'words':
      return text === '' ? { ok: false, fault: 'must not be empty' } : { ok: true, value: [...toList(before), text] };
    case 'integer':
      return /^-?\d{1,15}$/.test(text)
        ? { ok: true, value: Number(text) }
        : { ok: false, fault: 'must be a whole number' };
    case 'number':
      return /^-?\d{1,15}(\.\d{1,15})?$/.test(text)
        ? { ok: true, value: Number(text) }
        : { ok: false, fault: 'must be a number' };
    case 'list':
      return { ok: true, value: [...toList(before), ...entriesOf(text)] };
    case 'clear': {
      const names = entriesOf(text);
      const wrong = names.find((name) => !Object.hasOwn(option.fields, name));
      if (wrong === undefined) return { ok: true, value: [...toList(before), ...names] };
      return { ok: false, fault: `cannot clear "${wrong}"; it can clear ${Object.keys(option.fields).join(', ')}` };
    }
    case 'object': {
      const value = parseObject(text);
      return value === undefined
        ? { ok: false, fault: `must be a JSON object such as '{"team":"a"}'` }
        : { ok: true, value };
    }
    case 'flag':
    case 'switch':
      return { ok: false, fault: 'takes no value' };
  }
}

function isBare(type: Option['type']): boolean {
  return type === 'flag' || type === 'switch';
}

/** A JSON object, or undefined. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json } : undefined;
  } catch {
    return undefined;
  }
}

function entriesOf(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function placeArgs(command: Command, positionals: readonly string[], faults: string[]): Record<string, string> {
  const wanted = command.args ?? [];
  for (const { name, meaning } of wanted.slice(positionals.length)) faults.push(`<${name}> is missing: ${meaning}`);
  for (const text of positionals.slice(wanted.length)) faults.push(`"${text}" is one word too many`);
  if (positionals.includes('')) faults.push('an empty word is no id');
  return Object.fromEntries(wanted.map(({ name }, i) => [name, positionals[i] ?? '']));
}

function isKnown(rawName: string, options: readonly Option[]): boolean {
  return find(rawName, options) !== undefined;
}

function find(rawName: string, options: readonly Option[]): Option | undefined {
  return options.find(({ name, letter }) => rawName === `--${name}` || rawName === `-${letter ?? name}`);
}

function unknownOption(rawName: string, options: readonly Option[]): string {
  const guess = nearest(
    rawName,
    options.map(({ name }) => `--${name}`),
  );
  return `${rawName}: there is no such option here${guess === undefined ? '' : `; did you mean ${guess}?`}`;
}
