// `tollgate export`: gateways as they are, written as a declaration.

import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { stringify } from 'yaml';
import { escapeReferences } from '../declared/references.ts';
import type { Client } from './client.ts';
import { wordsOf, type ProgramRun, type SingleCommand } from './command.ts';
import { EXIT_CODES, Failure } from './failure.ts';
import { say } from './world.ts';

/** As many as a declaration has. */
const MAX_GATEWAYS = 1_000;

export const exportDeclaration: SingleCommand = {
  topic: 'publishing',
  name: 'export',
  summary: 'Write gateways as a declaration.',
  description: 'Their drafts, in YAML. Applied as it is, it changes nothing.',
  options: [
    { name: 'gateway', type: 'words', meaning: 'Only this one, `gw_…`; any number of times. All of them unless told.' },
  ],
  does: { kind: 'program', calls: ['GET /gateways', 'GET /gateways/{id}/declaration'], run: exportGateways },
  examples: [{ line: 'export > api.yaml', about: 'all of them, to be kept in git' }],
};

async function exportGateways({ world, values, client }: ProgramRun): Promise<number> {
  const api = client();
  const named = wordsOf(values, 'gateway');
  const ids = named.length > 0 ? named : await listIds(api);
  const gateways: unknown[] = [];
  for (const id of ids) {
    const path = `/gateways/${encodeURIComponent(id)}/declaration`;
    gateways.push((await api.call({ method: 'GET', path })).data);
  }
  const declaration = escapeReferences({ gateways });
  say(world, values.isJson ? JSON.stringify(declaration, null, 2) : stringify(declaration, { lineWidth: 0 }).trimEnd());
  return EXIT_CODES.ok.code;
}

const Rows = Type.Array(Type.Object({ id: Type.String() }));

async function listIds(api: Client): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: '100', sortBy: 'name', sortOrder: 'asc', ...(cursor !== undefined && { cursor }) };
    const page = await api.call({ method: 'GET', path: '/gateways', query });
    if (!Value.Check(Rows, page.data)) throw new Failure('unreachable', ['the answer is not a list of gateways']);
    ids.push(...page.data.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== undefined && ids.length <= MAX_GATEWAYS);
  if (ids.length > MAX_GATEWAYS)
    throw new Failure('refused', [`there are more than ${MAX_GATEWAYS} gateways: name some with --gateway`]);
  return ids;
}
