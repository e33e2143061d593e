// `tollgate login` and `tollgate logout`: keep credentials for the commands that follow, and forget them.

import { askForKey } from './ask-key.ts';
import { createClient } from './client.ts';
import { textOf, type ProgramRun, type SingleCommand } from './command.ts';
import { checkUrl, DEFAULT_URL, isExposed } from './credentials.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { DEFAULT_PROFILE, profilePath, readProfiles, writeProfiles } from './profile-file.ts';
import { remark, say } from './world.ts';

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
  const apiKey = await askForKey(world, `Key for ${url}`);
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
