// `tollgate gateways`

import type { Arg, Group, Option } from '../command.ts';
import { importOpenApi } from '../import-openapi.ts';
import { BODY_OPTION, listOptions } from '../list-options.ts';
import { showDifference } from '../show-difference.ts';
import { showHealth } from '../show-health.ts';

const ID: Arg = { name: 'id', meaning: 'the id of the gateway, `gw_…`' };

const UPDATE_OPTIONS: readonly Option[] = [
  {
    name: 'status',
    type: 'text',
    field: 'status',
    meaning: '`active`, `inactive`, `maintenance` or `deprecated`; holds at once.',
  },
  { name: 'description', type: 'text', field: 'description', meaning: 'What it is for.' },
  BODY_OPTION,
];

const IMPORT_OPTIONS: readonly Option[] = [
  {
    name: 'file',
    letter: 'f',
    type: 'word',
    isRequired: true,
    isFile: true,
    meaning: 'An OpenAPI 3.0 or 3.1 document in YAML or JSON; `-` for standard input.',
  },
  {
    name: 'gateway',
    type: 'text',
    field: 'gatewayId',
    meaning: 'Whose endpoints they become, `gw_…`. A new gateway unless told.',
  },
  { name: 'name', type: 'text', field: 'name', meaning: 'Of the new gateway; the title of the document unless told.' },
  {
    name: 'route-prefix',
    type: 'text',
    field: 'routePrefix',
    meaning: 'Of the new gateway; made of its name unless told.',
  },
  {
    name: 'target',
    type: 'text',
    field: 'target',
    meaning: 'Where the service listens; as `servers` says unless told.',
  },
  { name: 'dry-run', type: 'flag', meaning: 'Only show what would become of it.' },
];

export const gateways: Group = {
  name: 'gateways',
  summary: 'Published APIs: what they are, what is live, and what was.',
  commands: [
    {
      name: 'list',
      summary: 'List gateways.',
      options: [
        {
          name: 'status',
          type: 'text',
          field: 'status',
          meaning: '`active`, `inactive`, `maintenance` or `deprecated`.',
        },
        { name: 'search', type: 'text', field: 'search', meaning: 'Anywhere in name or description.' },
        ...listOptions('`createdAt` or `name`'),
      ],
      does: {
        kind: 'call',
        method: 'GET',
        path: '/gateways',
        show: { as: 'table', columns: ['id', 'name', 'routePrefix', 'version', 'status', 'deployed.revision'] },
      },
      examples: [{ line: 'gateways list', about: 'all of them, and which revision is live' }],
    },
    {
      name: 'get',
      summary: 'Look at a gateway: the draft, and what is live.',
      args: [ID],
      does: { kind: 'call', method: 'GET', path: '/gateways/{id}', show: { as: 'fields' } },
      examples: [{ line: 'gateways get gw_01jx…', about: 'its services and settings' }],
    },
    {
      name: 'update',
      summary: 'Change a gateway.',
      description: 'Changes the draft. Only the status holds at once.',
      args: [ID],
      options: UPDATE_OPTIONS,
      does: { kind: 'call', method: 'PUT', path: '/gateways/{id}', show: { as: 'fields' } },
      examples: [
        {
          line: 'gateways update gw_01jx… --status maintenance',
          about: '503 with Retry-After, until it is active again',
        },
      ],
    },
    {
      name: 'delete',
      summary: 'Delete a gateway with its endpoints.',
      args: [ID],
      does: {
        kind: 'call',
        method: 'DELETE',
        path: '/gateways/{id}',
        show: { as: 'sentence', text: '{id} is deleted, and off the air.' },
      },
      examples: [{ line: 'gateways delete gw_01jx…', about: 'at once, and for good' }],
    },
    {
      name: 'deploy',
      summary: 'Put the draft on the air.',
      description: 'Refused with every fault where it has some; then what is live stays.',
      args: [ID],
      does: { kind: 'call', method: 'POST', path: '/gateways/{id}/deploy', show: { as: 'fields' } },
      examples: [{ line: 'gateways deploy gw_01jx…', about: 'live on every node within a second' }],
    },
    {
      name: 'diff',
      summary: 'Compare the draft with what is live, or two revisions.',
      args: [ID],
      options: [
        {
          name: 'from',
          type: 'text',
          field: 'from',
          meaning: '`live`, `draft` or the number of a revision. live unless told.',
        },
        {
          name: 'to',
          type: 'text',
          field: 'to',
          meaning: '`live`, `draft` or the number of a revision. draft unless told.',
        },
      ],
      does: { kind: 'program', calls: ['GET /gateways/{id}/diff'], run: showDifference },
      examples: [
        { line: 'gateways diff gw_01jx…', about: 'what a deploy would change' },
        { line: 'gateways diff gw_01jx… --from 3 --to live', about: 'what happened since revision 3' },
      ],
    },
    {
      name: 'health',
      summary: 'See which of its targets are up, and what speaks against the others.',
      description:
        'As the node that answers finds them now. A target is partial when only some of its threads call it.',
      args: [ID],
      does: { kind: 'program', calls: ['GET /gateways/{id}/health'], run: showHealth },
      examples: [{ line: 'gateways health gw_01jx…', about: 'every target, with its breaker and what it has to do' }],
    },
    {
      name: 'revisions',
      summary: 'List what was deployed, by whom, and when.',
      args: [ID],
      options: listOptions('`revision`').filter(({ name }) => name !== 'sort-by'),
      does: {
        kind: 'call',
        method: 'GET',
        path: '/gateways/{id}/revisions',
        show: {
          as: 'table',
          columns: [
            'revision',
            'isLive',
            'createdAt',
            'createdBy',
            'changes.added',
            'changes.changed',
            'changes.removed',
          ],
        },
      },
      examples: [{ line: 'gateways revisions gw_01jx…', about: 'the newest first' }],
    },
    {
      name: 'rollback',
      summary: 'Bring a revision back, as a new one.',
      args: [ID],
      options: [
        {
          name: 'revision',
          type: 'integer',
          field: 'revision',
          meaning: 'Which one; the one before that which is live unless told.',
        },
        {
          name: 'restore-draft',
          type: 'switch',
          field: 'restoreDraft',
          meaning: 'The draft becomes again what the revision was made of; else it stays as it is.',
        },
      ],
      does: { kind: 'call', method: 'POST', path: '/gateways/{id}/rollback', show: { as: 'fields' } },
      examples: [
        { line: 'gateways rollback gw_01jx…', about: 'the last deploy was a mistake' },
        {
          line: 'gateways rollback gw_01jx… --revision 3 --restore-draft',
          about: 'back to where it was good, the draft as well',
        },
      ],
    },
    {
      name: 'import',
      summary: 'Make endpoints of an OpenAPI document.',
      description: 'A draft, with a list of what the document says that could not be carried over.',
      options: IMPORT_OPTIONS,
      does: { kind: 'program', calls: ['POST /gateways/import'], run: importOpenApi },
      examples: [
        { line: 'gateways import -f openapi.yaml --target http://10.0.0.5:3000', about: 'a new gateway' },
        {
          line: 'gateways import -f openapi.yaml --gateway gw_01jx… --dry-run',
          about: 'what a new version of the document would change',
        },
      ],
    },
  ],
};
