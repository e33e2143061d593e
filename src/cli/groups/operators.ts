// `tollgate operators`

import type { Arg, Group, Option } from '../command.ts';
import { listOptions } from '../list-options.ts';

const ID: Arg = { name: 'id', meaning: 'the id of the operator, `usr_…`' };
const ROLE: Option = {
  name: 'role',
  type: 'text',
  field: 'role',
  meaning: '`SUPER_ADMIN`, `KEY_ADMIN`, `KEY_VIEWER`, `USER_ADMIN`, `SUPPORT`, or a role of your own.',
};

export const operators: Group = {
  name: 'operators',
  summary: 'People who manage, each with a role.',
  commands: [
    {
      name: 'list',
      summary: 'List operators.',
      options: [
        ROLE,
        { name: 'status', type: 'text', field: 'status', meaning: '`active` or `suspended`.' },
        { name: 'search', type: 'text', field: 'search', meaning: 'Anywhere in name or e-mail address.' },
        ...listOptions('`createdAt`, `name` or `email`'),
      ],
      does: {
        kind: 'call',
        method: 'GET',
        path: '/operators',
        show: { as: 'table', columns: ['id', 'name', 'email', 'role', 'status', 'createdAt'] },
      },
      examples: [{ line: 'operators list --role SUPER_ADMIN', about: 'who may do everything' }],
    },
    {
      name: 'get',
      summary: 'Look at an operator.',
      args: [ID],
      does: { kind: 'call', method: 'GET', path: '/operators/{id}', show: { as: 'fields' } },
      examples: [{ line: 'operators get usr_01jx…', about: 'their role and status' }],
    },
    {
      name: 'create',
      summary: 'Make an operator, with their first key.',
      description: 'The key is printed this once; they use it to log in: `tollgate login`.',
      options: [
        { name: 'name', type: 'text', field: 'name', isRequired: true, meaning: 'Their name.' },
        { name: 'email', type: 'text', field: 'email', isRequired: true, meaning: 'Their e-mail address.' },
        { ...ROLE, isRequired: true },
        { name: 'tenant', type: 'text', field: 'tenantId', meaning: 'The tenant they work for; your own unless told.' },
      ],
      does: { kind: 'call', method: 'POST', path: '/operators', show: { as: 'fields', secret: 'apiKey' } },
      examples: [
        {
          line: 'operators create --name "Ada L." --email ada@example.com --role KEY_ADMIN',
          about: 'she manages keys',
        },
      ],
    },
    {
      name: 'update',
      summary: 'Change an operator.',
      description: 'What is not named stays as it is. Another role holds for all their keys within a second.',
      args: [ID],
      options: [
        { name: 'name', type: 'text', field: 'name', meaning: 'Their name.' },
        { name: 'email', type: 'text', field: 'email', meaning: 'Their e-mail address.' },
        ROLE,
        {
          name: 'status',
          type: 'text',
          field: 'status',
          meaning: '`suspended` stops all their keys, `active` lets them go on.',
        },
      ],
      does: { kind: 'call', method: 'PUT', path: '/operators/{id}', show: { as: 'fields' } },
      examples: [{ line: 'operators update usr_01jx… --role SUPPORT', about: 'from now on they only look' }],
    },
    {
      name: 'delete',
      summary: 'Delete an operator and revoke their keys, for good.',
      args: [ID],
      does: {
        kind: 'call',
        method: 'DELETE',
        path: '/operators/{id}',
        show: { as: 'sentence', text: '{id} is no operator any more, and their keys are revoked.' },
      },
      examples: [{ line: 'operators delete usr_01jx…', about: 'they left' }],
    },
  ],
};
