// What the program says of itself: the whole, a group, a command. Pure.

import type { Command, Example, Group, Option, SingleCommand } from './command.ts';
import { EXIT_CODES } from './failure.ts';
import { COMMON_OPTIONS } from './parse-arguments.ts';

/** What a command is called with: `keys get <id> [options]`. */
export function usageOf(path: string, command: Command): string {
  const args = (command.args ?? []).map(({ name }) => ` <${name}>`).join('');
  return `tollgate ${path}${args} [options]`;
}

export function optionText({ name, letter, type, isFile = false }: Option): string {
  const value = isFile ? 'FILE' : VALUE_NAMES[type];
  const names = letter === undefined ? `--${name}` : `-${letter}, --${name}`;
  return value === '' ? names : `${names} ${value}`;
}

const VALUE_NAMES: Readonly<Record<Option['type'], string>> = {
  text: 'TEXT',
  word: 'TEXT',
  words: 'TEXT',
  integer: 'NUMBER',
  number: 'NUMBER',
  list: 'A,B',
  object: 'JSON',
  clear: 'A,B',
  body: 'FILE',
  flag: '',
  switch: '',
};

export function commandHelp(path: string, command: Command): string {
  const { summary, description, args = [], options = [] } = command;
  return sections([
    description === undefined ? summary : `${summary}\n${description}`,
    ['Usage', [`  ${usageOf(path, command)}`]],
    ['Arguments', columns(args.map(({ name, meaning }) => [`<${name}>`, meaning]))],
    ['Options', columns(options.map(optionRow))],
    ['Options of every command', columns(COMMON_OPTIONS.map(optionRow))],
    ['Examples', exampleLines(command.examples)],
  ]);
}

export function groupHelp({ name, summary, commands }: Group): string {
  return sections([
    summary,
    ['Usage', [`  tollgate ${name} <command> [options]`]],
    ['Commands', columns(commands.map((command) => [command.name, command.summary]))],
    ['Examples', exampleLines(commands.flatMap(({ examples }) => examples.slice(0, 1)).slice(0, 4))],
    `tollgate ${name} <command> --help tells more.`,
  ]);
}

export interface Topic {
  readonly name: string;
  readonly summary: string;
}

export function programHelp(
  running: readonly Topic[],
  single: readonly SingleCommand[],
  groups: readonly Group[],
): string {
  const [credentials, publishing] = [
    single.filter(({ topic }) => topic === 'credentials'),
    single.filter(({ topic }) => topic === 'publishing'),
  ];
  const rows = (topics: readonly Topic[]): string[] => columns(topics.map(({ name, summary }) => [name, summary]));
  return sections([
    'Tollgate: an API gateway and API management platform in one program.',
    ['Usage', ['  tollgate [command]']],
    ['Run it', rows(running)],
    ['Manage it, by its API', rows(groups)],
    ['Keep gateways in files', rows(publishing)],
    ['Say who you are', rows(credentials)],
    ['Exit codes', columns(Object.values(EXIT_CODES).map(({ code, meaning }) => [String(code), meaning]))],
    'tollgate <command> --help tells more. Settings come from tollgate.yaml and the environment; docs/reference/settings.md tells each.',
  ]);
}

type Section = string | readonly [title: string, lines: readonly string[]];

/** Sections without lines are left out. */
function sections(parts: readonly Section[]): string {
  return parts
    .filter((part) => typeof part === 'string' || part[1].length > 0)
    .map((part) => (typeof part === 'string' ? part : `${part[0]}:\n${part[1].join('\n')}`))
    .join('\n\n')
    .replaceAll('`', "'");
}

function optionRow(option: Option): [string, string] {
  return [optionText(option), option.isRequired === true ? `${option.meaning} Needed.` : option.meaning];
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

function exampleLines(examples: readonly Example[]): string[] {
  return examples.flatMap(({ line, about }) => [`  # ${about}`, `  tollgate ${line}`]);
}
