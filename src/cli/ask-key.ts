// Asks for a key: at a terminal without showing it, else from standard input; never from the command line.

import { parsePublicId } from '../lib/key-text.ts';
import { Failure } from './failure.ts';
import { readLine } from './read-line.ts';
import type { World } from './world.ts';

const MAX_KEY_CHARACTERS = 1_000;

/** Throws a Failure for what can be no key. */
export async function askForKey(world: World, what: string): Promise<string> {
  const key = (await readKey(world, what)).trim();
  checkKey(key);
  return key;
}

async function readKey(world: World, what: string): Promise<string> {
  const { stdin } = world;
  if (stdin.isTTY !== true) return readLine(stdin);
  world.stderr.write(`${what} (it is not shown): `);
  const key = await readHidden(world);
  world.stderr.write('\n');
  return key;
}

function checkKey(apiKey: string): void {
  if (apiKey === '') throw new Failure('usage', ['no key was given']);
  if (apiKey.length > MAX_KEY_CHARACTERS || /[^\u0021-\u007E]/.test(apiKey))
    throw new Failure('usage', ['this is no key: keys have no spaces and no letters beyond ASCII']);
  // Keys that were made elsewhere and taken over look different; only one that looks like ours can be told to be mistyped.
  if (/_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/.test(apiKey) && parsePublicId(apiKey) === undefined)
    throw new Failure('usage', ['the key has a typing error: its checksum does not fit']);
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
