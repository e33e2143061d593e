// `tollgate rate-limits`

import type { Arg, Command, Group, Option } from '../command.ts';
import { BODY_OPTION } from '../list-options.ts';

const NAME: Arg = { name: 'name', meaning: 'the name of the tier' };

const WINDOWS: readonly Option[] = [
  { name: 'per-minute', type: 'integer', field: 'requestsPerMinute', meaning: 'Requests a minute.' },
  { name: 'per-hour', type: 'integer', field: 'requestsPerHour', meaning: 'Requests an hour.' },
  { name: 'per-day', type: 'integer', field: 'requestsPerDay', meaning: 'Requests a day.' },
  { name: 'per-month', type: 'integer', field: 'requestsPerMonth', meaning: 'Requests a month.' },
  { name: 'burst', type: 'integer', field: 'burst', meaning: 'Requests at once.' },
];

interface Limited {
  /** `key` */
  readonly noun: string;
  /** `a key` */
  readonly words: string;
  readonly id: string;
  readonly summary: string;
  readonly options: readonly Option[];
  readonly set: Command['examples'];
}

const LIMITED: readonly Limited[] = [
  {
    noun: 'key',
    words: 'a key',
    id: 'key_01jx…',
    summary: 'In the place of the defaults; of the key of a client, beside those of the client.',
    options: [
      {
        name: 'override',
        type: 'integer',
        field: 'rateLimitOverride',
        meaning: 'Requests a minute in the place of the client’s.',
      },
    ],
    set: [{ line: 'rate-limits set-key key_01jx… --per-minute 2000 --burst 100', about: 'a partner needs more' }],
  },
  {
    noun: 'client',
    words: 'a client',
    id: 'cli_01jx…',
    summary: 'In the place of those of its tier, over all its keys together.',
    options: [],
    set: [{ line: 'rate-limits set-client cli_01jx… --per-day 500000', about: 'a contract of their own' }],
  },
  {
    noun: 'endpoint',
    words: 'an endpoint',
    id: 'ep_01jx…',
    summary: 'At once, without a deploy, over all callers together.',
    options: [
      { name: 'cost', type: 'integer', field: 'cost', meaning: 'What a request to it counts; 1 unless told.' },
      { name: 'per-client', type: 'object', field: 'perClient', meaning: 'Limits of each client, as a JSON object.' },
    ],
    set: [
      { line: 'rate-limits set-endpoint ep_01jx… --cost 10', about: 'a report that takes its time' },
      {
        line: `rate-limits set-endpoint ep_01jx… --per-client '{"requestsPerMinute":5}'`,
        about: 'five reports a minute for each',
      },
    ],
  },
  {
    noun: 'tenant',
    words: 'a tenant',
    id: 'ten_01jx…',
    summary: 'Windows over all that call in it; only for operators of the default tenant.',
    options: [
      {
        name: 'multiplier',
        type: 'number',
        field: 'multiplier',
        meaning: 'What the limits of its keys and clients are multiplied by.',
      },
      { name: 'time-zone', type: 'text', field: 'timeZone', meaning: 'Whose days and months they are.' },
    ],
    set: [
      { line: 'rate-limits set-tenant ten_01jx… --multiplier 1.5', about: 'half as much again for all of its callers' },
    ],
  },
];

function commandsOf({ noun, words, id, summary, options, set }: Limited): Command[] {
  const args: Arg[] = [{ name: 'id', meaning: `the id of the ${noun}, \`${id.slice(0, id.indexOf('_') + 1)}…\`` }];
  const path = `/rate-limits/${noun}s/{id}`;
  const show = { as: 'fields' } as const;
  return [
    {
      name: `show-${noun}`,
      summary: `Look at the limits of ${words}.`,
      args,
      does: { kind: 'call', method: 'GET', path, show },
      examples: [{ line: `rate-limits show-${noun} ${id}`, about: 'what was said of it, and what holds' }],
    },
    {
      name: `set-${noun}`,
      summary: `Say what the limits of ${words} are.`,
      description: `${summary} As a whole: a window that is not named is unlimited.`,
      args,
      options: [...WINDOWS, ...options, BODY_OPTION],
      does: { kind: 'call', method: 'PUT', path, show },
      examples: set,
    },
    {
      name: `clear-${noun}`,
      summary: `Take back what was said of the limits of ${words}.`,
      args,
      does: { kind: 'call', method: 'DELETE', path, show },
      examples: [{ line: `rate-limits clear-${noun} ${id}`, about: 'as if nothing had been said' }],
    },
  ];
}

export const rateLimits: Group = {
  name: 'rate-limits',
  summary: 'How often callers may call: tiers, exceptions, and where you stand.',
  commands: [
    {
      name: 'status',
      summary: 'See where the key that calls stands.',
      does: {
        kind: 'call',
        method: 'GET',
        path: '/rate-limits/status',
        show: { as: 'table', columns: ['name', 'limit', 'used', 'remaining', 'resetAt'], membersOf: 'limits' },
      },
      examples: [{ line: 'rate-limits status', about: 'what is left of each window' }],
    },
    {
      name: 'list',
      summary: 'List the tiers.',
      does: {
        kind: 'call',
        method: 'GET',
        path: '/rate-limits',
        show: {
          as: 'table',
          columns: ['name', 'requestsPerMinute', 'requestsPerHour', 'requestsPerDay', 'requestsPerMonth', 'burst'],
          membersOf: '',
        },
      },
      examples: [{ line: 'rate-limits list', about: 'what clients can be given' }],
    },
    {
      name: 'set-tier',
      summary: 'Make a tier, or change it.',
      description: 'As a whole: a window that is not named is unlimited. Holds for all its clients at once.',
      args: [NAME],
      options: WINDOWS,
      does: { kind: 'call', method: 'PUT', path: '/rate-limits/tiers/{name}', show: { as: 'fields' } },
      examples: [{ line: 'rate-limits set-tier gold --per-minute 1000 --burst 200', about: 'between two others' }],
    },
    {
      name: 'delete-tier',
      summary: 'Delete a tier that no client has.',
      args: [NAME],
      does: {
        kind: 'call',
        method: 'DELETE',
        path: '/rate-limits/tiers/{name}',
        show: { as: 'sentence', text: '{name} is deleted.' },
      },
      examples: [{ line: 'rate-limits delete-tier gold', about: 'nobody wanted it' }],
    },
    ...LIMITED.flatMap(commandsOf),
  ],
};
