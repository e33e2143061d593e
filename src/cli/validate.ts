// `tollgate validate`: whether a declaration is sound, asked of nobody.

import { wordsOf, type ProgramRun, type SingleCommand } from './command.ts';
import { FILE } from './apply.ts';
import { readDeclaration } from './declaration-file.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { toPlain } from './plain-text.ts';
import { say } from './world.ts';

export const validate: SingleCommand = {
  topic: 'publishing',
  name: 'validate',
  summary: 'Check a declaration on this machine, without a Tollgate.',
  description:
    'Every fault at once: fields, routes that are taken, services that are not there, routes of the management API. What else is live is known to a Tollgate only; `diff` asks one. References are put in as `apply` does it.',
  options: [FILE],
  does: { kind: 'program', calls: [], run: validateFiles },
  examples: [{ line: 'validate -f api.yaml', about: 'before every commit' }],
};

async function validateFiles({ world, values }: ProgramRun): Promise<number> {
  const files = wordsOf(values, 'file');
  const { gateways, hidden, inFileTerms } = await readDeclaration(world, files);
  const faults = await world.checkDeclaration({ gateways });
  if (faults.length > 0) {
    const lines = faults.map((fault) => `  ${toPlain(inFileTerms(fault))}`);
    throw new Failure('refused', [`${files.join(', ')}:`, ...lines], { errors: hidden(faults) });
  }
  say(world, values.isJson ? JSON.stringify({ gateways: gateways.length }) : `${files.join(', ')}: sound`);
  return EXIT_CODES.ok.code;
}
