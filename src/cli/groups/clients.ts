// `tollgate clients`

import type { Arg, Command, Group, Option } from '../command.ts';
import { BODY_OPTION, listOptions } from '../list-options.ts';

const ID: Arg = { name: 'id', meaning: 'the id of the client, `cli_…`' };

const TERMS: readonly Option[] = [
  { name: 'description', type: 'text', field: 'description', meaning: 'More about it.' },
  { name: 'website', type: 'text', field: 'website', meaning: 'Where one can read about it.' },
  { name: 'tier', type: 'text', field: 'rateLimitTier', meaning: 'Its set of limits: `free`, `basic`, `standard` …' },
  { name: 'monthly-quota', type: 'integer', field: 'monthlyQuota', meaning: 'Requests of all its keys in a month.' },
  { name: 'scopes', type: 'list', field: 'scopes', meaning: 'What its keys may do at most.' },
  { name: 'redirect-uris', type: 'list', field: 'redirectUris', meaning: 'Where its users may be sent back to.' },
  { name: 'metadata', type: 'object', field: 'metadata', meaning: 'Anything of yours, as a JSON object.' },
];

function setStatus(
  name: string,
  status: string,
  words: Pick<Command, 'summary' | 'examples'> & { text: string },
): Command {
  const { text, ...rest } = words;
  return {
    name,
    ...rest,
    args: [ID],
    does: {
      kind: 'call',
      method: 'PUT',
      path: '/api-clients/{id}',
      body: { status },
      show: { as: 'sentence', text },
    },
  };
}

export const clients: Group = {
  name: 'clients',
  summary: 'Partner applications, each with keys of its own.',
  commands: [
    {
      name: 'list',
      summary: 'List clients.',
      options: [
        { name: 'status', type: 'text', field: 'status', meaning: '`pending`, `active`, `suspended` …' },
        { name: 'tier', type: 'text', field: 'rateLimitTier', meaning: 'Clients with this set of limits.' },
        { name: 'email', type: 'text', field: 'contactEmail', meaning: 'Anywhere in the address of the contact.' },
        { name: 'search', type: 'text', field: 'search', meaning: 'Anywhere in name, organization or contact.' },
        ...listOptions('`createdAt`, `name` or `expiresAt`'),
      ],
      does: {
        kind: 'call',
        method: 'GET',
        path: '/api-clients',
        show: { as: 'table', columns: ['id', 'name', 'status', 'rateLimitTier', 'contactEmail', 'createdAt'] },
      },
      examples: [{ line: 'clients list --status pending', about: 'who waits for an approval' }],
    },
    {
      name: 'get',
      summary: 'Look at a client.',
      args: [ID],
      does: { kind: 'call', method: 'GET', path: '/api-clients/{id}', show: { as: 'fields' } },
      examples: [{ line: 'clients get cli_01jx…', about: 'what its keys may do, and from where' }],
    },
    {
      name: 'create',
      summary: 'Make a client.',
      options: [
        { name: 'name', type: 'text', field: 'name', isRequired: true, meaning: 'What the application is called.' },
        { name: 'email', type: 'text', field: 'contactEmail', isRequired: true, meaning: 'Whom to write to about it.' },
        ...TERMS,
        BODY_OPTION,
      ],
      does: { kind: 'call', method: 'POST', path: '/api-clients', show: { as: 'fields' } },
      examples: [
        {
          line: 'clients create --name "Acme shop" --email dev@acme.example --tier standard',
          about: 'then make it a key',
        },
        { line: 'keys create --name "Acme, live" --client cli_01jx…', about: 'its first key' },
      ],
    },
    {
      name: 'update',
      summary: 'Change a client.',
      description: 'What is not named stays as it is. Holds for all its keys within a second.',
      args: [ID],
      options: [
        { name: 'name', type: 'text', field: 'name', meaning: 'What the application is called.' },
        { name: 'email', type: 'text', field: 'contactEmail', meaning: 'Whom to write to about it.' },
        ...TERMS,
        {
          name: 'clear',
          type: 'clear',
          fields: { description: 'description', website: 'website', tier: 'rateLimitTier' },
          meaning: 'Take these away: `description`, `website`, `tier`.',
        },
        BODY_OPTION,
      ],
      does: { kind: 'call', method: 'PUT', path: '/api-clients/{id}', show: { as: 'fields' } },
      examples: [{ line: 'clients update cli_01jx… --tier premium', about: 'more room from now on' }],
    },
    {
      name: 'approve',
      summary: 'Approve a client that registered itself.',
      args: [ID],
      options: [
        {
          name: 'scopes',
          type: 'list',
          field: 'allowedScopes',
          meaning: 'What its keys may do; what it asked for unless told.',
        },
      ],
      does: {
        kind: 'call',
        method: 'POST',
        path: '/clients/{id}/approve',
        show: { as: 'sentence', text: '{id} is approved: its keys work from now on.' },
      },
      examples: [{ line: 'clients approve cli_01jx… --scopes orders:read', about: 'less than it asked for' }],
    },
    setStatus('suspend', 'suspended', {
      summary: 'Stop all keys of a client at once.',
      text: '{id} is suspended: none of its keys works until `clients resume`.',
      examples: [{ line: 'clients suspend cli_01jx…', about: 'while something is looked into' }],
    }),
    setStatus('resume', 'active', {
      summary: 'Let the keys of a suspended client work again.',
      text: '{id} is active: its keys work again.',
      examples: [{ line: 'clients resume cli_01jx…', about: 'all is well' }],
    }),
    {
      name: 'dashboard',
      summary: 'A client at a glance: keys, limits, usage.',
      args: [ID],
      does: { kind: 'call', method: 'GET', path: '/api-clients/{id}/dashboard', show: { as: 'fields' } },
      examples: [{ line: 'clients dashboard cli_01jx…', about: 'before a call with them' }],
    },
    {
      name: 'delete',
      summary: 'Delete a client and revoke its keys, for good.',
      args: [ID],
      does: {
        kind: 'call',
        method: 'DELETE',
        path: '/api-clients/{id}',
        show: { as: 'sentence', text: '{id} is deleted, and its keys are revoked.' },
      },
      examples: [{ line: 'clients delete cli_01jx…', about: 'the contract has ended' }],
    },
  ],
};
