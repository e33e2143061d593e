// `tollgate audit verify`: asks for the proof, part by part, until the end of the log.

import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { textOf, type ProgramRun } from './command.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { toTable } from './show.ts';
import { remark, say } from './world.ts';

const MAX_FAULTS = 100;

const Verdict = Type.Object({
  isIntact: Type.Boolean(),
  isComplete: Type.Boolean(),
  checked: Type.Integer(),
  checkpoint: Type.String(),
  faults: Type.Array(Type.Object({ sequence: Type.Integer(), kind: Type.String(), message: Type.String() })),
});
type Verdict = Static<typeof Verdict>;

export async function verifyAudit({ world, values, client }: ProgramRun): Promise<number> {
  const verdict = await walk(client(), textOf(values, 'since'));
  if (values.isJson) say(world, JSON.stringify(verdict, null, 2));
  else tell(verdict, (line) => say(world, line));
  if (verdict.isIntact) return EXIT_CODES.ok.code;
  remark(world, 'tollgate: the audit log was tampered with');
  return EXIT_CODES.tampered.code;
}

async function walk(client: ReturnType<ProgramRun['client']>, since: string | undefined): Promise<Verdict> {
  let checkpoint = since;
  let checked = 0;
  const faults: Verdict['faults'] = [];
  while (true) {
    const query = checkpoint === undefined ? {} : { checkpoint };
    const { data } = await client.call({ method: 'GET', path: '/audit-logs/verify', query });
    if (!Value.Check(Verdict, data)) throw new Failure('unreachable', ['the answer is no verdict on an audit log']);
    faults.push(...data.faults);
    checked += data.checked;
    // A part that goes no further would be asked for again for ever.
    const isStuck = data.checkpoint === checkpoint && !data.isComplete;
    if (isStuck) throw new Failure('unreachable', ['the proof does not go on from its own checkpoint']);
    ({ checkpoint } = data);
    if (!data.isComplete) continue;
    return { ...data, checked, isIntact: faults.length === 0, faults: faults.slice(0, MAX_FAULTS) };
  }
}

function tell({ isIntact, checked, checkpoint, faults }: Verdict, print: (line: string) => void): void {
  print(
    `${checked} ${checked === 1 ? 'entry' : 'entries'} looked at: ${isIntact ? 'the chain is intact' : 'the chain is broken'}`,
  );
  if (!isIntact) {
    print('');
    for (const line of toTable(faults, ['sequence', 'id', 'kind', 'message'])) print(line);
    print('');
  }
  print(`checkpoint ${checkpoint}`);
}
