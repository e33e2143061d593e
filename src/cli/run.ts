// Runs a command that speaks to the API: finds it, parses its words, carries it out, and says how it ended.

import { parsePublicId } from '../lib/key-text.ts';
import { nearest } from '../lib/nearest.ts';
import { apply, diff } from './apply.ts';
import { callApi, toQuery } from './call-api.ts';
import { createClient, type Client } from './client.ts';
import type { Command, Group, SingleCommand, Values } from './command.ts';
import { RUN_COMMANDS } from './config.ts';
import { findCredentials, isExposed } from './credentials.ts';
import { explain } from './explain.ts';
import { exportDeclaration } from './export.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { GROUPS } from './groups/index.ts';
import { commandHelp, groupHelp } from './help.ts';
import { login, logout } from './login.ts';
import { parseCommandLine } from './parse-arguments.ts';
import { validate } from './validate.ts';
import { remark, say, type World } from './world.ts';

/** Commands without a group. */
export const SINGLE_COMMANDS: readonly SingleCommand[] = [
  apply,
  diff,
  exportDeclaration,
  validate,
  explain,
  login,
  logout,
];

const FIRST_WORDS = [...RUN_COMMANDS, ...GROUPS, ...SINGLE_COMMANDS].map(({ name }) => name);

/** Answers with the exit code. `running` are commands that the program itself carries out. Whatever is expected is said on standard error, in lines that hold no secret. */
export async function runCommand(
  argv: readonly string[],
  world: World,
  running: readonly Command[] = [],
): Promise<number> {
  const isJson = argv.includes('--json');
  try {
    refuseKeys(argv);
    return await dispatch(argv, world, running);
  } catch (error) {
    if (isClosedPipe(error)) return EXIT_CODES.ok.code;
    if (!(error instanceof Failure)) throw error;
    if (isJson && error.details !== undefined) remark(world, JSON.stringify(error.details));
    else for (const [i, line] of error.problems.entries()) remark(world, i === 0 ? `tollgate: ${line}` : line);
    return EXIT_CODES[error.ending].code;
  }
}

async function dispatch(argv: readonly string[], world: World, running: readonly Command[]): Promise<number> {
  const [first = '', second, ...rest] = argv;
  const single = [...running, ...SINGLE_COMMANDS].find(({ name }) => name === first);
  if (single !== undefined) return carryOut(first, single, argv.slice(1), world);
  const group = GROUPS.find(({ name }) => name === first);
  if (group === undefined) throw unknownFirstWord(first);
  if (second === undefined || second === '--help' || second === '-h' || second === 'help') {
    say(world, groupHelp(group));
    return EXIT_CODES.ok.code;
  }
  const command = group.commands.find(({ name }) => name === second);
  if (command === undefined) throw unknownCommand(group, second);
  return carryOut(`${first} ${second}`, command, rest, world);
}

async function carryOut(path: string, command: Command, argv: readonly string[], world: World): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    say(world, commandHelp(path, command));
    return EXIT_CODES.ok.code;
  }
  const parsed = parseCommandLine(command, argv);
  if (!parsed.ok)
    throw new Failure('usage', [`${path}:`, ...parsed.faults.map(indent), `tollgate ${path} --help tells more`]);
  const { values } = parsed;
  const { does } = command;
  const client = (): Client => connect(values, world);
  if (does.kind === 'program') return does.run({ world, values, query: toQuery(command, values), client });
  await callApi({ command, call: does, values }, client(), world);
  return EXIT_CODES.ok.code;
}

function connect(values: Values, world: World): Client {
  const credentials = findCredentials(world, values.profile);
  if (isExposed(credentials.url))
    remark(world, `warning: what is sent to ${credentials.url} can be read on the way; use https`);
  return createClient(credentials);
}

/** The history of the shell keeps what was typed, and every user of the machine sees the words of a running program. */
function refuseKeys(argv: readonly string[]): void {
  if (argv.every((word) => word.split(/[=,\s]/).every((part) => parsePublicId(part) === undefined))) return;
  throw new Failure('usage', [
    'a key stands on the command line, where the history of the shell and other users see it',
    'Rotate or revoke it, and give keys by `tollgate login` or in TOLLGATE_API_KEY',
  ]);
}

function unknownFirstWord(word: string): Failure {
  const guess = nearest(word, FIRST_WORDS);
  const hint = guess === undefined ? '; `tollgate help` tells what there is' : `; did you mean ${guess}?`;
  return new Failure('usage', [`${word}: there is no such command${hint}`]);
}

function unknownCommand(group: Group, name: string): Failure {
  const names = group.commands.map((command) => command.name);
  const guess = nearest(name, names);
  const hint = guess === undefined ? `; there are ${names.join(', ')}` : `; did you mean ${guess}?`;
  return new Failure('usage', [`${group.name} ${name}: there is no such command${hint}`]);
}

/** Whoever read the output has enough, as `head` has. */
function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}

function indent(line: string): string {
  return `  ${line}`;
}
