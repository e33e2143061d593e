// `tollgate gateways diff`: what differs between a draft and what is live, or between two revisions.

import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { ProgramRun } from './command.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { toPlain } from './plain-text.ts';
import { fieldLines, FieldChange } from './plan.ts';
import { say } from './world.ts';

const Routes = Type.Array(Type.String());
const Difference = Type.Object({
  from: Type.String(),
  to: Type.String(),
  routes: Type.Object({ added: Routes, removed: Routes, changed: Routes }),
  fields: Type.Array(FieldChange),
});

export async function showDifference({ world, values, query, client }: ProgramRun): Promise<number> {
  const path = `/gateways/${encodeURIComponent(values.args['id'] ?? '')}/diff`;
  const { data } = await client().call({ method: 'GET', path, query });
  if (!Value.Check(Difference, data)) throw new Failure('unreachable', ['the answer tells of no difference']);
  if (values.isJson) {
    say(world, JSON.stringify(data, null, 2));
    return EXIT_CODES.ok.code;
  }
  const { routes, fields } = data;
  const lines = [
    ...routes.added.map((route) => `+ ${route}`),
    ...routes.changed.map((route) => `~ ${route}`),
    ...routes.removed.map((route) => `- ${route}`),
  ];
  say(world, `${data.from} → ${data.to}${lines.length + fields.length === 0 ? ': nothing differs' : ''}`);
  for (const line of [...lines.map(toPlain), ...fieldLines(fields)]) say(world, line);
  return EXIT_CODES.ok.code;
}
