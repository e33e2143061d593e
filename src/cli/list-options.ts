// What every list takes, and what every change of a resource does.

import type { Option } from './command.ts';

/** `sortBy` names the fields that the list can be sorted by. */
export function listOptions(sortBy: string): readonly Option[] {
  return [
    { name: 'sort-by', type: 'text', field: 'sortBy', meaning: `Sort by ${sortBy}.` },
    { name: 'sort-order', type: 'text', field: 'sortOrder', meaning: '`asc` or `desc`.' },
    { name: 'limit', type: 'integer', field: 'limit', meaning: 'Entries at a time, at most 100.' },
    { name: 'cursor', type: 'text', field: 'cursor', meaning: 'Go on where the list before ended.' },
    { name: 'all', type: 'flag', meaning: 'All entries, up to 10,000.' },
  ];
}

export const BODY_OPTION: Option = {
  name: 'data',
  type: 'body',
  meaning: 'A file with a JSON object: fields that have no option here. Options win.',
};
