// `tollgate key-file add` and `import`: entries of a file of keys.

import { loadSettings } from '../config.ts';
import { PEPPER_OF_FILES, toKeyHash } from '../lib/key-hash.ts';
import { newKeyText } from '../lib/key-text.ts';
import { toPeppers } from '../lib/pepper.ts';
import { askForKey } from './ask-key.ts';
import { toBody } from './call-api.ts';
import { textOf, type Option, type ProgramRun } from './command.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { TERMS } from './groups/keys.ts';
import { remark, say } from './world.ts';

export const KEY_OPTIONS: readonly Option[] = [
  {
    name: 'name',
    type: 'text',
    field: 'name',
    isRequired: true,
    meaning: 'What the key is for; no other key of the file has it.',
  },
  ...TERMS.filter(({ name }) => name !== 'metadata'),
];

export async function addKey(run: ProgramRun): Promise<number> {
  const { text } = newKeyText(loadSettings(run.world.env).settings.KEY_PREFIX);
  await put(run, text);
  say(run.world, run.values.isJson ? JSON.stringify({ apiKey: text }, null, 2) : text);
  remark(run.world, 'This is the key. It is shown this once: the file holds only what proves it.');
  return EXIT_CODES.ok.code;
}

export async function importKey(run: ProgramRun): Promise<number> {
  await put(run, await askForKey(run.world, 'The key'));
  remark(run.world, 'The file holds what proves the key, and not the key.');
  return EXIT_CODES.ok.code;
}

async function put({ world, values }: ProgramRun, text: string): Promise<void> {
  const { HMAC_SECRET: secret = PEPPER_OF_FILES, HMAC_SECRET_PREVIOUS: previous } = loadSettings(world.env).settings;
  const peppers = toPeppers(secret, previous);
  const hash = toKeyHash(text, peppers.current);
  if (hash === undefined) throw new Failure('usage', ['this is no key: keys have 16 to 256 visible characters']);
  // Loaded here: other commands need nothing of what checks keys.
  const { addEntry } = await import('../declared/key-file.ts');
  const { DeclarationError } = await import('../declared/fault-error.ts');
  try {
    addEntry(
      values.args['file'] ?? '',
      { name: textOf(values, 'name') ?? '', hash, ...toBody(KEY_OPTIONS, values) },
      peppers,
    );
  } catch (cause) {
    if (!(cause instanceof DeclarationError)) throw cause;
    const [first = '', ...rest] = cause.faults;
    throw new Failure('usage', [first, ...rest]);
  }
}
