// `tollgate keys`

import type { Arg, Group, Option } from '../command.ts';
import { BODY_OPTION, listOptions } from '../list-options.ts';

const ID: Arg = { name: 'id', meaning: 'the id of the key, `key_…`' };

export const TERMS: readonly Option[] = [
  { name: 'description', type: 'text', field: 'description', meaning: 'More about it.' },
  { name: 'owner', type: 'text', field: 'owner', meaning: 'Who uses it.' },
  { name: 'scopes', type: 'list', field: 'scopes', meaning: 'What it may do: `orders:read,orders:write`.' },
  { name: 'per-minute', type: 'integer', field: 'rateLimit.requestsPerMinute', meaning: 'Requests a minute.' },
  { name: 'per-hour', type: 'integer', field: 'rateLimit.requestsPerHour', meaning: 'Requests an hour.' },
  { name: 'per-day', type: 'integer', field: 'rateLimit.requestsPerDay', meaning: 'Requests a day.' },
  {
    name: 'allowed-ips',
    type: 'list',
    field: 'allowedIps',
    meaning: 'Addresses and ranges from which alone it works.',
  },
  { name: 'metadata', type: 'object', field: 'metadata', meaning: 'Anything of yours, as a JSON object.' },
  { name: 'expires-at', type: 'text', field: 'expiresAt', meaning: 'When it stops to work: `2030-01-31T12:00:00Z`.' },
];

export const keys: Group = {
  name: 'keys',
  summary: 'Keys with which programs and people call.',
  commands: [
    {
      name: 'list',
      summary: 'List keys.',
      options: [
        { name: 'status', type: 'text', field: 'status', meaning: '`active`, `deprecated`, `revoked` or `expired`.' },
        { name: 'client', type: 'text', field: 'clientId', meaning: 'Keys of this client.' },
        { name: 'owner', type: 'text', field: 'owner', meaning: 'Exactly this owner.' },
        { name: 'search', type: 'text', field: 'search', meaning: 'Anywhere in name, description or owner.' },
        { name: 'unused-days', type: 'integer', field: 'unusedDays', meaning: 'Not used for so many days.' },
        ...listOptions('`createdAt`, `lastUsedAt`, `name` or `expiresAt`'),
      ],
      does: {
        kind: 'call',
        method: 'GET',
        path: '/keys',
        show: { as: 'table', columns: ['id', 'name', 'owner', 'status', 'keyPrefix', 'lastUsedAt', 'expiresAt'] },
      },
      examples: [
        { line: 'keys list --status active --unused-days 90', about: 'keys that nobody seems to need' },
        { line: `keys list --all --json | jq -r '.[].id'`, about: 'every id, for a script' },
      ],
    },
    {
      name: 'get',
      summary: 'Look at a key.',
      args: [ID],
      does: { kind: 'call', method: 'GET', path: '/keys/{id}', show: { as: 'fields' } },
      examples: [{ line: 'keys get key_01jx…', about: 'its scopes, limits and last use; never its text' }],
    },
    {
      name: 'create',
      summary: 'Make a key.',
      description:
        'The key itself is printed this once. Give it to its user over a safe way; Tollgate does not keep it.',
      options: [
        { name: 'name', type: 'text', field: 'name', isRequired: true, meaning: 'What it is for, in words.' },
        ...TERMS,
        { name: 'expires-in-days', type: 'integer', field: 'expiresInDays', meaning: 'Instead of --expires-at.' },
        { name: 'client', type: 'text', field: 'clientId', meaning: 'The client whose key it is.' },
        { name: 'environment', type: 'text', field: 'environment', meaning: 'A word such as `live` or `test`.' },
        BODY_OPTION,
      ],
      does: { kind: 'call', method: 'POST', path: '/keys', show: { as: 'fields', secret: 'apiKey' } },
      examples: [
        { line: 'keys create --name "Order import" --scopes orders:read --per-minute 60', about: 'a key with a limit' },
        { line: 'keys create --name ci --expires-in-days 30 --json > key.json', about: 'for a script; mind the file' },
      ],
    },
    {
      name: 'update',
      summary: 'Change a key.',
      description: 'What is not named stays as it is. Holds on every node within a second.',
      args: [ID],
      options: [
        { name: 'name', type: 'text', field: 'name', meaning: 'What it is for, in words.' },
        ...TERMS,
        {
          name: 'clear',
          type: 'clear',
          fields: { description: 'description', owner: 'owner', 'expires-at': 'expiresAt' },
          meaning: 'Take these away: `description`, `owner`, `expires-at`.',
        },
        BODY_OPTION,
      ],
      does: { kind: 'call', method: 'PUT', path: '/keys/{id}', show: { as: 'fields' } },
      examples: [
        { line: 'keys update key_01jx… --scopes orders:read', about: 'from now on it can only read' },
        { line: 'keys update key_01jx… --clear expires-at', about: 'it does not expire any more' },
      ],
    },
    {
      name: 'revoke',
      summary: 'Revoke a key, for good and at once.',
      args: [ID],
      does: {
        kind: 'call',
        method: 'DELETE',
        path: '/keys/{id}',
        show: { as: 'sentence', text: '{id} is revoked: it works nowhere any more.' },
      },
      examples: [{ line: 'keys revoke key_01jx…', about: 'it was seen where it should not be' }],
    },
    {
      name: 'rotate',
      summary: 'Replace a key by a new one; the old one works on for a while.',
      description: 'The new key is printed this once.',
      args: [ID],
      options: [
        { name: 'grace-seconds', type: 'integer', field: 'deprecationPeriod', meaning: 'How long the old one works.' },
        { name: 'grace-days', type: 'integer', field: 'transitionPeriodDays', meaning: 'The same, in days.' },
      ],
      does: {
        kind: 'call',
        method: 'POST',
        path: '/keys/{id}/rotate',
        show: { as: 'fields', secret: 'newKey.apiKey' },
      },
      examples: [{ line: 'keys rotate key_01jx… --grace-days 7', about: 'a week to put the new one everywhere' }],
    },
  ],
};
