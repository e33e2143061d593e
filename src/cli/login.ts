// `tollgate login` and `tollgate logout`: keep credentials for the commands that follow, and forget them.

import { parsePublicId } from '../lib/key-text.ts';
import { createClient } from './client.ts';
import { textOf, type ProgramRun, type SingleCommand } from './command.ts';
import { checkUrl, DEFAULT_URL, isExposed } from './credentials.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { DEFAULT_PROFILE, profilePath, readProfiles, writeProfiles } from './profile-file.ts';
import { readLine } from './read-line.ts';
import { remark, say, type World } from './world.ts';

const MAX_KEY_CHARACTERS = 1_000;

export const login: SingleCommand = {
  topic: 'credentials',
  name: 'login',
  summary: 'Keep the address of a Tollgate and a key for it.',
  description:
    'Asks for the key without showing it, or reads it from standard input; never from the command line, where the history of the shell and other users see it. The key is tried first, then written to a file that only you can read.',
  options: [
    {
      name: 'url',
      type: 'word',
      meaning: `The address of the Tollgate; ${DEFAULT_URL} unless told (or TOLLGATE_URL).`,
    },
  ],
  does: { kind: 'program', calls: ['GET /keys'], run: logIn },
  examples: [
    { line: 'login', about: 'the one on this machine' },
    { line: 'login --profile production --url https://gateway.example.com', about: 'one of several' },
    { line: 'login < key.txt', about: 'without a question; remove the file afterwards' },
  ],
};

export const logout: SingleCommand = {
  topic: 'credentials',
  name: 'logout',
  summary: 'Forget the credentials of a profile.',
  description: 'The key goes on working: revoke it if nobody needs it any more.',
  does: { kind: 'program', calls: [], run: logOut },
  examples: [{ line: 'logout --profile production', about: 'this one only' }],
};

async function logIn({ world, values }: ProgramRun): Promise<number> {
  const name = values.profile ?? world.env['TOLLGATE_PROFILE'] ?? DEFAULT_PROFILE;
  const given = textOf(values, 'url') ?? world.env['TOLLGATE_URL'] ?? '';
  const url = checkUrl(given === '' ? DEFAULT_URL : given);
  const path = profilePath(world);
  // Read before anything is asked: a file that cannot be used is told first.
  const profiles = readProfiles(path);
  if (isExposed(url)) remark(world, `warning: what is sent to ${url} can be read on the way; use https`);
  const apiKey = (await askForKey(world, url)).trim();
  checkKey(apiKey);
  await tryKey(url, apiKey);
  writeProfiles(path, { ...profiles, [name]: { url, apiKey } });
  say(world, `The key works at ${url}. It is kept in ${path} as profile "${name}".`);
  return EXIT_CODES.ok.code;
}

async function logOut({ world, values }: ProgramRun): Promise<number> {
  const name = values.profile ?? world.env['TOLLGATE_PROFILE'] ?? DEFAULT_PROFILE;
  const path = profilePath(world);
  const { [name]: forgotten, ...rest } = readProfiles(path);
  if (forgotten === undefined) throw new Failure('usage', [`there is no profile "${name}" in ${path}`]);
  writeProfiles(path, rest);
  say(
    world,
    `Profile "${name}" is forgotten. Its key still works; revoke it with \`tollgate keys revoke\` if nobody needs it.`,
  );
  return EXIT_CODES.ok.code;
}

/** Whether it may do something is another question: 403 is an answer to somebody known. */
async function tryKey(url: string, apiKey: string): Promise<void> {
  try {
    await createClient({ url, apiKey }).call({ method: 'GET', path: '/keys', query: { limit: '1' } });
  } catch (error) {
    const isKnown = error instanceof Failure && hasCode(error.details, 'insufficient_scope');
    if (!isKnown) throw error;
  }
}

function hasCode(details: unknown, code: string): boolean {
  return typeof details === 'object' && details !== null && 'code' in details && details.code === code;
}

function checkKey(apiKey: string): void {
  if (apiKey === '') throw new Failure('usage', ['no key was given']);
  if (apiKey.length > MAX_KEY_CHARACTERS || /[^\u0021-\u007E]/.test(apiKey))
    throw new Failure('usage', ['this is no key: keys have no spaces and no letters beyond ASCII']);
  // Keys that were made elsewhere and taken over look different; only one that looks like ours can be told to be mistyped.
  if (/_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/.test(apiKey) && parsePublicId(apiKey) === undefined)
    throw new Failure('usage', ['the key has a typing error: its checksum does not fit']);
}

async function askForKey(world: World, url: string): Promise<string> {
  const { stdin } = world;
  if (stdin.isTTY !== true) return readLine(stdin);
  world.stderr.write(`Key for ${url} (it is not shown): `);
  const key = await readHidden(world);
  world.stderr.write('\n');
  return key;
}

/** In raw mode the terminal echoes nothing; what ends or deletes is ours to know then. */
async function readHidden({ stdin }: World): Promise<string> {
  let text = '';
  stdin.setRawMode?.(true);
  try {
    for await (const chunk of stdin) {
      for (const character of String(chunk)) {
        if (character === '\r' || character === '\n') return text;
        // Ctrl-C and Ctrl-D.
        if (character === '\u0003' || character === '\u0004') throw new Failure('usage', ['\nno key was given']);
        if (character === '\u007F' || character === '\b') text = text.slice(0, -1);
        else if (text.length <= MAX_KEY_CHARACTERS) text += character;
      }
    }
    return text;
  } finally {
    stdin.setRawMode?.(false);
  }
}
