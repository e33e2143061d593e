// `tollgate tenants`

import type { Arg, Group, Option } from '../command.ts';
import { listOptions } from '../list-options.ts';

const ID: Arg = { name: 'id', meaning: 'the id of the tenant, `ten_…`' };
const NAME: Option = { name: 'name', type: 'text', field: 'name', meaning: 'What it is called, in words.' };
const SLUG: Option = {
  name: 'slug',
  type: 'text',
  field: 'slug',
  meaning: 'A short name for URLs; no two have the same.',
};

export const tenants: Group = {
  name: 'tenants',
  summary: 'Organizations that share a Tollgate and see nothing of each other.',
  commands: [
    {
      name: 'list',
      summary: 'List tenants.',
      options: [
        { name: 'search', type: 'text', field: 'search', meaning: 'Anywhere in name or slug.' },
        ...listOptions('`createdAt` or `name`'),
      ],
      does: {
        kind: 'call',
        method: 'GET',
        path: '/tenants',
        show: { as: 'table', columns: ['id', 'name', 'slug', 'status', 'createdAt'] },
      },
      examples: [{ line: 'tenants list', about: 'all that you may see' }],
    },
    {
      name: 'get',
      summary: 'Look at a tenant.',
      args: [ID],
      does: { kind: 'call', method: 'GET', path: '/tenants/{id}', show: { as: 'fields' } },
      examples: [{ line: 'tenants get ten_01jx…', about: 'its name and status' }],
    },
    {
      name: 'create',
      summary: 'Make a tenant.',
      options: [
        { ...NAME, isRequired: true },
        { ...SLUG, isRequired: true },
      ],
      does: { kind: 'call', method: 'POST', path: '/tenants', show: { as: 'fields' } },
      examples: [
        { line: 'tenants create --name "Acme Ltd." --slug acme', about: 'then make it an operator' },
        {
          line: 'operators create --tenant ten_01jx… --name Ada --email ada@acme.example --role SUPER_ADMIN',
          about: 'who can do everything there, and nothing elsewhere',
        },
      ],
    },
    {
      name: 'update',
      summary: 'Change a tenant.',
      args: [ID],
      options: [
        NAME,
        SLUG,
        {
          name: 'status',
          type: 'text',
          field: 'status',
          meaning: '`suspended` stops all that it has, `active` lets it go on.',
        },
      ],
      does: { kind: 'call', method: 'PUT', path: '/tenants/{id}', show: { as: 'fields' } },
      examples: [{ line: 'tenants update ten_01jx… --name "Acme Inc."', about: 'they changed their name' }],
    },
    {
      name: 'delete',
      summary: 'Delete a tenant.',
      args: [ID],
      does: {
        kind: 'call',
        method: 'DELETE',
        path: '/tenants/{id}',
        show: { as: 'sentence', text: '{id} is deleted.' },
      },
      examples: [{ line: 'tenants delete ten_01jx…', about: 'for good' }],
    },
  ],
};
