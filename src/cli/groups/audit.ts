// `tollgate audit`

import { exportAudit } from '../audit-export.ts';
import { verifyAudit } from '../audit-verify.ts';
import type { Group, Option } from '../command.ts';
import { listOptions } from '../list-options.ts';

const FILTERS: readonly Option[] = [
  {
    name: 'action',
    type: 'text',
    field: 'action',
    meaning: 'This action, such as `key.create`, or `key.*` for all of keys.',
  },
  { name: 'actor', type: 'text', field: 'actorId', meaning: 'What this operator or key did.' },
  { name: 'resource-type', type: 'text', field: 'resourceType', meaning: 'Changes of `api_key`, `gateway` …' },
  { name: 'resource', type: 'text', field: 'resourceId', meaning: 'Changes of this resource.' },
  { name: 'call', type: 'text', field: 'requestId', meaning: 'What this call changed, `req_…`.' },
  {
    name: 'since',
    type: 'text',
    field: 'startDate',
    meaning: 'From this time on: `2026-01-31` or `2026-01-31T12:00:00Z`.',
  },
  { name: 'until', type: 'text', field: 'endDate', meaning: 'Until before this time.' },
];

export const audit: Group = {
  name: 'audit',
  summary: 'Who changed what, and the proof that nobody rewrote it.',
  commands: [
    {
      name: 'list',
      summary: 'List changes, the newest first.',
      options: [...FILTERS, ...listOptions('`timestamp`')],
      does: {
        kind: 'call',
        method: 'GET',
        path: '/audit-logs',
        show: {
          as: 'table',
          columns: ['sequence', 'id', 'timestamp', 'action', 'actor.name', 'actor.email', 'resource.id', 'clientIp'],
        },
      },
      examples: [
        { line: "audit list --action 'key.*' --since 2026-01-01", about: 'what happened to keys this year' },
        { line: 'audit list --resource key_01jx…', about: 'the life of one key' },
      ],
    },
    {
      name: 'get',
      summary: 'Look at a change: every field before and after.',
      args: [{ name: 'id', meaning: 'the id of the entry, `aud_…`' }],
      does: { kind: 'call', method: 'GET', path: '/audit-logs/{id}', show: { as: 'fields' } },
      examples: [{ line: 'audit get aud_01jx…', about: 'who, what, from where' }],
    },
    {
      name: 'export',
      summary: 'Write changes to a file or to standard output, any number, the oldest first.',
      options: [
        {
          name: 'format',
          type: 'text',
          field: 'format',
          meaning: '`ndjson` (a JSON object a line, the default) or `csv`.',
        },
        { name: 'output', type: 'word', meaning: 'The file to write; one that is there already is not overwritten.' },
        ...FILTERS,
      ],
      does: { kind: 'program', calls: ['GET /audit-logs/export'], run: exportAudit },
      examples: [
        { line: 'audit export --format csv --output changes.csv', about: 'for a spreadsheet' },
        { line: 'audit export --since 2026-01-01 | gzip > changes.ndjson.gz', about: 'for the archive' },
      ],
    },
    {
      name: 'verify',
      summary: 'Prove that no entry was removed, altered or put in.',
      description:
        'Ends with a checkpoint. Keep it where nobody can write who can write the database: given to the next run, it proves that the newest entries were not cut off either.',
      options: [
        {
          name: 'since',
          type: 'word',
          meaning: 'A checkpoint of an earlier run: look only at what came after, and that it is still there.',
        },
      ],
      does: { kind: 'program', calls: ['GET /audit-logs/verify'], run: verifyAudit },
      examples: [
        { line: 'audit verify', about: 'the whole log' },
        {
          line: 'audit verify --since "$(cat checkpoint)" --json | jq -r .checkpoint > checkpoint.new',
          about: 'every night',
        },
      ],
    },
  ],
};
