// `tollgate key-file`

import type { Arg, Group } from '../command.ts';
import { addKey, importKey, KEY_OPTIONS } from '../key-file.ts';

const FILE: Arg = { name: 'file', meaning: 'the file of keys; it is made when it is not there' };

const PEPPER = 'With TOLLGATE_HMAC_SECRET it is hashed under that, and whoever reads the file needs the same.';

export const keyFile: Group = {
  name: 'key-file',
  summary: 'Files of keys, for a Tollgate without a database: a sidecar, or one inside another program.',
  commands: [
    {
      name: 'add',
      summary: 'Make a key, and put what proves it into the file.',
      description: `The key is shown this once; the file never holds it. ${PEPPER}`,
      args: [FILE],
      options: KEY_OPTIONS,
      does: { kind: 'program', calls: [], run: addKey },
      examples: [
        { line: 'key-file add keys.yaml --name billing', about: 'a key that may do what needs no scope' },
        {
          line: 'key-file add keys.yaml --name billing --scopes orders:read --per-minute 60',
          about: 'with a scope and a limit',
        },
      ],
    },
    {
      name: 'import',
      summary: 'Put what proves a key that is there already into the file.',
      description: `Asks for the key without showing it, or reads it from standard input. ${PEPPER}`,
      args: [FILE],
      options: KEY_OPTIONS,
      does: { kind: 'program', calls: [], run: importKey },
      examples: [{ line: 'key-file import keys.yaml --name partner < key.txt', about: 'without a question' }],
    },
  ],
};
