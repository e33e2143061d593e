// `tollgate apply` and `tollgate diff`: gateways as files say. The plan comes first, and holds: what was not shown is not done.

import { isDeepStrictEqual } from 'node:util';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { Client } from './client.ts';
import { isTold, wordsOf, type Option, type ProgramRun, type SingleCommand } from './command.ts';
import { readDeclaration, type FileDeclaration } from './declaration-file.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { toPlain } from './plain-text.ts';
import { isQuiet, planLines, Step } from './plan.ts';
import { readLine } from './read-line.ts';
import { remark, say, type World } from './world.ts';

export const FILE: Option = {
  name: 'file',
  letter: 'f',
  type: 'words',
  isRequired: true,
  isFile: true,
  meaning: 'A declaration in YAML or JSON, `-` for standard input; any number of times for one made of several files.',
};
const PRUNE: Option = {
  name: 'prune',
  type: 'flag',
  meaning: 'Delete gateways and endpoints that are not declared. Without it they stay, and the plan tells of them.',
};
const REFERENCES =
  'In its texts, `${env:NAME}` stands for what the environment has, `${file:/path}` for what the file holds (`$${` for the letters `${`); plans show the reference, not what it stands for.';
const CALL = 'POST /gateways/apply';

export const apply: SingleCommand = {
  topic: 'publishing',
  name: 'apply',
  summary: 'Make gateways what a file says, and put them on the air.',
  description: `Shows what it would do and asks before it does it; all of it, or nothing. Applied again, it changes nothing. ${REFERENCES}`,
  options: [
    FILE,
    PRUNE,
    { name: 'yes', type: 'flag', meaning: 'Do not ask. Needed where nobody can answer.' },
    { name: 'dry-run', type: 'flag', meaning: 'Only show the plan.' },
  ],
  does: { kind: 'program', calls: [CALL], run: applyFiles },
  examples: [
    { line: 'apply -f api.yaml', about: 'look at the plan, then say yes' },
    { line: 'apply -f shop.yaml -f partners.yaml --prune --yes', about: 'all there is, by a pipeline' },
  ],
};

export const diff: SingleCommand = {
  topic: 'publishing',
  name: 'diff',
  summary: 'Show what `apply` would change.',
  description: REFERENCES,
  options: [
    FILE,
    PRUNE,
    {
      name: 'exit-code',
      type: 'flag',
      meaning: `End with ${EXIT_CODES.different.code} when there is something to change.`,
    },
  ],
  does: { kind: 'program', calls: [CALL], run: compareFiles },
  examples: [
    { line: 'diff -f api.yaml', about: 'what would happen' },
    { line: 'diff -f api.yaml --prune --exit-code', about: 'every night: whether somebody changed something by hand' },
  ],
};

const Applied = Type.Object({
  planId: Type.String(),
  plan: Type.Array(Step),
  isApplied: Type.Boolean(),
  deployments: Type.Array(Type.Object({ gatewayId: Type.String(), revision: Type.Integer() })),
});
type Applied = Static<typeof Applied>;

async function compareFiles(run: ProgramRun): Promise<number> {
  const { declaration, client } = await open(run);
  const planned = await call(client, declaration, { prune: isTold(run.values, 'prune'), dryRun: true });
  if (run.values.isJson) say(run.world, JSON.stringify(planned, null, 2));
  else showPlan(planned, run.world);
  const isDifferent = isTold(run.values, 'exit-code') && !isQuiet(planned.plan);
  return EXIT_CODES[isDifferent ? 'different' : 'ok'].code;
}

async function applyFiles(run: ProgramRun): Promise<number> {
  const { world, values } = run;
  const isDry = isTold(values, 'dry-run');
  const isAsked = !isDry && !isTold(values, 'yes');
  if (isAsked && (values.isJson || world.stdin.isTTY !== true || wordsOf(values, 'file').includes('-')))
    throw new Failure('usage', ['nobody can be asked here: give --yes, or --dry-run to see the plan']);
  const { declaration, client } = await open(run);
  const prune = isTold(values, 'prune');
  const planned = await call(client, declaration, { prune, dryRun: true });
  if (!values.isJson) showPlan(planned, world);
  if (isDry || isQuiet(planned.plan)) {
    if (values.isJson) say(world, JSON.stringify(planned, null, 2));
    return EXIT_CODES.ok.code;
  }
  if (isAsked) await confirm(world);
  const applied = await call(client, declaration, { prune, expectedPlan: planned.planId });
  if (values.isJson) say(world, JSON.stringify(applied, null, 2));
  else say(world, `Done: ${countDeployments(applied)}.`);
  return EXIT_CODES.ok.code;
}

async function open({ world, values, client }: ProgramRun): Promise<{ declaration: FileDeclaration; client: Client }> {
  return { declaration: await readDeclaration(world, wordsOf(values, 'file')), client: client() };
}

type Wish = Readonly<Record<string, boolean | string>>;

/** The answer, and refusals too, hold no values of references. */
async function call(client: Client, declaration: FileDeclaration, wish: Wish): Promise<Applied> {
  const body = { gateways: declaration.gateways, ...wish };
  const { data } = await client.call({ method: 'POST', path: '/gateways/apply', body }).catch((error: unknown) => {
    throw error instanceof Failure ? inFileTerms(error, declaration) : error;
  });
  if (!Value.Check(Applied, data))
    throw new Failure('unreachable', ['the answer is not that of this Tollgate’s version']);
  return { ...data, plan: data.plan.map((step) => hideValues(step, declaration)) };
}

/** Where there is a reference now, what was there before may be a secret as well. */
function hideValues(step: Step, { hidden }: FileDeclaration): Step {
  if (step.fields === undefined) return step;
  const fields = step.fields.map(({ path, before, after }) => {
    const shown = hidden(after);
    const isReference = !isDeepStrictEqual(shown, after);
    return {
      path,
      ...(before !== undefined && { before: isReference ? '(not shown)' : hidden(before) }),
      ...(after !== undefined && { after: shown }),
    };
  });
  return { ...step, fields };
}

const Faults = Type.Object({ errors: Type.Array(Type.Object({ path: Type.String(), message: Type.String() })) });

function inFileTerms({ ending, problems, details }: Failure, { hidden, inFileTerms: tell }: FileDeclaration): Failure {
  const shown = hidden(details);
  if (!Value.Check(Faults, details)) return new Failure(ending, [...problems], shown);
  const faults = details.errors.map((fault) => `  ${toPlain(tell(fault))}`);
  const last = problems.at(-1) ?? '';
  return new Failure(ending, [problems[0], ...faults, last], shown);
}

function showPlan({ plan }: Applied, world: World): void {
  for (const line of planLines(plan)) say(world, line);
  if (isQuiet(plan)) say(world, 'Nothing to change.');
}

async function confirm(world: World): Promise<void> {
  world.stderr.write('Do this? Only yes means yes: ');
  const answer = await readLine(world.stdin);
  if (answer.trim() !== 'yes') throw new Failure('refused', ['nothing was changed']);
  remark(world, '');
}

function countDeployments({ deployments }: Applied): string {
  const ids = deployments.map(({ gatewayId, revision }) => `${gatewayId} is live as revision ${revision}`);
  return ids.length === 0 ? 'nothing had to be deployed' : ids.join(', ');
}
