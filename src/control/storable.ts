// What no database column and no log line can hold, wherever it stands in a request.

import type { Flaw } from './faults.ts';

/** Deeper values exhaust the stack of whoever writes or reads them. */
const MAX_DEPTH = 32;

export function findUnstorable(value: unknown): Flaw[] {
  const flaws: Flaw[] = [];
  search(value, [], flaws);
  return flaws;
}

function search(value: unknown, names: readonly string[], flaws: Flaw[]): void {
  if (typeof value === 'string') {
    if (isBroken(value)) flaws.push({ names, message: 'must not hold NUL or half characters' });
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (names.length >= MAX_DEPTH) {
    flaws.push({ names, message: `must not be nested deeper than ${MAX_DEPTH} levels` });
    return;
  }
  for (const [name, member] of Object.entries(value)) {
    if (isBroken(name)) flaws.push({ names, message: 'must not have names with NUL or half characters' });
    else search(member, [...names, name], flaws);
  }
}

/** PostgreSQL keeps neither NUL nor one half of a surrogate pair. */
function isBroken(text: string): boolean {
  return text.includes('\0') || !text.isWellFormed();
}
