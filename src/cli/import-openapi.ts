// `tollgate gateways import`: endpoints from an OpenAPI document.

import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { isTold, textOf, type ProgramRun } from './command.ts';
import { readText } from './declaration-file.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { toPlain } from './plain-text.ts';
import { planLines, Step } from './plan.ts';
import { remark, say } from './world.ts';

const Imported = Type.Object({
  gatewayId: Type.Optional(Type.String()),
  steps: Type.Array(Step),
  notCarried: Type.Array(Type.Object({ what: Type.String(), why: Type.String(), count: Type.Integer() })),
});

export async function importOpenApi({ world, values, query, client }: ProgramRun): Promise<number> {
  const document = await readText(world, textOf(values, 'file') ?? '');
  const dryRun = isTold(values, 'dry-run');
  const { data } = await client().call({
    method: 'POST',
    path: '/gateways/import',
    body: { ...query, document, dryRun },
  });
  if (!Value.Check(Imported, data)) throw new Failure('unreachable', ['the answer tells of no import']);
  if (values.isJson) {
    say(world, JSON.stringify(data, null, 2));
    return EXIT_CODES.ok.code;
  }
  for (const line of planLines(data.steps)) say(world, line);
  for (const { what, why, count } of data.notCarried)
    remark(world, toPlain(`not carried over: ${what} (${count}): ${why}`));
  if (data.gatewayId !== undefined)
    remark(world, `a draft: look at it, and put it on the air with tollgate gateways deploy ${data.gatewayId}`);
  return EXIT_CODES.ok.code;
}
